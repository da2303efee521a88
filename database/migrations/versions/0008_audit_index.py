"""The console's audit trail, found without reading the entries of single users"""

from alembic import op
import sqlalchemy as sa

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('audit_of_organisation', 'audit_entry', ['organisation_id', 'id'], unique=False, schema='golive',
        postgresql_where=sa.text("action NOT IN ('user_moved', 'user_move_undone')"))


def downgrade() -> None:
    op.drop_index('audit_of_organisation', table_name='audit_entry', schema='golive')

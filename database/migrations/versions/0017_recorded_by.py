"""Which run wrote last where a go-live stands"""

from alembic import op
import sqlalchemy as sa
import sqlmodel

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('go_live', sa.Column('recorded_by', sqlmodel.sql.sqltypes.AutoString(), nullable=True), schema='golive')


def downgrade() -> None:
    op.drop_column('go_live', 'recorded_by', schema='golive')

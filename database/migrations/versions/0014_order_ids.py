"""An order is in the audit trail once, however often it is given"""

from alembic import op
import sqlalchemy as sa

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('audit_entry', sa.Column('order_id', sa.Uuid(), nullable=True), schema='golive')
    op.create_index('one_entry_per_order', 'audit_entry', ['order_id'], unique=True, schema='golive', postgresql_where=sa.text('order_id IS NOT NULL'))


def downgrade() -> None:
    op.drop_index('one_entry_per_order', table_name='audit_entry', schema='golive')
    op.drop_column('audit_entry', 'order_id', schema='golive')

"""Orders that wait for a second person"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('order_request',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('go_live_id', sa.Uuid(), nullable=False),
    sa.Column('order', sa.String(), nullable=False),
    sa.Column('argument', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('requested_by', sa.String(), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('confirmed_by', sa.String(), nullable=True),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('(confirmed_by IS NULL) = (confirmed_at IS NULL)', name='confirmed_by_somebody_at_some_time'),
    sa.CheckConstraint('confirmed_by <> requested_by', name='confirmed_by_another'),
    sa.ForeignKeyConstraint(['go_live_id'], ['golive.go_live.id'], ),
    sa.PrimaryKeyConstraint('id'),
    schema='golive'
    )
    op.create_index('requests_of_go_live', 'order_request', ['go_live_id', 'requested_at'], unique=False, schema='golive')


def downgrade() -> None:
    op.drop_index('requests_of_go_live', table_name='order_request', schema='golive')
    op.drop_table('order_request', schema='golive')

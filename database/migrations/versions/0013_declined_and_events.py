"""Whether somebody declined, and how long the history of a run is"""

from alembic import op
import sqlalchemy as sa

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('go_live', sa.Column('declined', sa.Boolean(), nullable=False, server_default=sa.false()), schema='golive')
    op.add_column('go_live', sa.Column('run_events', sa.Integer(), nullable=False, server_default='0'), schema='golive')
    op.add_column('go_live', sa.Column('users_before', sa.Integer(), nullable=False, server_default='0'), schema='golive')
    op.add_column('go_live', sa.Column('run_orders', sa.Integer(), nullable=False, server_default='0'), schema='golive')
    op.alter_column('go_live', 'declined', server_default=None, schema='golive')
    op.alter_column('go_live', 'run_events', server_default=None, schema='golive')
    op.alter_column('go_live', 'users_before', server_default=None, schema='golive')
    op.alter_column('go_live', 'run_orders', server_default=None, schema='golive')


def downgrade() -> None:
    op.drop_column('go_live', 'users_before', schema='golive')
    op.drop_column('go_live', 'run_orders', schema='golive')
    op.drop_column('go_live', 'run_events', schema='golive')
    op.drop_column('go_live', 'declined', schema='golive')

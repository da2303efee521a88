"""A go-live's next reminder, and how it is about to end"""

from alembic import op
import sqlalchemy as sa

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('go_live', sa.Column('reminder_at', sa.DateTime(timezone=True), nullable=True), schema='golive')
    op.add_column('go_live', sa.Column('ending', sa.String(), nullable=True), schema='golive')


def downgrade() -> None:
    op.drop_column('go_live', 'ending', schema='golive')
    op.drop_column('go_live', 'reminder_at', schema='golive')

"""Mail about all go-lives of a manager, once a day, at their own time"""

from alembic import op
import sqlalchemy as sa

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('staff', sa.Column('time_zone', sa.String(), nullable=True), schema='golive')
    op.alter_column('mail', 'go_live_id', nullable=True, schema='golive')
    op.create_index('one_digest_a_day', 'mail', ['message', 'occasion', 'recipient_id'], unique=True, schema='golive', postgresql_where=sa.text('go_live_id IS NULL'))


def downgrade() -> None:
    op.drop_index('one_digest_a_day', table_name='mail', schema='golive', postgresql_where=sa.text('go_live_id IS NULL'))
    op.execute('DELETE FROM golive.mail WHERE go_live_id IS NULL')
    op.alter_column('mail', 'go_live_id', nullable=False, schema='golive')
    op.drop_column('staff', 'time_zone', schema='golive')

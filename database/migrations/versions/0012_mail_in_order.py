"""Queued mail in the order of its delivery"""

from alembic import op
import sqlalchemy as sa

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

QUEUED = sa.text("state = 'queued'")


def upgrade() -> None:
    op.drop_index('mail_to_deliver', table_name='mail', schema='golive')
    op.create_index('mail_to_deliver', 'mail', ['go_live_id', 'due_at', 'id'], schema='golive', postgresql_where=QUEUED)


def downgrade() -> None:
    op.drop_index('mail_to_deliver', table_name='mail', schema='golive')
    op.create_index('mail_to_deliver', 'mail', ['go_live_id', 'due_at'], schema='golive', postgresql_where=QUEUED)

"""What customers say on their pages goes through the outbox, too"""

from alembic import op

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

BEFORE = "signal IN ('admin_consented', 'admin_declined', 'user_signed_in')"
NOW = "signal IN ('admin_consented', 'admin_declined', 'it_acknowledged', 'mail_requested', 'user_signed_in')"


def upgrade() -> None:
    op.drop_constraint('signal_known', 'fact', schema='golive')
    op.create_check_constraint('signal_known', 'fact', NOW, schema='golive')


def downgrade() -> None:
    op.execute("DELETE FROM golive.fact WHERE signal IN ('it_acknowledged', 'mail_requested')")
    op.drop_constraint('signal_known', 'fact', schema='golive')
    op.create_check_constraint('signal_known', 'fact', BEFORE, schema='golive')

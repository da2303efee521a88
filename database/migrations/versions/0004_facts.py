"""What browsers proved and a go-live has not been told yet"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('fact',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('go_live_id', sa.Uuid(), nullable=False),
    sa.Column('signal', sa.String(), nullable=False),
    sa.Column('argument', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('noted_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("signal IN ('admin_consented', 'admin_declined', 'user_signed_in')", name='signal_known'),
    sa.ForeignKeyConstraint(['go_live_id'], ['golive.go_live.id'], ),
    sa.PrimaryKeyConstraint('id'),
    schema='golive'
    )


def downgrade() -> None:
    op.drop_table('fact', schema='golive')

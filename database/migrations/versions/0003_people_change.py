"""Contacts can leave while their mails and audit entries stay"""

from alembic import op
import sqlalchemy as sa

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('contact', sa.Column('left_at', sa.DateTime(timezone=True), nullable=True), schema='golive')


def downgrade() -> None:
    op.drop_column('contact', 'left_at', schema='golive')

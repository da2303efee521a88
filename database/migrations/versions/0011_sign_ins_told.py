"""How many first sign-ins a go-live has heard of"""

from alembic import op
import sqlalchemy as sa

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('go_live', sa.Column('sign_ins_told', sa.Integer(), server_default='0', nullable=False), schema='golive')
    op.alter_column('go_live', 'sign_ins_told', server_default=None, schema='golive')


def downgrade() -> None:
    op.drop_column('go_live', 'sign_ins_told', schema='golive')

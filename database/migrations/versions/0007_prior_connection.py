"""What an earlier go-live had proven, kept while a later one's consent stands in its place"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('go_live', sa.Column('prior_connection', postgresql.JSONB(), nullable=True), schema='golive')


def downgrade() -> None:
    op.drop_column('go_live', 'prior_connection', schema='golive')

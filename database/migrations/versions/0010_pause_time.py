"""When go-lives were paused"""

from alembic import op
import sqlalchemy as sa

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('pause_time',
    sa.Column('go_live_id', sa.Uuid(), nullable=False),
    sa.Column('began_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['go_live_id'], ['golive.go_live.id'], ),
    sa.PrimaryKeyConstraint('go_live_id', 'began_at'),
    schema='golive'
    )
    # Those that are paused now, from the order to pause.
    op.execute(
        """
        INSERT INTO golive.pause_time (go_live_id, began_at)
        SELECT g.id, coalesce(max(a.at), g.since) FROM golive.go_live g
        LEFT JOIN golive.audit_entry a ON a.go_live_id = g.id AND a.action = 'pause'
        WHERE g.paused GROUP BY g.id
        """
    )


def downgrade() -> None:
    op.drop_table('pause_time', schema='golive')

"""No foreign key to what all rows of a move have in common; that cannot be deleted instead.

Every row that a batch writes would be checked against the same go-live and organisation, one by
one: a third of the time of a move. Those rows are written by INSERT ... SELECT from the go-live's
own rows, and a go-live can no longer be deleted, so the checks find nothing.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

DROPPED = (
    ("user_move", "go_live", "go_live_id"),
    ("user_move", "app_user", "user_id"),
    ("directory_link", "go_live", "go_live_id"),
    ("mail", "go_live", "go_live_id"),
    ("audit_entry", "go_live", "go_live_id"),
    ("audit_entry", "organisation", "organisation_id"),
)


def upgrade() -> None:
    for table, parent, column in DROPPED:
        op.drop_constraint(f"{table}_{column}_fkey", table, schema="golive", type_="foreignkey")
    op.execute(
        """
        CREATE FUNCTION golive.refuse_go_live_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'a go-live is never deleted: moves, mail and the audit trail name it';
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER go_live_is_kept BEFORE DELETE OR TRUNCATE ON golive.go_live
        EXECUTE FUNCTION golive.refuse_go_live_deletion()
        """
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER go_live_is_kept ON golive.go_live")
    op.execute("DROP FUNCTION golive.refuse_go_live_deletion()")
    for table, parent, column in DROPPED:
        schema = "golive" if parent == "go_live" else "pulse"
        op.create_foreign_key(
            f"{table}_{column}_fkey",
            table,
            parent,
            [column],
            ["id"],
            source_schema="golive",
            referent_schema=schema,
        )

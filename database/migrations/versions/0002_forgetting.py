"""Text that people typed into the audit trail can be removed with them, and nothing else of it."""

from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE OR REPLACE FUNCTION golive.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND current_setting('golive.forgetting', true) = 'on' THEN
                RETURN NULL;
            END IF;
            RAISE EXCEPTION 'the audit trail is append-only';
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION golive.refuse_other_audit_text() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            OLD.reason := '[removed]';
            IF NEW IS DISTINCT FROM OLD THEN
                RAISE EXCEPTION 'the audit trail is append-only';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER audit_text_is_only_removed BEFORE UPDATE ON golive.audit_entry
        FOR EACH ROW EXECUTE FUNCTION golive.refuse_other_audit_text()
        """
    )


def downgrade() -> None:
    op.execute('DROP TRIGGER audit_text_is_only_removed ON golive.audit_entry')
    op.execute('DROP FUNCTION golive.refuse_other_audit_text()')
    op.execute(
        """
        CREATE OR REPLACE FUNCTION golive.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the audit trail is append-only';
        END $$
        """
    )

"""All tables, as in database/models.py and in the same order.

Later changes are revisions after this one. A revision's name is a number and a word, because plain
numbers belong to an earlier chain, whose databases must be recognised.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001_tables"
down_revision = None
branch_labels = None
depends_on = None

PULSE_TABLES = (
    "organisation",
    "organisation_domain",
    "agreement",
    "app_user",
    "password",
    "app_session",
    "failed_login",
)

GOLIVE_TABLES = (
    "staff",
    "staff_session",
    "preference",
    "contact",
    "file_import",
    "go_live",
    "stage_time",
    "pause_time",
    "domain_tenant",
    "sso_connection",
    "verified_domain",
    "personal_link",
    "signing_key",
    "authorization_request",
    "consent_evidence",
    "outbox",
    "directory_entry",
    "directory_snapshot",
    "directory_link",
    "user_move",
    "plan",
    "exception_decision",
    "mail",
    "audit_entry",
    "repeated_event",
    "executed_order",
    "order_request",
)


def upgrade() -> None:
    # Schema golive is there already: Alembic keeps its own table in it.
    _product()
    _go_lives()
    _consent()
    _moving()
    _mail_and_audit()
    _what_is_never_deleted_or_changed()


def _product() -> None:
    """The product's own: organisations, users, passwords, app sessions."""
    op.create_table(
        "organisation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sso_offered", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
        sa.CheckConstraint(
            "slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'", name="slug_is_url_safe"
        ),
        schema="pulse",
    )
    op.create_table(
        "organisation_domain",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("domain"),
        sa.ForeignKeyConstraint(["organisation_id"], ["pulse.organisation.id"]),
        sa.CheckConstraint("domain = lower(domain)", name="domain_is_folded"),
        schema="pulse",
    )
    op.create_index(
        "ix_pulse_organisation_domain_organisation_id",
        "organisation_domain",
        ["organisation_id"],
        schema="pulse",
    )
    op.create_table(
        "agreement",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("sso_included", sa.Boolean(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id"),
        sa.ForeignKeyConstraint(["organisation_id"], ["pulse.organisation.id"]),
        sa.CheckConstraint("starts_on <= ends_on", name="starts_before_it_ends"),
        schema="pulse",
    )
    op.create_table(
        "app_user",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("address_key", sa.String(), nullable=False),
        sa.Column("folded_key", sa.String(), nullable=True),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("sign_in_method", sa.String(), nullable=False),
        sa.Column("password_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_sso_sign_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("group_name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["organisation_id"], ["pulse.organisation.id"]),
        sa.UniqueConstraint("organisation_id", "address_key", name="one_account_per_address"),
        sa.CheckConstraint("status IN ('active', 'invited', 'deactivated')", name="status_known"),
        sa.CheckConstraint("sign_in_method IN ('password', 'sso')", name="sign_in_method_known"),
        schema="pulse",
        postgresql_with={"fillfactor": 85},
    )
    op.create_index(
        "ix_pulse_app_user_address_key",
        "app_user",
        ["address_key"],
        schema="pulse",
    )
    op.create_table(
        "password",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("argon2", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("user_id"),
        sa.ForeignKeyConstraint(["user_id"], ["pulse.app_user.id"], ondelete="CASCADE"),
        schema="pulse",
    )
    op.create_table(
        "app_session",
        sa.Column("token_sha256", sa.String(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_because", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("token_sha256"),
        sa.ForeignKeyConstraint(["user_id"], ["pulse.app_user.id"]),
        sa.CheckConstraint("method IN ('password', 'sso')", name="method_known"),
        schema="pulse",
        postgresql_with={"fillfactor": 85},
    )
    op.create_index(
        "sessions_of_user",
        "app_session",
        ["user_id"],
        schema="pulse",
    )
    op.create_index("sessions_by_end", "app_session", ["expires_at"], schema="pulse")
    op.create_table(
        "failed_login",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("subject_sha256", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="pulse",
    )
    op.create_index(
        "failed_logins_of",
        "failed_login",
        ["subject_sha256", "at"],
        schema="pulse",
    )
    op.create_index("failed_logins_by_age", "failed_login", ["at"], schema="pulse")


def _go_lives() -> None:
    """People of ours and of customers, go-lives and their stages."""
    op.create_table(
        "staff",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("address_key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=True),
        sa.Column("object_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("handle"),
        sa.UniqueConstraint("address_key"),
        sa.UniqueConstraint("object_id"),
        sa.CheckConstraint("handle ~ '^[a-z0-9][a-z0-9._-]{0,62}$'", name="handle_is_plain"),
        schema="golive",
    )
    op.create_table(
        "staff_session",
        sa.Column("token_sha256", sa.String(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("sealed_refresh_token", sa.String(), nullable=True),
        sa.Column("check_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_because", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("token_sha256"),
        sa.ForeignKeyConstraint(["staff_id"], ["golive.staff.id"]),
        sa.CheckConstraint("role IN ('reader', 'manager', 'lead')", name="role_known"),
        schema="golive",
    )
    op.create_table(
        "preference",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("exception_threshold", sa.Integer(), nullable=False),
        sa.Column("it_acknowledgement", sa.Boolean(), nullable=False),
        sa.Column("link_external_members", sa.Boolean(), nullable=False),
        sa.Column("go_live_date", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("organisation_id"),
        sa.ForeignKeyConstraint(["organisation_id"], ["pulse.organisation.id"]),
        sa.ForeignKeyConstraint(["owner_id"], ["golive.staff.id"]),
        sa.CheckConstraint("exception_threshold >= 0", name="threshold_is_a_count"),
        schema="golive",
    )
    op.create_table(
        "contact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("address_key", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["organisation_id"], ["pulse.organisation.id"]),
        sa.UniqueConstraint("organisation_id", "address_key", name="one_contact_per_address"),
        sa.CheckConstraint("position >= 1", name="position_counts_from_one"),
        schema="golive",
    )
    op.create_table(
        "file_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisations_name", sa.String(), nullable=False),
        sa.Column("users_name", sa.String(), nullable=False),
        sa.Column("uploaded_by", sa.String(), nullable=False),
        sa.Column("done_by", sa.String(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organisations", sa.LargeBinary(), nullable=True),
        sa.Column("users", sa.LargeBinary(), nullable=True),
        sa.Column("changes_sha256", sa.String(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organisation_count", sa.Integer(), nullable=False),
        sa.Column("user_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint(
            "done_at IS NULL OR (organisations IS NULL AND users IS NULL)",
            name="files_go_when_it_is_done",
        ),
        schema="golive",
    )
    op.create_index(
        op.f("ix_golive_file_import_done_at"), "file_import", ["done_at"], schema="golive"
    )
    op.create_table(
        "go_live",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("aftercare_days", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("wait", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminder_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attention", sa.String(), nullable=True),
        sa.Column("may_skip", sa.Boolean(), nullable=False),
        sa.Column("refusal", sa.String(), nullable=True),
        sa.Column("consent_not_given", sa.Boolean(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("users_done", sa.Integer(), nullable=False),
        sa.Column("users_total", sa.Integer(), nullable=False),
        sa.Column("users_before", sa.Integer(), nullable=False),
        sa.Column("exceptions", sa.Integer(), nullable=False),
        sa.Column("plan_hash", sa.String(), nullable=True),
        sa.Column("moved_up_to", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=True),
        sa.Column("prior_sso_offered", sa.Boolean(), nullable=True),
        sa.Column("prior_connection", postgresql.JSONB(), nullable=True),
        sa.Column("undo_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sign_ins_reported", sa.Integer(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=True),
        sa.Column("move_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("announced_move_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ending", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_events", sa.Integer(), nullable=False),
        sa.Column("run_orders", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["organisation_id"], ["pulse.organisation.id"]),
        sa.ForeignKeyConstraint(["owner_id"], ["golive.staff.id"]),
        sa.UniqueConstraint("organisation_id", "number", name="numbered_per_organisation"),
        sa.CheckConstraint("(outcome IS NULL) = (closed_at IS NULL)", name="closed_has_outcome"),
        schema="golive",
    )
    op.create_index(
        "one_open_per_organisation",
        "go_live",
        ["organisation_id"],
        unique=True,
        schema="golive",
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "stage_time",
        sa.Column("go_live_id", sa.Uuid(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("go_live_id", "stage"),
        sa.ForeignKeyConstraint(["go_live_id"], ["golive.go_live.id"]),
        schema="golive",
    )
    op.create_table(
        "pause_time",
        sa.Column("go_live_id", sa.Uuid(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("go_live_id", "began_at"),
        sa.ForeignKeyConstraint(["go_live_id"], ["golive.go_live.id"]),
        schema="golive",
    )


def _consent() -> None:
    """Tenants, personal links, the way to Microsoft and back, the outbox."""
    op.create_table(
        "domain_tenant",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=True),
        sa.Column("cloud", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("organisation_id", "domain"),
        sa.ForeignKeyConstraint(["organisation_id"], ["pulse.organisation.id"]),
        schema="golive",
    )
    op.create_table(
        "sso_connection",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("administrator_object_id", sa.Uuid(), nullable=True),
        sa.Column("proven_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("go_live_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id"),
        sa.ForeignKeyConstraint(["organisation_id"], ["pulse.organisation.id"]),
        sa.ForeignKeyConstraint(["go_live_id"], ["golive.go_live.id"]),
        schema="golive",
    )
    op.create_table(
        "verified_domain",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "domain"),
        sa.ForeignKeyConstraint(["organisation_id"], ["pulse.organisation.id"]),
        schema="golive",
    )
    op.create_table(
        "personal_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("go_live_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["go_live_id"], ["golive.go_live.id"]),
        sa.ForeignKeyConstraint(["contact_id"], ["golive.contact.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["pulse.app_user.id"]),
        sa.CheckConstraint(
            "purpose IN ('consent', 'setup', 'invitation', 'hand_off')", name="purpose_known"
        ),
        sa.CheckConstraint(
            "(contact_id IS NULL) <> (user_id IS NULL) OR purpose = 'hand_off'", name="one_subject"
        ),
        schema="golive",
    )
    op.create_index(
        "live_contact_link",
        "personal_link",
        ["go_live_id", "purpose", "contact_id"],
        unique=True,
        schema="golive",
        postgresql_where=sa.text("revoked_at IS NULL AND contact_id IS NOT NULL"),
    )
    op.create_index(
        "live_user_link",
        "personal_link",
        ["go_live_id", "purpose", "user_id"],
        unique=True,
        schema="golive",
        postgresql_where=sa.text("revoked_at IS NULL AND user_id IS NOT NULL"),
    )
    op.create_table(
        "signing_key",
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("signs_since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint"),
        schema="golive",
    )
    op.create_table(
        "authorization_request",
        sa.Column("state_sha256", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("browser_sha256", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("go_live_id", sa.Uuid(), nullable=True),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("tenant_id", sa.Uuid(), nullable=True),
        sa.Column("link_version", sa.Integer(), nullable=True),
        sa.Column("grant_was_absent", sa.Boolean(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=True),
        sa.Column("signed_in_object_id", sa.Uuid(), nullable=True),
        sa.Column("flow", postgresql.JSONB(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("state_sha256"),
        sa.ForeignKeyConstraint(["organisation_id"], ["pulse.organisation.id"]),
        sa.ForeignKeyConstraint(["go_live_id"], ["golive.go_live.id"]),
        sa.ForeignKeyConstraint(["link_id"], ["golive.personal_link.id"]),
        sa.CheckConstraint(
            "purpose IN ('consent', 'consent_sign_in', 'sign_in', 'invitation', 'console', 'setup')",
            name="purpose_known",
        ),
        schema="golive",
    )
    op.create_index(
        "ix_golive_authorization_request_expires_at",
        "authorization_request",
        ["expires_at"],
        schema="golive",
    )
    op.create_index(
        "requests_of_browser", "authorization_request", ["browser_sha256"], schema="golive"
    )
    op.create_index(
        "requests_with_secrets",
        "authorization_request",
        ["expires_at"],
        schema="golive",
        postgresql_where=sa.text("flow <> '{}'"),
    )
    op.create_table(
        "consent_evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("go_live_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("administrator_object_id", sa.Uuid(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("grant_was_absent", sa.Boolean(), nullable=False),
        sa.Column("by_valid_link", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["go_live_id"], ["golive.go_live.id"]),
        sa.ForeignKeyConstraint(["link_id"], ["golive.personal_link.id"]),
        sa.UniqueConstraint(
            "go_live_id", "tenant_id", "administrator_object_id", name="one_per_administrator"
        ),
        schema="golive",
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("go_live_id", sa.Uuid(), nullable=False),
        sa.Column("signal", sa.String(), nullable=False),
        sa.Column("argument", postgresql.JSONB(), nullable=False),
        sa.Column("enqueued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_aside_because", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["go_live_id"], ["golive.go_live.id"]),
        sa.CheckConstraint(
            "signal IN ('consent_reported', 'consent_not_given', 'it_acknowledged', 'mail_requested', "
            "'user_signed_in')",
            name="signal_known",
        ),
        schema="golive",
    )


def _moving() -> None:
    """Users moved as a set: snapshot, plan, what was before."""
    op.create_table(
        "directory_entry",
        sa.Column("go_live_id", sa.Uuid(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("is_guest", sa.Boolean(), nullable=False),
        sa.Column("is_external", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("is_person", sa.Boolean(), nullable=False),
        sa.Column("address_keys", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("folded_keys", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("sign_in_name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("go_live_id", "page", "line"),
        schema="golive",
    )
    op.create_table(
        "directory_snapshot",
        sa.Column("go_live_id", sa.Uuid(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("next_link", sa.String(), nullable=True),
        sa.Column("reader", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("go_live_id"),
        schema="golive",
    )
    op.create_table(
        "directory_link",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("go_live_id", sa.Uuid(), nullable=False),
        sa.Column("sign_in_name", sa.String(), nullable=True),
        sa.Column("is_administrator", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("user_id"),
        sa.ForeignKeyConstraint(["user_id"], ["pulse.app_user.id"]),
        sa.UniqueConstraint("tenant_id", "object_id", name="one_user_per_identity"),
        schema="golive",
    )
    op.create_table(
        "user_move",
        sa.Column("go_live_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("move_class", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("object_id", sa.Uuid(), nullable=True),
        sa.Column("sign_in_name", sa.String(), nullable=True),
        sa.Column("wave", sa.String(), nullable=False),
        sa.Column("prior_sign_in_method", sa.String(), nullable=False),
        sa.Column("prior_status", sa.String(), nullable=False),
        sa.Column("prior_password_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("prior_first_sso_sign_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("go_live_id", "user_id"),
        sa.UniqueConstraint("go_live_id", "position", name="moved_in_order"),
        sa.CheckConstraint("wave IN ('first', 'rest')", name="wave_known"),
        sa.CheckConstraint(
            "move_class IN ('link', 'invite', 'already_linked', 'exception')",
            name="move_class_known",
        ),
        sa.CheckConstraint(
            "(reason IS NULL) = (move_class <> 'exception')", name="exception_reason"
        ),
        schema="golive",
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "plan",
        sa.Column("go_live_id", sa.Uuid(), nullable=False),
        sa.Column("plan_hash", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("go_live_id", "plan_hash"),
        sa.ForeignKeyConstraint(["go_live_id"], ["golive.go_live.id"]),
        schema="golive",
    )
    op.create_table(
        "exception_decision",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id"),
        sa.ForeignKeyConstraint(["user_id"], ["pulse.app_user.id"]),
        sa.CheckConstraint("decision IN ('link', 'exclude')", name="decision_known"),
        schema="golive",
    )


def _mail_and_audit() -> None:
    """The ledger of mail, and who did what when."""
    # Counts the mails that the relay took.
    op.execute("CREATE SEQUENCE golive.mail_taken")
    op.create_table(
        "mail",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("go_live_id", sa.Uuid(), nullable=True),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column("recipient_kind", sa.String(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reply", sa.String(), nullable=True),
        sa.Column("taken_before", sa.BigInteger(), nullable=True),
        sa.Column("unclear_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("in_doubt", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["link_id"], ["golive.personal_link.id"]),
        sa.UniqueConstraint(
            "go_live_id", "message", "idempotency_key", "recipient_id", name="sent_once"
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'sent', 'refused', 'withdrawn')", name="state_known"
        ),
        sa.CheckConstraint(
            "recipient_kind IN ('staff', 'contact', 'user')", name="recipient_kind_known"
        ),
        schema="golive",
    )
    op.create_index(
        "mail_to_deliver",
        "mail",
        ["go_live_id", "due_at", "id"],
        schema="golive",
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "one_digest_a_day",
        "mail",
        ["message", "idempotency_key", "recipient_id"],
        unique=True,
        schema="golive",
        postgresql_where=sa.text("go_live_id IS NULL"),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("go_live_id", sa.Uuid(), nullable=True),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("times", sa.Integer(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        schema="golive",
    )
    op.create_table(
        "repeated_event",
        sa.Column("event_sha256", sa.String(), nullable=False),
        sa.Column("network_sha256", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("go_live_id", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("event_sha256", "network_sha256"),
        schema="golive",
    )
    op.create_index(
        "audit_of_go_live",
        "audit_entry",
        ["go_live_id", "id"],
        schema="golive",
    )
    op.create_index(
        "audit_of_organisation",
        "audit_entry",
        ["organisation_id", "id"],
        schema="golive",
        postgresql_where=sa.text("action NOT IN ('user_moved', 'user_move_undone')"),
    )
    op.create_index(
        "ix_golive_audit_entry_organisation_id",
        "audit_entry",
        ["organisation_id"],
        schema="golive",
    )
    op.create_index(
        "one_entry_per_order",
        "audit_entry",
        ["order_id"],
        unique=True,
        schema="golive",
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_table(
        "executed_order",
        sa.Column("go_live_id", sa.Uuid(), nullable=False),
        sa.Column("update_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("go_live_id", "update_id"),
        sa.ForeignKeyConstraint(["go_live_id"], ["golive.go_live.id"]),
        schema="golive",
    )
    op.create_table(
        "order_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("go_live_id", sa.Uuid(), nullable=False),
        sa.Column("order", sa.String(), nullable=False),
        sa.Column("argument", postgresql.JSONB(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["go_live_id"], ["golive.go_live.id"]),
        sa.CheckConstraint("confirmed_by <> requested_by", name="confirmed_by_another"),
        schema="golive",
    )
    op.create_index(
        "requests_of_go_live",
        "order_request",
        ["go_live_id", "requested_at"],
        schema="golive",
    )


def _what_is_never_deleted_or_changed() -> None:
    """Create the triggers that protect go-lives and the audit trail."""
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
    # Erasure (database/people/erasure.py) may remove text that somebody typed into the audit trail,
    # and nothing else of it: the first trigger allows an update during an erasure, the second
    # checks what it changes.
    op.execute(
        """
        CREATE FUNCTION golive.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND current_setting('golive.erasing', true) = 'on' THEN
                RETURN NULL;
            END IF;
            RAISE EXCEPTION 'the audit trail is append-only';
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
        ON golive.audit_entry EXECUTE FUNCTION golive.refuse_audit_change()
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
    op.execute("DROP SEQUENCE golive.mail_taken")
    for name in reversed(GOLIVE_TABLES):
        op.drop_table(name, schema="golive")
    for name in reversed(PULSE_TABLES):
        op.drop_table(name, schema="pulse")
    for function in ("refuse_other_audit_text", "refuse_audit_change", "refuse_go_live_deletion"):
        op.execute(f"DROP FUNCTION golive.{function}()")

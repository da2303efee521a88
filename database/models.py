"""Tables. Schema `pulse` is the product's own; `golive` is the orchestrator's.

`database/migrations/` creates them, and a test compares the two. Every address is stored as written
and as `address_key`, the form in which addresses are compared.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from contracts import rules
from contracts.notices import MailState, RecipientKind
from contracts.sign_in import RequestPurpose, UserStatus

PULSE = "pulse"
GOLIVE = "golive"


# Rows that a move writes for every user (links, moves, mail, audit) name their go-live without a
# foreign key, which would check each row against the same one. A trigger protects go-lives instead
# (docs/decisions/0006).

ROOM_TO_CHANGE = {"postgresql_with": {"fillfactor": 85}}
"""Pages leave room for changed rows, and no index covers what a move changes: so a change stays in
its page and writes no index. A million users take a third of the time."""


def _instant(*, nullable: bool = False, index: bool = False) -> Any:
    return Field(
        default=None if nullable else ...,
        sa_type=DateTime(timezone=True),
        nullable=nullable,
        index=index,
    )


def _one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


# --- pulse: organisations, users, passwords, app sessions -------------------------------------


class Organisation(SQLModel, table=True):
    """A customer organisation."""

    __tablename__ = "organisation"
    __table_args__ = (
        CheckConstraint("slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'", name="slug_is_url_safe"),
        {"schema": PULSE},
    )
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    slug: str = Field(unique=True)
    name: str
    sso_offered: bool = False
    """The login page offers "Login with SSO"."""


class OrganisationDomain(SQLModel, table=True):
    """An e-mail domain; it belongs to one organisation."""

    __tablename__ = "organisation_domain"
    __table_args__ = (
        CheckConstraint("domain = lower(domain)", name="domain_is_folded"),
        {"schema": PULSE},
    )
    domain: str = Field(primary_key=True)
    organisation_id: UUID = Field(foreign_key=f"{PULSE}.organisation.id", index=True)


class Agreement(SQLModel, table=True):
    """The subscription agreement, as far as SSO goes."""

    __tablename__ = "agreement"
    __table_args__ = (
        CheckConstraint("starts_on <= ends_on", name="starts_before_it_ends"),
        {"schema": PULSE},
    )
    organisation_id: UUID = Field(foreign_key=f"{PULSE}.organisation.id", primary_key=True)
    sso_included: bool
    starts_on: date
    ends_on: date


class AppUser(SQLModel, table=True):
    """A person with an account in one organisation."""

    __tablename__ = "app_user"
    __table_args__ = (
        UniqueConstraint("organisation_id", "address_key", name="one_account_per_address"),
        _one_of("status", *UserStatus),
        _one_of("sign_in_method", "password", "sso"),
        {"schema": PULSE, **ROOM_TO_CHANGE},
    )
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    organisation_id: UUID = Field(foreign_key=f"{PULSE}.organisation.id")
    address: str
    address_key: str = Field(index=True)
    folded_key: str | None = None
    """`address_key` case-folded, where that differs: `strasse@` of `straße@`."""
    display_name: str
    status: str
    sign_in_method: str = "password"
    password_until: datetime | None = _instant(nullable=True)
    """A moved user's password works until then and as long as the go-live was paused since the move
    (`database/go_live/grace.py`), or until the first SSO sign-in."""
    first_sso_sign_in_at: datetime | None = _instant(nullable=True)
    group_name: str = ""
    """`pilot` puts a user into the first wave."""


class Password(SQLModel, table=True):
    """An argon2 hash."""

    __tablename__ = "password"
    __table_args__ = {"schema": PULSE}
    user_id: UUID = Field(
        sa_column=Column(ForeignKey(f"{PULSE}.app_user.id", ondelete="CASCADE"), primary_key=True)
    )
    argon2: str


class AppSession(SQLModel, table=True):
    """A signed-in browser. Only the token's hash is stored."""

    __tablename__ = "app_session"
    __table_args__ = (
        _one_of("method", "password", "sso"),
        Index("sessions_of_user", "user_id"),
        Index("sessions_by_end", "expires_at"),
        {"schema": PULSE, **ROOM_TO_CHANGE},
    )
    token_sha256: str = Field(primary_key=True)
    user_id: UUID = Field(foreign_key=f"{PULSE}.app_user.id")
    method: str
    started_at: datetime = _instant()
    """For whoever looks into an incident: nothing of ours reads it."""
    expires_at: datetime = _instant()
    ended_at: datetime | None = _instant(nullable=True)
    ended_because: str | None = None


class FailedLogin(SQLModel, table=True):
    """A password that is being checked or was wrong, or a guess; too many block the next one."""

    __tablename__ = "failed_login"
    __table_args__ = (
        Index("failed_logins_of", "subject_sha256", "at"),
        Index("failed_logins_by_age", "at"),
        {"schema": PULSE},
    )
    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    subject_sha256: str
    """Hash of what is counted: an address key, a network, a browser, or two of them."""
    at: datetime = _instant()


# --- golive: people, go-lives and their stages ------------------------------------------------


class Staff(SQLModel, table=True):
    """A member of our staff, who may give orders and is known by a handle."""

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint("handle ~ '^[a-z0-9][a-z0-9._-]{0,62}$'", name="handle_is_plain"),
        {"schema": GOLIVE},
    )
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    handle: str = Field(unique=True)
    address: str
    address_key: str = Field(unique=True)
    name: str = ""
    time_zone: str | None = None
    """This person's time zone; None = that of most of their organisations."""
    object_id: UUID | None = Field(default=None, unique=True)
    """The identity in our own tenant; bound at the first sign-in to the console."""


class StaffSession(SQLModel, table=True):
    """A member of staff signed in to the console. Only the token's hash is stored."""

    __tablename__ = "staff_session"
    __table_args__ = (_one_of("role", "reader", "manager", "lead"), {"schema": GOLIVE})
    token_sha256: str = Field(primary_key=True)
    staff_id: UUID = Field(foreign_key=f"{GOLIVE}.staff.id")
    role: str
    """The highest `contracts.orders.Role` that our tenant gave when it was last asked."""
    sealed_refresh_token: str | None = None
    """What Microsoft is asked with for the role of now. Its key is the browser's token, which is
    stored nowhere; None = it cannot be asked."""
    check_due_at: datetime = _instant()
    """When Microsoft is asked next."""
    started_at: datetime = _instant()
    """For whoever looks into an incident: nothing of ours reads it."""
    expires_at: datetime = _instant()
    ended_at: datetime | None = _instant(nullable=True)
    ended_because: str | None = None
    """A `contracts.sign_in.StaffSessionEnd`; None while it goes on, or when its time is over."""


class Preference(SQLModel, table=True):
    """An organisation's preferences for its go-live."""

    __tablename__ = "preference"
    __table_args__ = (
        CheckConstraint("exception_threshold >= 0", name="threshold_is_a_count"),
        {"schema": GOLIVE},
    )
    organisation_id: UUID = Field(foreign_key=f"{PULSE}.organisation.id", primary_key=True)
    owner_id: UUID = Field(foreign_key=f"{GOLIVE}.staff.id")
    time_zone: str = "Europe/London"
    exception_threshold: int = 0
    """More exceptions than this need a person's approval."""
    it_acknowledgement: bool = False
    link_external_members: bool = False
    """Accounts that came from another tenant of the group are linked like others."""
    go_live_date: date | None = None


class Contact(SQLModel, table=True):
    """Someone at the customer's IT team; position 1 is asked first."""

    __tablename__ = "contact"
    __table_args__ = (
        UniqueConstraint("organisation_id", "address_key", name="one_contact_per_address"),
        CheckConstraint("position >= 1", name="position_counts_from_one"),
        {"schema": GOLIVE},
    )
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    organisation_id: UUID = Field(foreign_key=f"{PULSE}.organisation.id")
    position: int
    name: str
    address: str
    address_key: str
    time_zone: str = "Europe/London"
    left_at: datetime | None = _instant(nullable=True)
    """From then on this person gets no mail, and their links are revoked."""


class FileImport(SQLModel, table=True):
    """An import of two files: done, or uploaded in the console and waiting for a confirmation."""

    __tablename__ = "file_import"
    __table_args__ = (
        CheckConstraint(
            "done_at IS NULL OR (organisations IS NULL AND users IS NULL)",
            name="files_go_when_it_is_done",
        ),
        {"schema": GOLIVE},
    )
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    organisations_name: str
    users_name: str
    """As the files were called."""
    uploaded_by: str
    """A staff handle; from the shell, whoever gave the command."""
    done_by: str = ""
    """Whoever confirmed it."""
    uploaded_at: datetime = _instant()
    organisations: bytes | None = None
    users: bytes | None = None
    """The files, until it is done."""
    changes_sha256: str = ""
    """Hash of what the confirmation page showed; nothing else is done."""
    done_at: datetime | None = _instant(nullable=True, index=True)
    organisation_count: int = 0
    user_count: int = 0


class GoLive(SQLModel, table=True):
    """One go-live of an organisation: the record that people read. At most one is open each."""

    __tablename__ = "go_live"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number", name="numbered_per_organisation"),
        Index(
            "one_open_per_organisation",
            "organisation_id",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
        CheckConstraint("(outcome IS NULL) = (closed_at IS NULL)", name="closed_has_outcome"),
        {"schema": GOLIVE},
    )
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    organisation_id: UUID = Field(foreign_key=f"{PULSE}.organisation.id")
    number: int
    owner_id: UUID = Field(foreign_key=f"{GOLIVE}.staff.id")
    started_at: datetime = _instant()
    aftercare_days: int = rules.AFTERCARE_DAYS
    stage: str = "entitlement_confirmed"
    wait: str = "nothing"
    since: datetime = _instant()
    due_at: datetime | None = _instant(nullable=True)
    reminder_at: datetime | None = _instant(nullable=True)
    attention: str | None = None
    may_skip: bool = False
    refusal: str | None = None
    consent_not_given: bool = False
    paused: bool = False
    users_done: int = 0
    users_total: int = 0
    users_before: int = 0
    exceptions: int = 0
    plan_hash: str | None = None
    moved_up_to: int = 0
    """Position in the plan up to which it is applied; after an undo has begun, undone."""
    tenant_id: UUID | None = None
    """The tenant discovered from the organisation's domains."""
    prior_sso_offered: bool | None = None
    """Whether the login page offered SSO before stage 3; None = stage 3 has not begun."""
    prior_connection: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True))
    )
    """An earlier go-live's `sso_connection` and verified domains, which this one replaced."""
    undo_started_at: datetime | None = _instant(nullable=True)
    """From then on no batch may move anyone, however late it arrives."""
    sign_ins_reported: int = 0
    """First sign-ins of users that were signalled to the run (`sign_in.count_first_sign_in`)."""
    recorded_by: str | None = None
    """Temporal's id of the run that last recorded its position (`positions.record_position`)."""
    move_at: datetime | None = _instant(nullable=True)
    announced_move_at: datetime | None = _instant(nullable=True)
    """The date of the move that was last announced to the contacts."""
    ending: str | None = None
    """The outcome that it is about to have, while its changes are undone."""
    outcome: str | None = None
    closed_at: datetime | None = _instant(nullable=True)
    run_events: int = 0
    """Events in the history of its run when it last recorded its position."""
    run_orders: int = 0
    """Orders that its run had accepted by then."""


class StageTime(SQLModel, table=True):
    """When a go-live entered and left a stage, in workflow time."""

    __tablename__ = "stage_time"
    __table_args__ = {"schema": GOLIVE}
    go_live_id: UUID = Field(foreign_key=f"{GOLIVE}.go_live.id", primary_key=True)
    stage: str = Field(primary_key=True)
    started_at: datetime = _instant()
    ended_at: datetime | None = _instant(nullable=True)


class PauseTime(SQLModel, table=True):
    """When a go-live was paused and resumed, in workflow time."""

    __tablename__ = "pause_time"
    __table_args__ = {"schema": GOLIVE}
    go_live_id: UUID = Field(foreign_key=f"{GOLIVE}.go_live.id", primary_key=True)
    began_at: datetime = Field(sa_type=DateTime(timezone=True), primary_key=True)
    ended_at: datetime | None = _instant(nullable=True)


# --- golive: consent --------------------------------------------------------------------------


class DomainTenant(SQLModel, table=True):
    """The tenant that was discovered from one of the organisation's e-mail domains."""

    __tablename__ = "domain_tenant"
    __table_args__ = {"schema": GOLIVE}
    organisation_id: UUID = Field(foreign_key=f"{PULSE}.organisation.id", primary_key=True)
    domain: str = Field(primary_key=True)
    tenant_id: UUID | None = None
    """None = the domain is not on Entra ID, or in another cloud."""
    cloud: str | None = None
    """A `Cloud` value: where its tenant is, if that is not the one served here."""


class SsoConnection(SQLModel, table=True):
    """The proven tenant of an organisation. A row exists only after all four checks."""

    __tablename__ = "sso_connection"
    __table_args__ = {"schema": GOLIVE}
    organisation_id: UUID = Field(foreign_key=f"{PULSE}.organisation.id", primary_key=True)
    tenant_id: UUID
    administrator_object_id: UUID | None = None
    """Who consented, by all we know; None = the grant stood before anybody of this go-live came."""
    proven_at: datetime = _instant()
    go_live_id: UUID = Field(foreign_key=f"{GOLIVE}.go_live.id")


class VerifiedDomain(SQLModel, table=True):
    """A domain that the proven tenant has verified."""

    __tablename__ = "verified_domain"
    __table_args__ = {"schema": GOLIVE}
    organisation_id: UUID = Field(foreign_key=f"{PULSE}.organisation.id", primary_key=True)
    domain: str = Field(primary_key=True)


class PersonalLink(SQLModel, table=True):
    """Consent, set-up, invitation or hand-off link of one person; the token is derived."""

    __tablename__ = "personal_link"
    __table_args__ = (
        _one_of("purpose", "consent", "setup", "invitation", "hand_off"),
        CheckConstraint(
            "(contact_id IS NULL) <> (user_id IS NULL) OR purpose = 'hand_off'",
            name="one_subject",
        ),
        Index(
            "live_contact_link",
            "go_live_id",
            "purpose",
            "contact_id",
            unique=True,
            postgresql_where=text("revoked_at IS NULL AND contact_id IS NOT NULL"),
        ),
        Index(
            "live_user_link",
            "go_live_id",
            "purpose",
            "user_id",
            unique=True,
            postgresql_where=text("revoked_at IS NULL AND user_id IS NOT NULL"),
        ),
        {"schema": GOLIVE},
    )
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    go_live_id: UUID = Field(foreign_key=f"{GOLIVE}.go_live.id")
    purpose: str
    contact_id: UUID | None = Field(default=None, foreign_key=f"{GOLIVE}.contact.id")
    user_id: UUID | None = Field(default=None, foreign_key=f"{PULSE}.app_user.id")
    version: int = 1
    expires_at: datetime = _instant()
    used_at: datetime | None = _instant(nullable=True)
    revoked_at: datetime | None = _instant(nullable=True)


class SigningKey(SQLModel, table=True):
    """A key that has signed personal links (`GOLIVE_SECRET_KEY`), by its fingerprint alone."""

    __tablename__ = "signing_key"
    __table_args__ = {"schema": GOLIVE}
    fingerprint: str = Field(primary_key=True)
    signs_since: datetime = _instant()


class AuthorizationRequest(SQLModel, table=True):
    """A browser that we sent to Microsoft and expect back once, by the hash of our `state`."""

    __tablename__ = "authorization_request"
    __table_args__ = (
        _one_of("purpose", *RequestPurpose),
        Index("requests_of_browser", "browser_sha256"),
        Index("requests_with_secrets", "expires_at", postgresql_where=text("flow <> '{}'")),
        {"schema": GOLIVE},
    )
    state_sha256: str = Field(primary_key=True)
    purpose: str
    browser_sha256: str
    """Hash of the cookie of the browser that began it."""
    organisation_id: UUID | None = Field(default=None, foreign_key=f"{PULSE}.organisation.id")
    go_live_id: UUID | None = Field(default=None, foreign_key=f"{GOLIVE}.go_live.id")
    link_id: UUID | None = Field(default=None, foreign_key=f"{GOLIVE}.personal_link.id")
    tenant_id: UUID | None = None
    link_version: int | None = None
    """Version of the link it began with; this browser never gets a newer one."""
    grant_was_absent: bool = False
    """Of a consent: we looked for the grant before this browser left, and it was not there."""
    evidence_id: UUID | None = None
    """The `consent_evidence` that this request led to; None if it proved nothing."""
    signed_in_object_id: UUID | None = None
    """Of a set-up page: the account of the tenant that signed in; None if nobody did."""
    flow: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    expires_at: datetime = _instant(index=True)
    used_at: datetime | None = _instant(nullable=True)


class ConsentEvidence(SQLModel, table=True):
    """Checks 1 to 3 passed in a browser: state, ID token, tenant. Check 4 is the workflow's."""

    __tablename__ = "consent_evidence"
    __table_args__ = (
        UniqueConstraint(
            "go_live_id", "tenant_id", "administrator_object_id", name="one_per_administrator"
        ),
        {"schema": GOLIVE},
    )
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    go_live_id: UUID = Field(foreign_key=f"{GOLIVE}.go_live.id")
    link_id: UUID | None = Field(default=None, foreign_key=f"{GOLIVE}.personal_link.id")
    tenant_id: UUID
    administrator_object_id: UUID
    checked_at: datetime = _instant()
    grant_was_absent: bool = False
    """The grant was not there when this account's browser left for Microsoft."""
    by_valid_link: bool = False
    """The browser had begun with a personal link that was valid when its account signed in."""


class OutboxEntry(SQLModel, table=True):
    """A signal that is not relayed to its go-live yet; holds ids, codes and instants only."""

    __tablename__ = "outbox"
    __table_args__ = (
        _one_of(
            "signal",
            "consent_reported",
            "consent_not_given",
            "it_acknowledged",
            "mail_requested",
            "user_signed_in",
        ),
        {"schema": GOLIVE},
    )
    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    go_live_id: UUID = Field(foreign_key=f"{GOLIVE}.go_live.id")
    signal: str
    argument: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    enqueued_at: datetime = _instant()
    set_aside_because: str | None = None
    """A code, where it can never be relayed as it is; a person looks at it."""


# --- golive: moving users on sets -------------------------------------------------------------


class DirectoryEntry(SQLModel, table=True):
    """Staging: one directory object of a snapshot; deleted when the move is over.

    The key is the place in the listing, so that copying a page again replaces it. An object that
    Microsoft lists twice has two rows here, and the later one counts.
    """

    __tablename__ = "directory_entry"
    __table_args__ = {"schema": GOLIVE}
    go_live_id: UUID = Field(primary_key=True)
    page: int = Field(primary_key=True)
    line: int = Field(primary_key=True)
    object_id: UUID
    is_guest: bool
    is_external: bool
    """A member that came from another tenant, by cross-tenant synchronisation."""
    enabled: bool
    is_person: bool
    """False if it looks like a shared mailbox or a service account."""
    address_keys: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    folded_keys: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default="{}")
    )
    """Those keys case-folded, where that differs."""
    sign_in_name: str
    """The user principal name, as the directory writes it; empty if Microsoft's sign-in page does
    not know that."""


class DirectorySnapshot(SQLModel, table=True):
    """Staging: how far a snapshot has come, and the link to its next page."""

    __tablename__ = "directory_snapshot"
    __table_args__ = {"schema": GOLIVE}
    go_live_id: UUID = Field(primary_key=True)
    pages: int
    entries: int
    next_link: str | None = None
    reader: str
    """The order to read, and after `#` its attempt; earlier attempts may write nothing more."""


class DirectoryLink(SQLModel, table=True):
    """The user's identity at Microsoft; SSO sign-in uses this and nothing else."""

    __tablename__ = "directory_link"
    __table_args__ = (
        UniqueConstraint("tenant_id", "object_id", name="one_user_per_identity"),
        {"schema": GOLIVE},
    )
    user_id: UUID = Field(foreign_key=f"{PULSE}.app_user.id", primary_key=True)
    tenant_id: UUID
    object_id: UUID
    go_live_id: UUID
    sign_in_name: str | None = None
    """The name that Microsoft knows, to be filled in on its page; it proves nothing."""
    is_administrator: bool = False
    """Whether the last sign-in named a directory role. Global Administrators pass where others are
    stopped, so that their sign-in proves nothing about others."""


class UserMove(SQLModel, table=True):
    """The plan's decision about a user, and the user's state before the move."""

    __tablename__ = "user_move"
    __table_args__ = (
        UniqueConstraint("go_live_id", "position", name="moved_in_order"),
        _one_of("move_class", "link", "invite", "already_linked", "exception"),
        CheckConstraint("(reason IS NULL) = (move_class <> 'exception')", name="exception_reason"),
        _one_of("wave", "first", "rest"),
        # Neighbours move together, so a page needs room for all of its rows once more.
        {"schema": GOLIVE, "postgresql_with": {"fillfactor": 50}},
    )
    go_live_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True)
    position: int
    move_class: str
    reason: str | None = None
    object_id: UUID | None = None
    sign_in_name: str | None = None
    """Until the user has moved: what the link is made with."""
    wave: str
    prior_sign_in_method: str
    prior_status: str
    prior_password_until: datetime | None = _instant(nullable=True)
    prior_first_sso_sign_in_at: datetime | None = _instant(nullable=True)
    moved_at: datetime | None = _instant(nullable=True)
    undone_at: datetime | None = _instant(nullable=True)


class Plan(SQLModel, table=True):
    """A plan that a go-live has had, for approvals and for the difference between two plans."""

    __tablename__ = "plan"
    __table_args__ = {"schema": GOLIVE}
    go_live_id: UUID = Field(foreign_key=f"{GOLIVE}.go_live.id", primary_key=True)
    plan_hash: str = Field(primary_key=True)
    made_at: datetime = _instant()
    counts: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False))
    """Users by class; exceptions by their reason."""


class ExceptionDecision(SQLModel, table=True):
    """A person's decision about one user: link to this identity, or exclude."""

    __tablename__ = "exception_decision"
    __table_args__ = (_one_of("decision", "link", "exclude"), {"schema": GOLIVE})
    user_id: UUID = Field(foreign_key=f"{PULSE}.app_user.id", primary_key=True)
    decision: str
    object_id: UUID | None = None
    decided_by: str
    decided_at: datetime = _instant()
    reason_id: int = Field(sa_type=BigInteger)


# --- golive: mail and audit -------------------------------------------------------------------


class Mail(SQLModel, table=True):
    """The ledger: one row per message, idempotency key and recipient, before it is sent."""

    __tablename__ = "mail"
    __table_args__ = (
        UniqueConstraint(
            "go_live_id", "message", "idempotency_key", "recipient_id", name="sent_once"
        ),
        _one_of("recipient_kind", *RecipientKind),
        _one_of("state", *MailState),
        Index(
            "one_digest_a_day",
            "message",
            "idempotency_key",
            "recipient_id",
            unique=True,
            postgresql_where=text("go_live_id IS NULL"),
        ),
        Index(
            "mail_to_deliver",
            "go_live_id",
            "due_at",
            "id",
            postgresql_where=text("state = 'queued'"),
        ),
        {"schema": GOLIVE},
    )
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    go_live_id: UUID | None = None
    """None = the daily digest, which covers all go-lives of a manager."""
    message: str
    idempotency_key: str
    recipient_kind: str
    recipient_id: UUID
    link_id: UUID | None = Field(default=None, foreign_key=f"{GOLIVE}.personal_link.id")
    due_at: datetime = _instant()
    state: str = MailState.QUEUED
    attempts: int = 0
    """Times that the relay took it, or said something about its address."""
    reply: str | None = None
    """The relay's last answer, without the address."""
    taken_before: int | None = Field(default=None, sa_type=BigInteger)
    """How many mails the relay had taken, of all, when it took or refused this one for good; or
    first refused it without saying whether for its address or for us."""
    unclear_since: datetime | None = _instant(nullable=True)
    """When it first did; stays where nothing has shown since whose fault it is."""
    message_id: str | None = None
    """As the relay's log and the recipient's mailbox name it; nothing of ours reads it."""
    sent_at: datetime | None = _instant(nullable=True)
    in_doubt: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    """The relay was given it and no answer is recorded: a worker was killed, or the connection was
    cut, just then. Unless it is sent later, whoever it is for may have got it all the same."""


class AuditEntry(SQLModel, table=True):
    """Who did what to whom, when and why. Append-only: a trigger refuses change."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("audit_of_go_live", "go_live_id", "id"),
        # For the console, which leaves out the entries of single users, perhaps a million.
        Index(
            "audit_of_organisation",
            "organisation_id",
            "id",
            postgresql_where=text("action NOT IN ('user_moved', 'user_move_undone')"),
        ),
        Index(
            "one_entry_per_order",
            "order_id",
            unique=True,
            postgresql_where=text("order_id IS NOT NULL"),
        ),
        {"schema": GOLIVE},
    )
    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    at: datetime = _instant()
    actor: str
    """A staff handle, `contact:<id>`, `user:<id>`, `workflow` or `system`."""
    action: str
    organisation_id: UUID | None = Field(default=None, index=True)
    go_live_id: UUID | None = None
    subject: str = ""
    """Ids only, such as `user:<id>`."""
    reason: str = ""
    order_id: UUID | None = None
    """For an order: its id, which is also the id of its update in Temporal."""
    times: int | None = None
    """How many alike this entry stands for, since `since`; None = it stands for itself."""
    since: datetime | None = _instant(nullable=True)


class RepeatedEvent(SQLModel, table=True):
    """How often outsiders did the same lately; see `database/go_live/repeated_events.py`."""

    __tablename__ = "repeated_event"
    __table_args__ = {"schema": GOLIVE}
    event_sha256: str = Field(primary_key=True)
    network_sha256: str = Field(primary_key=True)
    """Empty for all networks that are counted together."""
    action: str
    reason: str
    subject: str
    go_live_id: UUID | None = None
    organisation_id: UUID | None = None
    since: datetime = _instant()
    times: int


class ExecutedOrder(SQLModel, table=True):
    """An order that a run carried out, as the run itself records it: whoever sent it."""

    __tablename__ = "executed_order"
    __table_args__ = {"schema": GOLIVE}
    go_live_id: UUID = Field(foreign_key=f"{GOLIVE}.go_live.id", primary_key=True)
    update_id: str = Field(primary_key=True)
    """As Temporal knows it."""
    order_id: UUID | None = None
    """The same as a number, for an order of ours; the audit trail has an entry with it."""
    name: str
    at: datetime = _instant()


class OrderRequest(SQLModel, table=True):
    """An order that another member of staff has to confirm before it is given."""

    __tablename__ = "order_request"
    __table_args__ = (
        CheckConstraint("confirmed_by <> requested_by", name="confirmed_by_another"),
        Index("requests_of_go_live", "go_live_id", "requested_at"),
        {"schema": GOLIVE},
    )
    id: UUID = Field(primary_key=True)
    """The order's id."""
    go_live_id: UUID = Field(foreign_key=f"{GOLIVE}.go_live.id")
    order: str
    argument: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    """A date, a plan's hash, or ids of a user and an account; only the audit trail says why."""
    requested_by: str
    """A staff handle, as is `confirmed_by`."""
    requested_at: datetime = _instant()
    confirmed_by: str | None = None
    """The audit trail says when."""

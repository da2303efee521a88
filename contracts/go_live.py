"""The go-live's stages, outcomes, signals, orders and answers, as every process sees them.

Payloads carry ids, counts, stages and instants only, because Temporal keeps and shows histories.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from contracts import rules
from contracts.notices import Message

GO_LIVE_QUEUE = "go-live"
"""Task queue of the workflow and of its short activities."""

GO_LIVE_BULK_QUEUE = "go-live-bulk"
"""Task queue of activities that work on all of an organisation's users."""


_ID_PREFIX = "sso-go-live/"


def go_live_id(slug: str) -> str:
    """Return the workflow id of an organisation: one open run each, such as `sso-go-live/acme`."""
    return f"{_ID_PREFIX}{slug}"


class GoLiveStage(StrEnum):
    """The five stages, in the help page's order."""

    ENTITLEMENT_CONFIRMED = "entitlement_confirmed"
    IT_NOTIFIED = "it_notified"
    SSO_ACTIVATED = "sso_activated"
    ADMIN_CONSENT_AWAITED = "admin_consent_awaited"
    USERS_MIGRATED = "users_migrated"


class GoLiveOutcome(StrEnum):
    """How a go-live ends. Each one is a result, never a failed workflow."""

    LIVE = "LIVE"
    NOT_ENTITLED = "NOT_ENTITLED"
    CONSENT_DECLINED = "CONSENT_DECLINED"
    CONSENT_EXPIRED = "CONSENT_EXPIRED"
    ROLLED_BACK = "ROLLED_BACK"
    CANCELLED = "CANCELLED"


class Wait(StrEnum):
    """What a go-live can wait for; `contracts.waiting_on` says for whom."""

    NOTHING = "nothing"
    ENTITLEMENT = "entitlement"
    IT_ACKNOWLEDGEMENT = "it_acknowledgement"
    ADMIN_CONSENT = "admin_consent"
    MICROSOFT = "microsoft"
    MOVE_DATE = "move_date"
    APPROVAL = "approval"
    FIRST_SIGN_IN = "first_sign_in"
    AFTERCARE = "aftercare"


class Attention(StrEnum):
    """Why a go-live needs attention: the kind of failure."""

    MICROSOFT_NOT_CAUGHT_UP = "microsoft_not_caught_up"
    MICROSOFT_UNREACHABLE = "microsoft_unreachable"
    CREDENTIAL_REFUSED = "credential_refused"
    APPLICATION_DISABLED = "application_disabled"
    PERMISSION_MISSING = "permission_missing"
    MAIL_REFUSED = "mail_refused"
    MAIL_UNAVAILABLE = "mail_unavailable"
    TENANT_UNKNOWN = "tenant_unknown"
    DIFFERENT_TENANTS = "different_tenants"
    PEOPLE_IN_ANOTHER_TENANT = "people_in_another_tenant"
    DOMAINS_NOT_VERIFIED = "domains_not_verified"
    SELF_ONLY = "self_only"
    NO_ONE_SIGNED_IN = "no_one_signed_in"
    RECORD_AHEAD = "record_ahead"
    UNEXPECTED = "unexpected"


class Refusal(StrEnum):
    """Why a consent was not accepted; `wording.refusals` has the sentences."""

    MALFORMED = "malformed"
    STATE_UNKNOWN = "state_unknown"
    STATE_EXPIRED = "state_expired"
    STATE_USED = "state_used"
    OTHER_BROWSER = "other_browser"
    ERROR_WITHOUT_STATE = "error_without_state"
    ID_TOKEN_INVALID = "id_token_invalid"  # noqa: S105  (a reason, not a secret)
    OTHER_TENANT_SIGNED_IN = "other_tenant_signed_in"
    SIGN_IN_TOO_EARLY = "sign_in_too_early"
    SIGN_IN_TOO_OLD = "sign_in_too_old"
    MICROSOFT_NOT_ASKED = "microsoft_not_asked"
    WRONG_TENANT = "wrong_tenant"
    DOMAINS_NOT_VERIFIED = "domains_not_verified"
    GUEST = "guest"
    NOT_AN_ADMINISTRATOR = "not_an_administrator"
    APPROVAL_REQUESTED = "approval_requested"
    DECLINED = "declined"
    WENT_BACK = "went_back"
    OTHER_DIRECTORY = "other_directory"
    NOT_ASSIGNED = "not_assigned"
    CONDITIONAL_ACCESS = "conditional_access"
    ACCESS_RESTRICTED = "access_restricted"
    OUR_REGISTRATION = "our_registration"
    PASSING_FAULT = "passing_fault"
    PROOF_MISSING = "proof_missing"
    PROOF_HELD_UP = "proof_held_up"
    SELF_ONLY = "self_only"
    LINK_EXPIRED = "link_expired"
    LINK_USED = "link_used"
    LINK_REVOKED = "link_revoked"
    PERMISSION_MISSING = "permission_missing"
    TENANT_UNKNOWN = "tenant_unknown"
    NOT_CAUGHT_UP = "not_caught_up"
    APPLICATION_DISABLED = "application_disabled"
    GRANTED_BEFORE = "granted_before"
    GRANT_NOT_LOOKED_FOR = "grant_not_looked_for"
    UNPROVEN = "unproven"
    OTHER = "other"


@dataclass(frozen=True)
class StartGoLive:
    """The argument that a run is started with."""

    go_live_id: str
    """Key of the `golive.go_live` row (UUID)."""
    organisation_id: str
    slug: str
    number: int
    """1 for the organisation's first go-live, 2 for the next."""
    owner: str
    """Staff handle of the customer success manager."""
    aftercare_days: int = rules.AFTERCARE_DAYS
    """Days the run stays open after the move; 0 ends it at once."""
    consent_window_days: int = rules.CONSENT_WINDOW.days
    """Days the administrator has, counted from the consent request."""


@dataclass(frozen=True)
class ConsentReported:
    """Signal: Microsoft sent an administrator back with a consent. Not yet a proof."""

    tenant_id: str
    administrator_object_id: str


@dataclass(frozen=True)
class ConsentNotGiven:
    """Signal: the person at Microsoft's consent form did not consent."""

    reason_code: str
    """A `Refusal` value."""
    said_no: bool = True
    """True: the person declined in Microsoft's own number or word, and reminders stop. False: the
    person could not consent, for example is no administrator, and reminders continue."""


@dataclass(frozen=True)
class UserSignedIn:
    """Signal: a moved user signed in through SSO for the first time."""

    user_id: str


@dataclass(frozen=True)
class ItAcknowledged:
    """Signal: the customer's IT team said on its page that it is ready, or chose another date."""

    by: str
    """`contact:<id>`"""
    number: int
    """Its entry in the audit trail: of two, the later entry counts, whichever signal comes last."""
    move_at: datetime | None = None
    """With time zone; None = the date stays as it is."""


@dataclass(frozen=True)
class MailRequested:
    """Signal: a mail, such as one with a new link, was queued in the ledger and is to be sent."""

    message: Message
    idempotency_key: str
    asked_by: str
    """Who asked: `contact:<id>`, `user:<id>` or a staff handle."""


@dataclass(frozen=True)
class PeopleChanged:
    """Signal: the owner or a contact of the organisation changed."""

    owner: str
    """Staff handle of the customer success manager from now on; may be the same as before."""


@dataclass(frozen=True)
class ConfirmEntitlement:
    """Order: SSO is in the subscription agreement; continue."""

    by: str
    """The staff handle of who gives the order, here and in every order."""


@dataclass(frozen=True)
class DeclineEntitlement:
    """Order: SSO is not in the subscription agreement; end here."""

    by: str
    reason_id: int = 0
    """Entry of the audit trail that holds the reason's text, here and in every order with one."""


@dataclass(frozen=True)
class AcknowledgeIt:
    """Order: the customer's IT team told us that it is ready, perhaps with a date."""

    by: str
    move_at: datetime | None = None
    """With time zone; None = the next working morning."""
    reason_id: int = 0
    """Entry of the audit trail; between this and the IT team's own entry, the later one counts."""


@dataclass(frozen=True)
class ApproveMigration:
    """Order: move users by exactly the plan with this hash."""

    plan_hash: str
    by: str


@dataclass(frozen=True)
class Pause:
    """Order: send no reminder and move no batch until resumed. Signals still count."""

    by: str
    reason_id: int = 0


@dataclass(frozen=True)
class Resume:
    """Order: continue. Dates from before the pause move by its length; newer ones stay."""

    by: str


@dataclass(frozen=True)
class Retry:
    """Order: try again what needed attention."""

    by: str


@dataclass(frozen=True)
class Skip:
    """Order: continue without what needed attention, where that is allowed."""

    by: str
    reason_id: int


@dataclass(frozen=True)
class ExtendDeadline:
    """Order: move the deadline of the present wait."""

    by: str
    until: datetime
    """With time zone."""


@dataclass(frozen=True)
class Replan:
    """Order: read the directory again and move users who can be moved now."""

    by: str


@dataclass(frozen=True)
class ConfirmConsent:
    """Order: the organisation wants the consent that stands at Microsoft already; prove it."""

    by: str
    reason_id: int


@dataclass(frozen=True)
class CloseDeclined:
    """Order: the customer declined the consent for good; end here."""

    by: str
    reason_id: int = 0


@dataclass(frozen=True)
class RollBack:
    """Order: undo every stage and end."""

    by: str
    reason_id: int


@dataclass(frozen=True)
class Progress:
    """Where a go-live stands: the query's answer, and the record in the database."""

    slug: str
    number: int
    stage: GoLiveStage
    wait: Wait
    since: datetime
    due_at: datetime | None = None
    reminder_at: datetime | None = None
    """When the next reminder of this wait goes out; None = there is none."""
    attention: Attention | None = None
    may_skip: bool = False
    """`skip` would be accepted now."""
    paused: bool = False
    refusal: Refusal | None = None
    """Why the last consent was not accepted, if one was not."""
    consent_not_given: bool = False
    """While the consent is awaited: somebody did not consent, whatever was tried afterwards."""
    users_done: int = 0
    users_total: int = 0
    """Users that this go-live moves."""
    users_before: int = 0
    """Users that an earlier go-live had moved."""
    exceptions: int = 0
    plan_hash: str | None = None
    ending: GoLiveOutcome | None = None
    """The outcome that it is about to have, while its changes are undone."""
    outcome: GoLiveOutcome | None = None

    @property
    def goes_on(self) -> bool:
        """Whether it has neither ended nor begun to end."""
        return self.outcome is None and self.ending is None

    @property
    def all_moved(self) -> int:
        """How many of the organisation's people have moved, by any go-live."""
        return self.users_done + self.users_before

    @property
    def all_users(self) -> int:
        """How many of the organisation's people have moved, or move by this go-live."""
        return self.users_total + self.users_before


@dataclass(frozen=True)
class GoLiveResult:
    """What a run returns."""

    outcome: GoLiveOutcome
    users_total: int = 0
    users_linked: int = 0
    users_invited: int = 0
    exceptions: int = 0

"""The messages that people get, who gets each, and arguments and results of mail activities."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Message(StrEnum):
    """Every message the product sends; each is a folder under `mail/templates/`."""

    ENTITLEMENT_QUESTION = "entitlement_question"
    ENTITLEMENT_REMINDER = "entitlement_reminder"
    IT_PACK = "it_pack"
    IT_ACKNOWLEDGEMENT_REMINDER = "it_acknowledgement_reminder"
    CONSENT_REQUEST = "consent_request"
    CONSENT_REMINDER = "consent_reminder"
    CONSENT_ESCALATION = "consent_escalation"
    CONSENT_DECLINED = "consent_declined"
    CONSENT_TROUBLE = "consent_trouble"
    MOVE_ANNOUNCEMENT = "move_announcement"
    APPROVAL_NEEDED = "approval_needed"
    SIGN_IN_WITH_SSO = "sign_in_with_sso"
    INVITATION = "invitation"
    PILOT_WAITING = "pilot_waiting"
    SIGN_IN_REMINDER = "sign_in_reminder"
    NEEDS_ATTENTION = "needs_attention"
    ROLL_BACK_NOTICE = "roll_back_notice"
    ROLL_BACK_USER = "roll_back_user"
    CLOSING_NOTICE = "closing_notice"
    CONTACT_REMOVED = "contact_removed"
    RESULT = "result"
    STAFF_DIGEST = "staff_digest"
    STAFF_ADDRESS_CHANGED = "staff_address_changed"
    ACCOUNT_REPLACED = "account_replaced"
    ACCOUNT_REPLACED_NOTICE = "account_replaced_notice"


class Audience(StrEnum):
    """Who gets a message."""

    CUSTOMER_SUCCESS = "customer_success"
    FIRST_CONTACT = "first_contact"
    EVERY_CONTACT = "every_contact"
    CUSTOMER_SUCCESS_AND_CONTACTS = "customer_success_and_contacts"
    USERS = "users"


class RecipientKind(StrEnum):
    """Whose address a mail went to."""

    STAFF = "staff"
    CONTACT = "contact"
    USER = "user"


class MailState(StrEnum):
    """Where a mail of the ledger stands."""

    QUEUED = "queued"
    SENT = "sent"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class DeliveryResult(StrEnum):
    """What came of one attempt to deliver a mail."""

    SENT = "sent"
    REFUSED = "refused"
    DEFERRED = "deferred"
    """The relay asks to try again later."""
    CUT_OFF = "cut_off"
    """The relay ended the connection at this mail, before it was handed over."""
    ELSEWHERE = "elsewhere"
    """Another delivery has it, or it is not queued any more."""


@dataclass(frozen=True)
class Notice:
    """One message to one audience of a go-live, sent once per idempotency key."""

    go_live_id: str
    message: Message
    audience: Audience
    idempotency_key: str
    """Such as `first` or the time of a reminder; the message is sent once per key."""
    at: datetime
    """The workflow's time of the call."""
    link_expires_at: datetime | None = None


@dataclass(frozen=True)
class Delivery:
    """Deliver queued mail of a go-live; with `message`, only that message and key."""

    go_live_id: str
    at: datetime
    message: Message | None = None
    idempotency_key: str = ""


@dataclass(frozen=True)
class AccountNotices:
    """Deliver what waits to be told about accounts that staff replaced, of every organisation."""

    at: datetime


@dataclass(frozen=True)
class Delivered:
    """What a delivery did."""

    sent: int
    refused: int
    """Addresses that the relay refuses for good; the console shows them."""
    paused: bool = False

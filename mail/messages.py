"""All messages: who reads each, which values it needs, and sample values for each.

The names are the folders under `mail/templates`. The samples serve the tests and the preview
page; they describe one invented organisation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from contracts.go_live import Attention
from wording.mails import credential_ends
from wording.situations import ATTENTION

COMMON_SAMPLE: Mapping[str, object] = {
    "organisation_name": "Northwind Traders",
    "recipient_name": "Maria Jensen",
    "owner_name": "Priya Shah",
    "owner_address": "priya.shah@clientshare.example",
    "support_address": "support@clientshare.example",
    "product_name": "Clientshare Pulse",
    "link": "",
    "link_expires": "",
    "login_url": "https://pulse.clientshare.example/login",
}
"""The values that every message needs. `recipient_name`, `link` and `link_expires` may be
empty; `link_expires` is written out, for example `"Monday 14 December 2026"`."""


class Readership(StrEnum):
    """Who reads a message."""

    IT = "the customer's IT team"
    USER = "one user"
    CUSTOMER_SUCCESS = "customer success"
    CUSTOMER_SUCCESS_AND_IT = "customer success and the customer's IT team"


@dataclass(frozen=True, slots=True)
class MessageDescription:
    """What a caller must know to send a message."""

    audience: Readership
    purpose: str
    """One sentence: when it is sent and what the reader is to do."""
    link_to: str
    """What `link` leads to; empty where the message has no link of its own."""
    sample: Mapping[str, object]
    """Values that render, the common ones included."""
    links: tuple[str, ...]
    """The values that are web addresses."""
    needed_links: tuple[str, ...]
    """Those of them that must not be empty."""

    @property
    def required(self) -> tuple[str, ...]:
        """Names of all values that must be given: the common ones and the message's own."""
        return tuple(self.sample)


_SLUG = "northwind"
_CONSOLE = "https://pulse.clientshare.example/console/northwind"
_SETUP_LINK = "https://pulse.clientshare.example/setup/71.kZ3vQ0mXb4u8pYw2"
_CONSENT_LINK = "https://pulse.clientshare.example/consent/72.p9RtL5cWe1s7nHq4"
_INVITATION_LINK = "https://pulse.clientshare.example/invitation/88.w2NdB6yTj0f3vKx9"
_APPLICATION_ID = "11111111-2222-3333-4444-555555555555"
_PERMISSIONS = [
    {
        "name": "Sign users in (openid, profile, email)",
        "why": "so that a person can sign in with their work account and we know whose it is",
    },
    {
        "name": "Read all users' full profiles (User.Read.All)",
        "why": "to find, by work address, the directory account of each person who uses Pulse",
    },
    {
        "name": "Read organization information (Organization.Read.All)",
        "why": "to make sure that your e-mail domains really belong to this directory",
    },
]
_EXCEPTIONS = [
    {
        "reason": "No account with this address in the directory",
        "count": 3,
        "next_step": "IT checks whether the person left or uses another address.",
    },
    {
        "reason": "The account is disabled",
        "count": 2,
        "next_step": "IT enables the account, or customer success deactivates the user.",
    },
    {
        "reason": "Guest account",
        "count": 1,
        "next_step": "IT says whether this guest should sign in with SSO.",
    },
]


def _describe(
    audience: Readership,
    purpose: str,
    *,
    link_to: str = "",
    link: str = "",
    link_expires: str = "",
    needs: tuple[str, ...] = (),
    **own: Any,
) -> MessageDescription:
    common = {**COMMON_SAMPLE, "link": link, "link_expires": link_expires}
    if audience is Readership.CUSTOMER_SUCCESS:
        common["recipient_name"] = COMMON_SAMPLE["owner_name"]
    return MessageDescription(
        audience=audience,
        purpose=purpose,
        link_to=link_to,
        sample={**common, **own},
        links=("link", "login_url", *(name for name in needs if name != "link")),
        needed_links=("login_url", *needs),
    )


def _to_customer_success(purpose: str, **own: Any) -> MessageDescription:
    return _describe(
        Readership.CUSTOMER_SUCCESS,
        purpose,
        link_to="the organisation in the console",
        link=_CONSOLE,
        organisation_slug=_SLUG,
        **own,
    )


MESSAGES: dict[str, MessageDescription] = {
    "it_pack": _describe(
        Readership.IT,
        "Starts a go-live: everything the IT team needs, and the two links they act on.",
        link_to="the IT team's set-up page",
        link=_SETUP_LINK,
        link_expires="Monday 14 December 2026",
        needs=("link", "consent_link"),
        consent_link=_CONSENT_LINK,
        permissions=_PERMISSIONS,
        go_live_at="Thursday 10 December 2026, 08:00 (Copenhagen)",
        sender_address="go-live@clientshare.example",
        sender_domain="clientshare.example",
    ),
    "it_acknowledgement_reminder": _describe(
        Readership.IT,
        "Reminds the IT team to confirm that they have read the pack.",
        link_to="the IT team's set-up page",
        link=_SETUP_LINK,
        link_expires="Monday 14 December 2026",
        needs=("link",),
        waiting_since="Monday 30 November 2026",
        deadline="Friday 11 December 2026",
    ),
    "consent_request": _describe(
        Readership.IT,
        "Asks the administrator for consent.",
        link_to="the consent page",
        link=_CONSENT_LINK,
        link_expires="Monday 14 December 2026",
        needs=("link",),
        permissions=_PERMISSIONS,
        deadline="Monday 14 December 2026",
    ),
    "consent_reminder": _describe(
        Readership.IT,
        "Reminds the administrator, and later the second contact, of the missing consent.",
        link_to="the consent page",
        link=_CONSENT_LINK,
        link_expires="Monday 14 December 2026",
        needs=("link",),
        waiting_since="Monday 30 November 2026",
        deadline="Monday 14 December 2026",
    ),
    "consent_escalation": _to_customer_success(
        "Reminders did not help: customer success should call the contacts.",
        waiting_since="Monday 30 November 2026",
        deadline="Monday 14 December 2026",
        reminders_sent=3,
        contacts=[
            {"name": "Maria Jensen", "address": "maria.jensen@northwind.example"},
            {"name": "", "address": "it-desk@northwind.example"},
        ],
    ),
    "consent_declined": _to_customer_success(
        "The administrator declined; the go-live goes on waiting until someone decides.",
        reason="The administrator pressed Cancel on Microsoft's consent page.",
        declined_at="Thursday 3 December 2026, 14:05 (Copenhagen)",
        deadline="Monday 14 December 2026",
    ),
    "consent_trouble": _describe(
        Readership.IT,
        "A consent was tried and is not accepted: what happened, who must do what.",
        link_to="the consent page",
        link=_CONSENT_LINK,
        link_expires="Monday 14 December 2026",
        happened="The account that signed in may not consent for the organisation.",
        to_do="A Global Administrator or Privileged Role Administrator opens the consent link.",
    ),
    "entitlement_question": _to_customer_success(
        "The agreement does not include SSO today: confirm or decline.",
        reason="The current agreement does not include SSO.",
        deadline="Monday 14 December 2026",
    ),
    "entitlement_reminder": _to_customer_success(
        "Reminds customer success that a go-live waits for their answer on the agreement.",
        reason="The current agreement does not include SSO.",
        waiting_since="Monday 30 November 2026",
        deadline="Monday 14 December 2026",
    ),
    "move_announcement": _describe(
        Readership.IT,
        "Tells the IT team when their users move, with an announcement to forward.",
        link_to="the IT team's set-up page",
        link=_SETUP_LINK,
        link_expires="Monday 14 December 2026",
        move_at="Thursday 10 December 2026, 08:00 (Copenhagen)",
        users_total=42,
    ),
    "sign_in_with_sso": _describe(
        Readership.USER,
        "Tells an existing user to log out and log back in with the SSO button.",
        recipient_address="maria.jensen@northwind.example",
        password_until="Thursday 24 December 2026",  # noqa: S106 (a date)
    ),
    "sign_in_reminder": _describe(
        Readership.USER,
        "Reminds a moved user who has not yet signed in with SSO.",
        recipient_address="maria.jensen@northwind.example",
        password_until="Thursday 24 December 2026",  # noqa: S106 (a date)
    ),
    "invitation": _describe(
        Readership.USER,
        "Invites a new user to sign in for the first time, with SSO.",
        link_to="the personal invitation",
        link=_INVITATION_LINK,
        link_expires="Monday 14 December 2026",
        needs=("link",),
        recipient_address="maria.jensen@northwind.example",
    ),
    "pilot_waiting": _to_customer_success(
        "The first few users are moved; the rest wait until one of them has signed in.",
        users_moved=5,
        users_total=42,
        moved_at="Thursday 10 December 2026, 08:00 (Copenhagen)",
    ),
    "approval_needed": _to_customer_success(
        "More exceptions than the threshold allows: a person must approve the plan.",
        users_total=42,
        users_to_link=30,
        users_to_invite=6,
        exceptions_total=6,
        exception_threshold=4,
        exceptions=_EXCEPTIONS,
        plan_hash="9f2c41d07ab3",
    ),
    "needs_attention": _to_customer_success(
        "Something gave up for good; a person must choose what happens next.",
        stage="Admin consent awaited",
        reason=ATTENTION[Attention.MICROSOFT_NOT_CAUGHT_UP][0],
        since="Thursday 3 December 2026, 14:20 (Copenhagen)",
        choices=[
            {"what": "Try again", "command": "python starter.py retry northwind"},
            {
                "what": "Undo everything",
                "command": 'python starter.py roll-back northwind --reason "..."',
            },
        ],
    ),
    "roll_back_notice": _describe(
        Readership.CUSTOMER_SUCCESS_AND_IT,
        "Everything was put back as it was; says what IT may still want to remove.",
        organisation_slug=_SLUG,
        for_staff=False,
        what_happened="Rolled back; people log in with their password again.",
        reason="The customer asked to move after the holidays.",
        rolled_back_at="Friday 11 December 2026, 16:30 (Copenhagen)",
        users_undone=37,
        users_notified=36,
        invitations_undone=1,
        login_page="withdrawn",
        application_id=_APPLICATION_ID,
    ),
    "roll_back_user": _describe(
        Readership.USER,
        "Tells a moved user to log in with the password again.",
        recipient_address="maria.jensen@northwind.example",
    ),
    "closing_notice": _describe(
        Readership.CUSTOMER_SUCCESS_AND_IT,
        "The go-live ended before anybody was moved: not entitled, declined or expired.",
        organisation_slug=_SLUG,
        for_staff=False,
        reason="",
        what_happened="Nobody consented in time; people log in as before.",
    ),
    "contact_removed": _describe(
        Readership.IT,
        "Takes the date of the move out of the calendar of a contact who was removed.",
    ),
    "result": _describe(
        Readership.CUSTOMER_SUCCESS_AND_IT,
        "The users are moved: counts, exceptions with next steps, where to remove the consent.",
        finished_at="Thursday 10 December 2026, 08:12 (Copenhagen)",
        users_total=42,
        users_linked=30,
        users_invited=6,
        exceptions_total=6,
        exceptions=_EXCEPTIONS,
        application_id=_APPLICATION_ID,
    ),
    "staff_address_changed": _describe(
        Readership.CUSTOMER_SUCCESS,
        "Tells the old address of one of us that mails go to another one from now on.",
        changed_by="dana",
        handle="priya",
        new_address="priya.shah@clientshare.example",
    ),
    "account_replaced": _describe(
        Readership.USER,
        "Tells a moved user that customer success linked them to another Microsoft account.",
        recipient_address="maria.jensen@northwind.example",
        replaced_at="Thursday 3 December 2026, 10:15 (Copenhagen)",
    ),
    "account_replaced_notice": _describe(
        Readership.CUSTOMER_SUCCESS_AND_IT,
        "Tells that customer success linked a moved user to another Microsoft account.",
        for_staff=False,
        ordered_by="",
        user_name="Maria Jensen",
        user_address="maria.jensen@northwind.example",
        replaced_at="Thursday 3 December 2026, 10:15 (Copenhagen)",
    ),
    "staff_digest": _describe(
        Readership.CUSTOMER_SUCCESS,
        "Once on a working morning: where each of a manager's go-lives stands, who moves next.",
        link_to="the console",
        link="https://pulse.clientshare.example/console",
        organisation_name="",
        digest_date="Thursday 3 December 2026",
        for_operators=[credential_ends(datetime(2027, 1, 1, tzinfo=UTC), 29)],
        go_lives_open=3,
        go_lives_need_you=1,
        groups=[
            {
                "title": "Waiting on you",
                "go_lives": [
                    {
                        "organisation_name": "Fabrikam",
                        "stage": "IT notified",
                        "needs_attention": True,
                        "happened": "A mail address of the customer's contacts refuses our mail.",
                        "to_do": "Customer success names the right address and retries.",
                        "by_itself": "Nothing happens until someone retries or skips it, or rolls "
                        "back.",
                        "since": "Wednesday 2 December 2026",
                        "news": ["Now at the stage “IT notified”."],
                        "link": "https://pulse.clientshare.example/console/fabrikam",
                    }
                ],
            },
            {
                "title": "Waiting on the customer",
                "go_lives": [
                    {
                        "organisation_name": "Northwind Traders",
                        "stage": "Admin consent awaited",
                        "needs_attention": False,
                        "happened": "SSO is on the login page; passwords still work.",
                        "to_do": "The customer's administrator chooses “Login with SSO” and "
                        "consents for the organisation.",
                        "by_itself": "A reminder goes out on Thu 3 Dec 2026, 09:00 UTC; without a "
                        "consent it ends on Mon 28 Dec 2026, 09:00 UTC.",
                        "since": "Monday 30 November 2026",
                        "news": [],
                        "link": _CONSOLE,
                    }
                ],
            },
        ],
        ended=[
            {
                "organisation_name": "Woodgrove",
                "what": "The organisation is live on SSO.",
                "link": "https://pulse.clientshare.example/console/woodgrove",
            }
        ],
    ),
}

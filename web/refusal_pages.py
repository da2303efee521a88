"""Pages for what cannot be done: what happened, who must do what, one way on."""

from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

from fastapi.responses import Response

from contracts.go_live import GoLiveOutcome, Refusal
from contracts.sign_in import SignInAnswer
from database.models import GoLive
from web.rate_limits import count_unknown_link
from web.visit import Visit
from wording import pages
from wording.pages import PageMessage
from wording.refusals import CHOOSE_ACCOUNT


@dataclass(frozen=True)
class ButtonTarget:
    """Where the one button leads: to a page, or to something that is done by a form."""

    link: str = "/login"
    action: str = ""


OTHER_ACCOUNT = "/auth/microsoft/other-account"
"""Where a browser that came back with an account of no use here has Microsoft ask for another."""


def message_page(visit: Visit, message: PageMessage, target: ButtonTarget, status: int) -> Response:
    """Return a page that holds one message and one button."""
    return visit.page(
        "message.html",
        status=status,
        title=message.title,
        happened=message.happened,
        to_do=message.to_do,
        link=target.link,
        action=target.action,
        button=message.button,
    )


def sign_in_page(
    visit: Visit,
    answer: SignInAnswer,
    *,
    link: str = "/login",
    status: int = 403,
    number: int | None = None,
) -> Response:
    """Say why this sign-in leads nowhere, and the way on; `link` is where it can be begun again."""
    message = pages.not_signed_in(answer, number)
    target = (
        ButtonTarget(action=OTHER_ACCOUNT)
        if message.button == CHOOSE_ACCOUNT
        else ButtonTarget(link)
    )
    return message_page(visit, message, target, status)


def already_back(visit: Visit, link: str) -> Response:
    """Answer a reload of a sign-in; the page behind `link` shows what it did."""
    return message_page(visit, pages.ALREADY_BACK, ButtonTarget(link), 400)


def nothing_came_of_it(visit: Visit, link: str) -> Response:
    """Answer a reload of a sign-in that signed nobody in; `link` leads to where it began."""
    return message_page(visit, pages.NOTHING_CAME_OF_IT, ButtonTarget(link), 400)


def nothing_to_show(visit: Visit) -> Response:
    """Answer a browser that has no consent of its own to follow."""
    return message_page(visit, pages.NOTHING_TO_SHOW, ButtonTarget(), 404)


def has_ended(visit: Visit, go_live_id: UUID | None) -> Response:
    """Say how a go-live ended and whom to ask; nobody gets a new link for it."""
    with visit.dependencies.sessions.begin() as session:
        go_live = session.get(GoLive, go_live_id) if go_live_id else None
    outcome = GoLiveOutcome(go_live.outcome) if go_live and go_live.outcome else None
    return message_page(visit, pages.has_ended(outcome), ButtonTarget(), 410)


def has_left(visit: Visit) -> Response:
    """Answer somebody who is no contact of the organisation any more."""
    return message_page(visit, pages.HAS_LEFT, ButtonTarget(), 410)


def invitation_is_over(visit: Visit, *, used: bool, can_log_in: bool) -> Response:
    """Say how someone logs in whose invitation is used up or too old, if they can."""
    if not can_log_in:
        return message_page(visit, pages.INVITATION_WITHDRAWN, ButtonTarget(), 410)
    message = pages.INVITATION_USED if used else pages.INVITATION_NOT_NEEDED
    return message_page(visit, message, ButtonTarget(), 410)


def refused(
    visit: Visit,
    refusal: Refusal,
    *,
    link: str = "/login",
    status: int = 400,
    action: str = "",
    number: int | None = None,
    because: Refusal | None = None,
) -> Response:
    """Say the advice on a refusal.

    `link` leads to where the same can be begun again; `action` is a form's instead. `number` is
    Microsoft's; `because` says why the proof of a consent is missing.
    """
    target = _target(visit, refusal, link, action)
    message = pages.refused(refusal, number=number, because=because)
    return message_page(visit, message, target, status)


def _target(visit: Visit, refusal: Refusal, link: str, action: str) -> ButtonTarget:
    match refusal:
        case Refusal.STATE_USED:
            return ButtonTarget("/consent/progress")
        case Refusal.NOT_AN_ADMINISTRATOR | Refusal.APPROVAL_REQUESTED:
            # Whoever came by a personal link hands on just that.
            to_hand_off = link.replace("/consent/", "/hand-off/", 1)
            return ButtonTarget(
                to_hand_off if to_hand_off != link else _to_the_administrator(visit)
            )
        case Refusal.GUEST | Refusal.OTHER_TENANT_SIGNED_IN | Refusal.OTHER_DIRECTORY:
            return ButtonTarget(action=OTHER_ACCOUNT)
        case Refusal.DOMAINS_NOT_VERIFIED | Refusal.TENANT_UNKNOWN:
            return ButtonTarget(f"mailto:{visit.dependencies.settings.support_address}")
        case _:
            return ButtonTarget(link, action)


def _to_the_administrator(visit: Visit) -> str:
    """Return a mail to be addressed: nothing in it is secret, so it can go to anyone."""
    subject = quote(pages.TO_THE_ADMINISTRATOR_SUBJECT)
    text = pages.to_the_administrator(visit.dependencies.url("/login"))
    return f"mailto:?subject={subject}&body={quote(text)}"


def unknown_link(visit: Visit) -> Response:
    """Say that a link was never one of ours; nothing about whose it might be."""
    count_unknown_link(visit)
    return message_page(visit, pages.UNKNOWN_LINK, ButtonTarget(), 404)

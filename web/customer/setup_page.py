"""The IT team's page: what happens, what is done, and what the team decides."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form
from fastapi.responses import Response
from sqlmodel import Session
from starlette.background import BackgroundTask

from activities.mail_content import PACK_FILE, GoLiveMail, as_pdf
from bootstrap import connections
from contracts import rules
from contracts.addresses import address_problem
from contracts.directory import ExceptionReason
from contracts.go_live import GoLiveStage, Progress
from contracts.links import LinkPurpose
from contracts.notices import Message
from contracts.orders import Order, OrderPosition, OrderRefusal, refusal_of
from contracts.sign_in import RequestPurpose
from database.consent import authorization_requests, sso_connections
from database.go_live import console_views, records, standings
from database.go_live.standings import Standing
from database.links import verification
from database.mail import ledger, mail_facts
from database.models import Contact, PersonalLink, Preference
from database.people import it_team
from mail.errors import MissingValueError
from mail.outgoing import Attachment
from mail.rendering import announcement
from web import outbox_relay
from web.checklist import stage_states
from web.customer.new_link import dead_link
from web.forms import TICKED, OwnForm, Ticked, TypedText
from web.log_context import LOG_CONTEXT
from web.microsoft.authorization_request import to_login
from web.refusal_pages import has_ended
from web.slow_work import SlowWork
from web.templating import PRODUCT_NAME
from web.visit import AVisit, Visit
from wording import pages, sentences, setup_page
from wording.customer import customer_status
from wording.orders import REFUSED

router = APIRouter(prefix="/setup", dependencies=[LOG_CONTEXT])


@router.get("/{token}")
def show(visit: AVisit, token: str, done: str = "") -> Response:
    """Show the checklist of the whole go-live. Opening this changes nothing."""
    found = _find(visit, token)
    if isinstance(found, Response):
        return found
    return _page(visit, token, *found, said=setup_page.DONE.get(done, ""))


@router.get(f"/{{token}}/{PACK_FILE}")
def pack(visit: AVisit, token: str) -> Response:
    """Give the IT pack as a PDF, in the words of the contact's own mail."""
    found = _find(visit, token)
    if isinstance(found, Response):
        return found
    link, standing = found
    if not _is_open(standing):
        return _page(visit, token, link, standing, problem=setup_page.NO_PACK, at="page")
    assert link.contact_id is not None  # noqa: S101  (set-up links are contacts')
    with visit.dependencies.slow_work.one(SlowWork.DOCUMENT):
        document = _pack(visit, link.go_live_id, link.contact_id)
    if document is None:
        return _page(visit, token, link, standing, problem=setup_page.NO_PACK, at="pack")
    return Response(
        document.content,
        media_type=document.content_type,
        headers={"Content-Disposition": f'attachment; filename="{document.filename}"'},
    )


def _pack(visit: Visit, go_live_id: UUID, contact_id: UUID) -> Attachment | None:
    """Return the pack that this contact was sent; rendered outside the transaction; None = none."""
    branding = connections.branding(visit.dependencies.settings)
    with visit.dependencies.sessions.begin() as session:
        sent = ledger.newest_mail(session, go_live_id, Message.IT_PACK, contact_id)
        if sent is None:
            return None
        try:
            words = GoLiveMail(session, go_live_id, branding).pack(sent)
        except MissingValueError:
            return None
    return as_pdf(words, sent.due_at)


@router.post("/{token}/acknowledge")
def acknowledge(
    visit: OwnForm,
    token: str,
    move_at: Annotated[TypedText, Form(max_length=40)] = "",
    ticked: Ticked = "",
) -> Response:
    """Record that the IT team is ready, and when users may move; the go-live is signalled."""
    found = _find(visit, token)
    if isinstance(found, Response):
        return found
    link, standing = found
    assert standing.progress is not None  # noqa: S101  (a link belongs to a go-live)
    assert link.contact_id is not None  # noqa: S101  (set-up links are contacts')
    is_taken = refusal_of(Order.ACKNOWLEDGE_IT, OrderPosition(standing.progress)) is None
    if is_taken and not _access(visit, link, standing).may_change:
        return _sign_in_first(visit, token, link, standing)
    if ticked != TICKED:
        problem = pages.TICK_THE_BOX
        return _page(visit, token, link, standing, status=400, problem=problem, at="date")
    chosen = _chosen(visit, standing, move_at) if move_at.strip() else None
    if move_at.strip() and chosen is None:
        return _page(visit, token, link, standing, problem=setup_page.NO_HOUR, at="date")
    refused = refusal_of(
        Order.ACKNOWLEDGE_IT, OrderPosition(standing.progress), moment=chosen, now=visit.at
    )
    if refused is not None:
        # The form is not on the page any more, so its place is none either.
        return _page(visit, token, link, standing, problem=REFUSED[refused], at=_date(standing))
    try:
        with visit.dependencies.sessions.begin() as session:
            entry = it_team.acknowledge(
                session,
                link.go_live_id,
                link.contact_id,
                chosen,
                visit.at,
                most_a_day=rules.MOST_DATE_CHANGES_A_DAY,
            )
    except it_team.TooManyDatesError as error:
        enough = _enough_dates(visit, standing, error.again_at)
        return _page(visit, token, link, standing, status=429, problem=enough, at="date")
    answer = visit.go_to(f"/setup/{token}?done=acknowledged")
    if entry is not None:
        # It is safe in the outbox: nobody waits for Temporal, or for a worker.
        answer.background = BackgroundTask(outbox_relay.relay, visit.dependencies, entry)
    return answer


@router.post("/{token}/contact")
def name_contact(
    visit: OwnForm,
    token: str,
    name: Annotated[TypedText, Form(max_length=200)] = "",
    address: Annotated[TypedText, Form(max_length=320)] = "",
) -> Response:
    """Name the second contact, who is asked when the first does not answer."""
    found = _find(visit, token)
    if isinstance(found, Response):
        return found
    link, standing = found
    if not _is_open(standing):
        ended = REFUSED[OrderRefusal.ENDED]
        return _page(visit, token, link, standing, problem=ended, at="page")
    if not _access(visit, link, standing).may_change:
        return _sign_in_first(visit, token, link, standing)
    address = address.strip()
    if not name.strip():
        problem = setup_page.NO_NAME
    elif (wrong := address_problem(address)) is not None:
        problem = setup_page.address_at_fault(wrong)
    else:
        with visit.dependencies.sessions.begin() as session:
            by = session.get_one(Contact, link.contact_id)
            refused = it_team.name_second_contact(
                session,
                link.go_live_id,
                by=by,
                name=" ".join(name.split()),
                address=address,
                at=visit.at,
            )
        problem = setup_page.SECOND_CONTACT[refused] if refused else ""
    if problem:
        return _page(
            visit, token, link, standing, problem=problem, at="contact", typed=(name, address)
        )
    return visit.go_to(f"/setup/{token}?done=contact")


@router.post("/{token}/sign-in")
def sign_in(visit: OwnForm, token: str) -> Response:
    """Lead the contact to sign in with the organisation's proven tenant, and back here."""
    found = _find(visit, token)
    if isinstance(found, Response):
        return found
    link, standing = found
    with visit.dependencies.sessions.begin() as session:
        tenant_id = sso_connections.proven_tenant(session, standing.organisation_id)
    if tenant_id is None or not _access(visit, link, standing).may_sign_in:
        return visit.go_to(f"/setup/{token}")
    return to_login(
        visit,
        tenant_id,
        RequestPurpose.SETUP,
        link_id=link.id,
        link_version=link.version,
        organisation_id=standing.organisation_id,
    )


@dataclass(frozen=True)
class _Access:
    """What a browser may do at a set-up page besides reading it."""

    is_signed_in: bool
    """With the proven tenant, from this very link."""
    may_sign_in: bool
    may_change: bool
    """The link is enough until the consent is proven."""


def _access(visit: Visit, link: PersonalLink, standing: Standing) -> _Access:
    progress = standing.progress
    proven = progress is not None and progress.stage is GoLiveStage.USERS_MIGRATED
    with visit.dependencies.sessions.begin() as session:
        tenant_id = sso_connections.proven_tenant(session, standing.organisation_id)
        signed_in = tenant_id is not None and authorization_requests.is_signed_in_to_setup(
            session, visit.browser, link, tenant_id, visit.at
        )
    return _Access(
        is_signed_in=signed_in,
        may_sign_in=proven and tenant_id is not None and not signed_in,
        may_change=_is_open(standing) and (signed_in or not proven),
    )


def _sign_in_first(visit: Visit, token: str, link: PersonalLink, standing: Standing) -> Response:
    problem = setup_page.SIGN_IN_FIRST
    return _page(visit, token, link, standing, status=403, problem=problem, at="page")


def _is_open(standing: Standing) -> bool:
    """Tell whether the go-live goes on; afterwards its links show counts and change nothing."""
    return standing.progress is not None and standing.progress.goes_on


def _date(standing: Standing) -> str:
    """Return where on the page a problem with the date is said."""
    assert standing.progress is not None  # noqa: S101  (a link belongs to a go-live)
    offered = refusal_of(Order.ACKNOWLEDGE_IT, OrderPosition(standing.progress)) is None
    return "date" if offered else "page"


def _find(visit: Visit, token: str) -> tuple[PersonalLink, Standing] | Response:
    with visit.dependencies.sessions.begin() as session:
        link = verification.personal_link(
            session, visit.dependencies.signer, token, LinkPurpose.SETUP, visit.at
        )
        if not isinstance(link, PersonalLink):
            return dead_link(visit, LinkPurpose.SETUP, token, link)
        standing = standings.standing_of_go_live(session, link.go_live_id)
    if standing is None:
        return has_ended(visit, link.go_live_id)
    return link, standing


def _enough_dates(visit: Visit, standing: Standing, again_at: datetime) -> str:
    """Say when the date can be changed again, and who can change it until then."""
    with visit.dependencies.sessions.begin() as session:
        zone = session.get_one(Preference, standing.organisation_id).time_zone
    return setup_page.too_many_dates(again_at.astimezone(ZoneInfo(zone)))


def _page(
    visit: Visit,
    token: str,
    link: PersonalLink,
    standing: Standing,
    *,
    said: str = "",
    status: int = 409,
    problem: str = "",
    at: str = "",
    typed: tuple[str, str] = ("", ""),
) -> Response:
    progress = standing.progress
    assert progress is not None  # noqa: S101  (a link belongs to a go-live)
    settings = visit.dependencies.settings
    with visit.dependencies.sessions.begin() as session:
        facts = mail_facts.facts(session, link.go_live_id)
        contacts = mail_facts.contacts_of(session, standing.organisation_id)
        ready_at = records.acknowledged_at(session, link.go_live_id)
        plan = _plan(session, link)
        reached = console_views.stage_times(session, link.go_live_id)
        consent = _consent_page(session, visit, link, progress)
    access = _access(visit, link, standing)
    takes_date = refusal_of(Order.ACKNOWLEDGE_IT, OrderPosition(progress)) is None
    zone = ZoneInfo(facts.time_zone)
    planned = facts.moves_at(visit.at)
    moves_at = sentences.instant(planned.astimezone(zone)) if planned else ""
    sender = parseaddr(settings.mail_from)[1]
    return visit.page(
        "setup.html",
        status=status if problem else 200,
        standing=standing,
        stages=stage_states(progress, reached),
        customer_status=customer_status(progress, facts.time_zone),
        consent=consent,
        action=f"/setup/{token}",
        said=said,
        problem=problem,
        problem_at=at,
        typed=typed,
        is_open=_is_open(standing),
        access=access,
        names_contacts=_is_open(standing) or access.is_signed_in,
        takes_date=takes_date,
        may_choose=takes_date and access.may_change,
        is_consented=progress.stage is GoLiveStage.USERS_MIGRATED,
        ready_at=sentences.instant(ready_at.astimezone(zone)) if ready_at else "",
        moves_at=moves_at,
        chosen=_field(planned, zone),
        earliest=_field(visit.at, zone),
        zone=facts.time_zone,
        contacts=contacts,
        facts=facts,
        plan=plan,
        sender_address=sender,
        sender_domain=sender.rpartition("@")[2],
        web_host=urlsplit(settings.public_url).hostname,
        pack_file=PACK_FILE,
        announcement=announcement(
            product_name=PRODUCT_NAME,
            moves_at=moves_at,
            login_url=visit.dependencies.url("/login"),
            support_address=settings.support_address,
        ),
    )


def _consent_page(session: Session, visit: Visit, link: PersonalLink, progress: Progress) -> str:
    """Return where this contact consents or hands on; empty when there is nothing to consent to."""
    if not progress.goes_on or progress.stage is not GoLiveStage.ADMIN_CONSENT_AWAITED:
        return ""
    assert link.contact_id is not None  # noqa: S101  (set-up links are contacts')
    found = mail_facts.link_of_contact(
        session, link.go_live_id, LinkPurpose.CONSENT, link.contact_id
    )
    if found is None or found.used_at is not None:
        return ""
    return (
        f"/consent/{visit.dependencies.signer.token(LinkPurpose.CONSENT, found.id, found.version)}"
    )


def _field(at: datetime | None, zone: ZoneInfo) -> str:
    """Return an instant as a `datetime-local` field holds it."""
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}" if at else ""


def _plan(session: Session, link: PersonalLink) -> dict[str, object] | None:
    """Return what the newest plan would do, in counts and words; None while there is none."""
    counts = mail_facts.class_counts(session, link.go_live_id)
    planned = ("link", "already_linked", "invite", "exception")
    if not any(counts.get(kind) for kind in planned):
        return None
    return {
        "moved": counts["moved"] > counts["undone"],
        "move": counts.get("link", 0) + counts.get("already_linked", 0),
        "invite": counts.get("invite", 0),
        "cannot": counts.get("exception", 0),
        "reasons": [
            (sentences.EXCEPTIONS[ExceptionReason(reason)].why, users)
            for reason, users in mail_facts.exception_counts(session, link.go_live_id)
        ],
    }


def _chosen(visit: Visit, standing: Standing, written: str) -> datetime | None:
    with visit.dependencies.sessions.begin() as session:
        zone = session.get_one(Preference, standing.organisation_id).time_zone
    try:
        at = datetime.fromisoformat(written.strip())
    except ValueError:
        return None
    # A day alone says nothing about the hour.
    if "T" not in written and " " not in written.strip():
        return None
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))

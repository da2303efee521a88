"""The console of customer success: every organisation, one organisation, every order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import quote, urlencode
from uuid import UUID, uuid4

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from commands import user_decisions
from commands.errors import (
    CommandError,
    NotRunningError,
    ToBeConfirmedError,
    UnansweredError,
    UnavailableError,
)
from commands.orders import Orders, Started
from commands.standings import refused_mail
from contracts import rules
from contracts.directory import ExceptionReason
from contracts.go_live import GoLiveStage, go_live_id
from contracts.orders import RELINK_USER
from database.consent import domains
from database.consent.domains import ConsentStanding
from database.go_live import console_views, order_requests, records, standings
from database.go_live.console_views import (
    AuditTrailRow,
    OrganisationFilter,
    OrganisationRow,
    SentMail,
    StagePeriod,
    UserDetails,
    UserException,
)
from database.go_live.standings import Standing
from database.mail import mail_facts
from database.models import Contact, OrderRequest, Preference
from database.people import upserts
from web.checklist import stage_states
from web.console.orders import CONSOLE_ORDERS, OrderForm
from web.console.staff import AManagerVisit, AStaffVisit, StaffVisit, read_as_staff
from web.dependencies import Dependencies
from web.forms import OwnForm, TypedText
from web.refusal_pages import ButtonTarget, message_page
from web.visit import AVisit, Visit
from wording import console, pages, sentences
from wording.refusals import SIGN_IN_CONFIRMED, SIGN_IN_UNCONFIRMED

router = APIRouter(prefix="/console")

MOST_MAILS = 40
MOST_AUDIT = 60
MOST_EXCEPTIONS = 100


@router.get("")
def every_organisation(
    visit: AVisit,
    show: OrganisationFilter = OrganisationFilter.ALL,
    search: Annotated[TypedText, Query(max_length=100)] = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> Response:
    """List the organisations: what needs attention, what waits on us, then by due date."""
    staff, found = read_as_staff(
        visit,
        lambda session: console_views.listing(session, show=show, search=search, page=page),
    )
    return visit.page(
        "console.html",
        staff=staff.staff,
        rows=[_row(one, visit.at) for one in found.rows],
        filters=[
            (console.FILTERS[one], found.tally[one], _address(one, search, 1), one is show)
            for one in OrganisationFilter
        ],
        show=show,
        search=search,
        found=found,
        earlier=_address(show, search, found.page - 1) if found.page > 1 else "",
        later=_address(show, search, found.page + 1) if found.page < found.pages else "",
    )


@router.get("/{slug}")
def one_organisation(
    staff: AStaffVisit,
    slug: str,
    done: Annotated[str, Query(max_length=40)] = "",
    every: bool = False,
    before: Annotated[int, Query(ge=0, le=2**62)] = 0,
) -> Response:
    """Show one organisation; `every` and `before` choose the entries of its audit trail."""
    said = CONSOLE_ORDERS[done].words.done if done in CONSOLE_ORDERS else console.DONE.get(done, "")
    return organisation_page(staff, slug, said=said, trail=(every, before))


@router.post("/{slug}/{order}")
async def give_order(
    staff: AManagerVisit,
    visit: OwnForm,
    slug: str,
    order: str,
    reason: Annotated[TypedText, Form(max_length=2000)] = "",
    until: Annotated[TypedText, Form(max_length=40)] = "",
    plan_hash: Annotated[TypedText, Form(max_length=200)] = "",
    aftercare_days: Annotated[int, Form(ge=0, le=rules.MOST_AFTERCARE_DAYS)] = rules.AFTERCARE_DAYS,
    order_id: Annotated[UUID | None, Form()] = None,
) -> Response:
    """Give an order as the person who is signed in, and show what became of it.

    The same form sent again is the same order, and gets the same answer.
    """
    known = CONSOLE_ORDERS.get(order)
    if known is None:
        return await run_in_threadpool(organisation_page, staff, slug, status=404)
    engine, order_id = visit.dependencies.engine, order_id or uuid4()
    public_url = visit.dependencies.settings.public_url
    orders = Orders(
        engine, visit.dependencies.temporal, staff.staff.handle, public_url, role=staff.role
    )
    form = OrderForm(engine, reason.strip(), until.strip(), plan_hash, aftercare_days, order_id)
    try:
        became = await known.give(orders, slug, form)
    except UnansweredError:
        return _unanswered(visit, slug, known.words.button, form.as_fields())
    except UnavailableError:
        raise
    except ToBeConfirmedError:
        return visit.go_to(f"/console/{quote(slug)}?done=to-be-confirmed")
    except CommandError as error:
        lost = isinstance(error, NotRunningError)
        return await page_with_problem(staff, slug, problem_text(error), order, may_start=lost)
    if isinstance(became, Started) and became.resumed_after is not None:
        said = became.resumed_after
        return await run_in_threadpool(organisation_page, staff, slug, said=said)
    before = isinstance(became, Started) and became.already_running
    done = "started-before" if before else order
    return visit.go_to(f"/console/{quote(slug)}?done={done}")


@router.post("/{slug}/requests/{order_id}/confirm")
async def confirm_order(
    staff: AManagerVisit, visit: OwnForm, slug: str, order_id: UUID
) -> Response:
    """Confirm what another member of staff ordered, and show what became of it."""
    dependencies, handle = visit.dependencies, staff.staff.handle
    engine = dependencies.engine
    orders = Orders(engine, dependencies.temporal, handle, role=staff.role)
    try:
        if await run_in_threadpool(user_decisions.is_link_to_confirm, engine, order_id):
            await run_in_threadpool(
                user_decisions.confirm_link, engine, dependencies.graph, handle, slug, order_id
            )
        else:
            await orders.confirm(slug, order_id)
    except UnansweredError:
        return _unanswered(visit, slug, "Confirm", {})
    except UnavailableError:
        raise
    except CommandError as error:
        return await page_with_problem(staff, slug, problem_text(error), "")
    return visit.go_to(f"/console/{quote(slug)}?done=confirmed")


def _unanswered(visit: Visit, slug: str, what: str, fields: dict[str, object]) -> Response:
    """Say that the order may still be carried out, and let the person repeat this very one."""
    response = visit.page(
        "console_unanswered.html",
        status=503,
        slug=slug,
        what=what,
        action=visit.request.url.path,
        fields=fields,
    )
    response.headers["Retry-After"] = "60"
    return response


async def page_with_problem(
    staff: StaffVisit, slug: str, problem: str, order: str, *, may_start: bool = False
) -> Response:
    """Show the organisation with what is to be corrected, at the order that was given."""
    return await run_in_threadpool(
        organisation_page,
        staff,
        slug,
        problem=problem,
        opened=order,
        status=409,
        may_start=may_start,
    )


def problem_text(error: CommandError) -> str:
    """Return why an order is not carried out, as the console says it."""
    return error.words(console.said_of)


# --- what the pages show ----------------------------------------------------------------------


@dataclass(frozen=True)
class ConsoleRow:
    """One line of the list, in words."""

    slug: str
    name: str
    owner: str
    stage: str
    waiting_on: str
    since: str
    due: str
    is_overdue: bool
    attention: str
    users: str
    is_paused: bool


def _row(listed: OrganisationRow, at: datetime) -> ConsoleRow:
    progress = listed.progress
    if progress is None:
        return ConsoleRow(
            listed.slug, listed.name, listed.owner, "Not started", "", "", "", False, "", "", False
        )
    over = progress.outcome is not None
    return ConsoleRow(
        slug=listed.slug,
        name=listed.name,
        owner=listed.owner,
        stage=progress.outcome.value.replace("_", " ").capitalize()
        if progress.outcome
        else sentences.STAGES[progress.stage],
        waiting_on="" if over else label_of(sentences.whom(progress)),
        since=sentences.short_day(progress.since),
        due=sentences.short_day(progress.due_at) if progress.due_at and not over else "",
        is_overdue=bool(progress.due_at and not over and progress.due_at < at),
        attention=sentences.happened(progress) if progress.attention else "",
        users=f"{progress.all_moved} of {progress.all_users}" if progress.plan_hash else "",
        is_paused=progress.paused,
    )


def label_of(code: str) -> str:
    """Return a name of ours as people read it, such as `SSO offered` for `sso_offered`."""
    words = [_NAMES.get(word, word) for word in code.replace("_", " ").split()]
    said = " ".join(words).replace("go live", "go-live").replace("sign in", "sign-in")
    return said[:1].upper() + said[1:]


_NAMES = {"sso": "SSO", "it": "IT"}


def _address(show: OrganisationFilter, search: str, page: int) -> str:
    said = {"show": show.value, "search": search, "page": page}
    standard = {"show": OrganisationFilter.ALL.value, "search": "", "page": 1}
    query = {name: value for name, value in said.items() if value != standard[name]}
    return f"/console?{urlencode(query)}" if query else "/console"


@dataclass(frozen=True)
class _Organisation:
    standing: Standing
    preference: Preference
    contacts: list[Contact]
    domains: list[str]
    mails: list[SentMail]
    audit: list[AuditTrailRow]
    refused_sign_ins: list[tuple[str, int]]
    """Of the last week, by reason."""
    times: dict[str, StagePeriod]
    exceptions: list[UserException]
    exception_counts: list[tuple[str, int]]
    consent: ConsentStanding | None
    handles: list[str]
    """Members of staff who could look after it."""
    requests: list[tuple[OrderRequest, UserDetails | None, str]]
    """Orders that another member of staff has to confirm, with the user one is about, and why."""


def _read(
    session: Session, slug: str, trail: tuple[bool, int], at: datetime
) -> _Organisation | None:
    standing = standings.standing_of(session, slug)
    if standing is None:
        return None
    o, g = standing.organisation_id, standing.go_live_id
    is_open = standing.progress is not None and standing.progress.outcome is None
    return _Organisation(
        standing=standing,
        preference=session.get_one(Preference, o),
        contacts=mail_facts.contacts_of(session, o),
        domains=records.organisation_domains(session, o),
        mails=console_views.mails(session, g, MOST_MAILS) if g else [],
        audit=console_views.audit_trail(session, o, MOST_AUDIT, every=trail[0], before=trail[1]),
        refused_sign_ins=console_views.refused_sign_ins(
            session, o, at - rules.REFUSED_SIGN_INS_SHOWN
        ),
        times=console_views.stage_times(session, g) if g else {},
        exceptions=console_views.exceptions(session, g, MOST_EXCEPTIONS) if g else [],
        exception_counts=mail_facts.exception_counts(session, g) if g else [],
        consent=domains.consent_standing(session, o),
        handles=sorted(upserts.staff_addresses(session)),
        requests=_requests(session, slug, g, at, is_open=is_open) if g else [],
    )


def _requests(
    session: Session, slug: str, go_live_id: UUID, at: datetime, *, is_open: bool
) -> list[tuple[OrderRequest, UserDetails | None, str]]:
    """Return what waits for a second person; once a go-live has ended, orders about users only."""
    return [
        (
            one,
            console_views.user_of(session, slug, UUID(one.argument["user_id"]))
            if one.order == RELINK_USER
            else None,
            order_requests.reason_of(session, one),
        )
        for one in order_requests.open_requests(session, go_live_id, at)
        if is_open or one.order == RELINK_USER
    ]


def organisation_page(
    staff: StaffVisit,
    slug: str,
    *,
    said: str = "",
    problem: str = "",
    opened: str = "",
    status: int = 200,
    trail: tuple[bool, int] = (False, 0),
    may_start: bool = False,
) -> Response:
    """Show everything about one organisation, and what was said or is to be corrected.

    `may_start`: a go-live that is open has no run, so that starting it is offered.
    """
    visit = staff.visit
    with visit.dependencies.sessions.begin() as session:
        found = _read(session, slug, trail, visit.at)
    if found is None:
        return message_page(visit, pages.NO_SUCH_ORGANISATION, ButtonTarget("/console"), 404)
    progress = found.standing.progress
    refused = refused_mail(visit.dependencies.engine, found.standing)
    return visit.page(
        "console_organisation.html",
        refused_mail=[
            console.mail_refused(one.address, one.whose, one.ask, one.unclear) for one in refused
        ],
        status=status,
        staff=staff.staff,
        may_change=staff.may_change,
        found=found,
        standing=found.standing,
        progress=progress,
        zone=found.preference.time_zone,
        stages=stage_states(progress, found.times),
        explained=sentences.sentences(progress) if progress else console.NOT_STARTED,
        orders=[
            (name, order)
            for name, order in CONSOLE_ORDERS.items()
            if staff.role >= order.least_role
            and (order.fits(progress) or (may_start and name == "start"))
        ],
        order_ids={name: uuid4() for name in CONSOLE_ORDERS},
        buttons={one.order.value: one.words.button for one in CONSOLE_ORDERS.values() if one.order}
        | {RELINK_USER: console.RELINK_USER},
        open_for=order_requests.OPEN_FOR,
        has_links=progress is not None
        and progress.goes_on
        and progress.stage is not GoLiveStage.ENTITLEMENT_CONFIRMED,
        exceptions=[
            (one, sentences.EXCEPTIONS[ExceptionReason(one.reason)]) for one in found.exceptions
        ],
        counts=[
            (users, sentences.EXCEPTIONS[ExceptionReason(reason)])
            for reason, users in found.exception_counts
        ],
        decided_since=any(
            one.decision and one.reason != ExceptionReason.EXCLUDED for one in found.exceptions
        ),
        exceptions_in_all=sum(users for _, users in found.exception_counts),
        sign_in=(SIGN_IN_CONFIRMED if found.consent.sign_in_confirmed else SIGN_IN_UNCONFIRMED)
        if found.consent
        else "",
        every=trail[0],
        is_newest=not trail[1],
        earlier=found.audit[-1].id if len(found.audit) == MOST_AUDIT else 0,
        said=said,
        problem=problem,
        opened=opened,
        temporal_ui=_temporal_ui(visit.dependencies, slug) if progress else "",
        instant=sentences.instant,
        label_of=label_of,
        audit=sentences.AUDIT,
        why_refused=console.why_refused,
    )


def _temporal_ui(dependencies: Dependencies, slug: str) -> str:
    base = dependencies.settings.temporal_ui_url
    workflow = quote(go_live_id(slug), safe="")
    return (
        f"{base}/namespaces/{quote(dependencies.temporal.namespace)}/workflows/{workflow}"
        if base
        else ""
    )

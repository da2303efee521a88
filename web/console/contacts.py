"""The owner and the IT contacts of an organisation; and links sent again to a contact."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from commands import resending
from commands.errors import CommandError, UnavailableError
from commands.people_in_charge import PeopleInCharge
from database.go_live import records, standings
from database.links import renewal
from database.links.renewal import NewLink
from database.mail import mail_facts
from web import outbox_relay
from web.console.organisations import page_with_problem, problem_text
from web.console.staff import AManagerVisit, StaffVisit
from web.forms import OwnForm, TypedText
from web.visit import Visit
from wording import console

router = APIRouter(prefix="/console")

_Reason = Annotated[TypedText, Form(max_length=2000)]


@router.post("/{slug}/owner")
async def hand_over(
    staff: AManagerVisit,
    visit: OwnForm,
    slug: str,
    handle: Annotated[TypedText, Form(max_length=64)] = "",
    reason: _Reason = "",
) -> Response:
    """Hand an organisation and its go-live to another customer success manager."""
    return await _change(
        staff, visit, slug, "owner", lambda people: people.change_owner(slug, handle, reason)
    )


@router.post("/{slug}/contacts")
async def name_contact(
    staff: AManagerVisit,
    visit: OwnForm,
    slug: str,
    name: Annotated[TypedText, Form(max_length=200)] = "",
    address: Annotated[TypedText, Form(max_length=320)] = "",
    instead_of: Annotated[TypedText, Form(max_length=320)] = "",
    first: Annotated[bool, Form()] = False,
    reason: _Reason = "",
) -> Response:
    """Name an IT contact, in somebody's stead or besides the others."""
    plain = name.replace('"', "").replace("\\", "").strip()
    person = f'"{plain}" <{address.strip()}>' if plain else address.strip()
    return await _change(
        staff,
        visit,
        slug,
        "contact",
        lambda people: people.name_contact(
            slug, person, instead_of=instead_of, first=first, reason=reason
        ),
    )


@router.post("/{slug}/contacts/{contact_id}/remove")
async def remove_contact(
    staff: AManagerVisit, visit: OwnForm, slug: str, contact_id: UUID, reason: _Reason = ""
) -> Response:
    """Remove an IT contact: no more mail goes there, and links sent there no longer work."""

    def address() -> str:
        with visit.dependencies.sessions.begin() as session:
            standing = standings.standing_of(session, slug)
            those = mail_facts.contacts_of(session, standing.organisation_id) if standing else []
        return next((one.address for one in those if one.id == contact_id), "")

    leaver = await run_in_threadpool(address)
    if not leaver:
        return await page_with_problem(staff, slug, console.CONTACT_HAS_LEFT, "")
    return await _change(
        staff,
        visit,
        slug,
        "remove-contact",
        lambda people: people.remove_contact(slug, leaver, reason),
    )


@router.post("/{slug}/contacts/{contact_id}/send-again")
async def send_links_again(
    staff: AManagerVisit, visit: OwnForm, slug: str, contact_id: UUID
) -> Response:
    """Mail a contact the go-live pack once more, with links that work."""

    def queued() -> NewLink | None:
        with visit.dependencies.sessions.begin() as session:
            standing = standings.standing_of(session, slug)
            if standing is None or standing.go_live_id is None:
                return None
            open_one = records.open_go_live_of(session, standing.go_live_id)
            link = renewal.setup_link(session, standing.go_live_id, contact_id)
            if open_one is None or link is None or renewal.has_left(session, link):
                return None
            return renewal.renew(session, link, open_one[0], visit.at, by=staff.staff.handle)

    renewed = await run_in_threadpool(queued)
    if renewed is None:
        return await page_with_problem(staff, slug, console.NO_PACK_NOW, "")
    on_its_way = await outbox_relay.send_again(visit.dependencies, slug, renewed)
    return visit.go_to(
        f"/console/{quote(slug)}?done={'send-again' if on_its_way else 'send-later'}"
    )


@router.post("/{slug}/mails/resend")
async def resend_refused(staff: AManagerVisit, visit: OwnForm, slug: str) -> Response:
    """Send every refused mail again, those to users included."""
    dependencies = visit.dependencies
    try:
        resent = await resending.resend(
            dependencies.engine, dependencies.temporal, staff.staff.handle, slug, to_users=True
        )
    except UnavailableError:
        raise
    except CommandError as error:
        return await page_with_problem(staff, slug, problem_text(error), "")
    done = "resend" if resent.signalled else "resend-later"
    return visit.go_to(f"/console/{quote(slug)}?done={done}")


async def _change(
    staff: StaffVisit,
    visit: Visit,
    slug: str,
    what: str,
    change: Callable[[PeopleInCharge], Awaitable[object]],
) -> Response:
    """Change who is in charge as the person who is signed in, and show what became of it."""
    people = PeopleInCharge(
        visit.dependencies.engine, visit.dependencies.temporal, staff.staff.handle
    )
    try:
        await change(people)
    except UnavailableError:
        raise
    except CommandError as error:
        return await page_with_problem(staff, slug, problem_text(error), what)
    return visit.go_to(f"/console/{quote(slug)}?done={what}")

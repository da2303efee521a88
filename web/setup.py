"""The IT team's page: what happens, what is done, and "we have read it"."""

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from temporalio.client import WorkflowUpdateFailedError

from contracts import wording
from contracts.go_live import AcknowledgeIt, Refusal, go_live_id
from contracts.links import LinkPurpose
from database import reading, records, sign_in
from database.models import PersonalLink
from database.reading import Standing
from web.answers import refused
from web.deps import AVisit, OwnForm, Visit
from web.new_link import dead_link
from web.stages import stage_states
from workflows.go_live import SsoGoLive

router = APIRouter(prefix="/setup")


@router.get("/{token}")
def show(visit: AVisit, token: str) -> Response:
    """Show the checklist of the whole go-live. Opening this changes nothing."""
    found = _find(visit, token)
    if isinstance(found, Response):
        return found
    _, standing = found
    assert standing.progress is not None  # noqa: S101  (a link belongs to a go-live)
    return visit.page(
        "setup.html",
        standing=standing,
        stages=stage_states(standing.progress),
        happened=wording.happened(standing.progress),
        to_do=wording.to_do(standing.progress),
        by_itself=wording.by_itself(standing.progress),
        action=f"/setup/{token}/acknowledge",
    )


@router.post("/{token}/acknowledge")
async def acknowledge(visit: OwnForm, token: str) -> Response:
    """Tell the go-live that the IT team has read the pack."""
    found = await run_in_threadpool(_find, visit, token)
    if isinstance(found, Response):
        return found
    link, standing = found
    handle = visit.rooms.temporal.get_workflow_handle(go_live_id(standing.slug))
    try:
        await handle.execute_update(
            SsoGoLive.acknowledge_it, AcknowledgeIt(by=f"contact:{link.contact_id}")
        )
    except WorkflowUpdateFailedError:
        # Too late to matter: the page says where the go-live stands.
        return visit.go_to(f"/setup/{token}")
    with visit.rooms.sessions.begin() as session:
        go_live = records.go_live_by_id(session, link.go_live_id)
        records.write_audit(
            session, visit.at, f"contact:{link.contact_id}", "acknowledge_it", go_live=go_live
        )
    return visit.go_to(f"/setup/{token}")


def _find(visit: Visit, token: str) -> tuple[PersonalLink, Standing] | Response:
    with visit.rooms.sessions.begin() as session:
        link = sign_in.personal_link(
            session, visit.rooms.signer, token, LinkPurpose.SETUP, visit.at
        )
        if not isinstance(link, PersonalLink):
            return dead_link(visit, LinkPurpose.SETUP, token, link)
        found = sign_in.open_go_live_of(session, link.go_live_id)
        standing = reading.standing_of(session, found[1].slug) if found else None
    if standing is None:
        return refused(visit, Refusal.LINK_REVOKED, status=410)
    return link, standing

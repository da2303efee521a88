"""A line of the web's log says for which organisation a page was, also one that failed."""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from sqlalchemy import event
from starlette.testclient import TestClient

from contracts.go_live import Wait
from contracts.links import LinkPurpose, LinkSigner
from local.histories import found_in
from telemetry.logs import JsonLines
from tests.cluster import Cluster, Organisation
from web.app import create_app

PAGES = {
    "/setup/{token}": LinkPurpose.SETUP,
    "/consent/{token}": LinkPurpose.CONSENT,
    "/consent/{token}/progress": LinkPurpose.CONSENT,
    "/hand-off/{token}": LinkPurpose.CONSENT,
}


@pytest_asyncio.fixture(scope="module")
async def organisation(cluster: Cluster) -> Organisation:
    """One that waits for the consent, with personal links of its contacts."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    return organisation


def token_of(cluster: Cluster, organisation: Organisation, purpose: LinkPurpose) -> str:
    row = cluster.rows(
        "SELECT l.id, l.version FROM golive.personal_link l WHERE l.go_live_id = :g "
        "AND l.purpose = :purpose ORDER BY l.id LIMIT 1",
        g=organisation.standing().go_live_id,
        purpose=purpose,
    )[0]
    signer = LinkSigner(cluster.settings.secret_keys)
    return signer.token(purpose, row.id, row.version)


@pytest.fixture
def logged() -> Iterator[list[dict[str, Any]]]:
    """What the web logs, as it is written: whose page it is about is known at that moment only."""
    lines: list[dict[str, Any]] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            # What the loop beside the requests says concerns none of them.
            if record.name != "web.outbox_relay":
                lines.append(json.loads(JsonLines().format(record)))

    logger, handler = logging.getLogger("web"), Keeping()
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)
    logger.setLevel(before)


@contextmanager
def browser(cluster: Cluster) -> Iterator[TestClient]:
    with TestClient(create_app(cluster.settings), raise_server_exceptions=False) as http:
        yield http


@pytest.mark.parametrize("page", PAGES)
async def test_the_page_of_a_link_is_logged_with_its_organisation_and_without_the_link(
    cluster: Cluster, organisation: Organisation, page: str, logged: list[dict[str, Any]]
) -> None:
    token = token_of(cluster, organisation, PAGES[page])

    def come() -> None:
        with browser(cluster) as http:
            assert http.get(page.format(token=token)).status_code == 200
            assert http.get("/login").status_code == 200

    await asyncio.to_thread(come)
    link, login = logged
    assert (link["route"], link["organisation"]) == (page, organisation.slug)
    assert "organisation" not in login
    named = [token, token.partition(".")[0], organisation.contact, "Ira Tee"]
    assert found_in([json.dumps(link)], named) == []


async def test_a_link_of_another_kind_or_made_up_names_nobody(
    cluster: Cluster, organisation: Organisation, logged: list[dict[str, Any]]
) -> None:
    genuine = token_of(cluster, organisation, LinkPurpose.SETUP)
    forged = f"{genuine.partition('.')[0]}.{uuid4().hex}"

    def come() -> None:
        with browser(cluster) as http:
            for token in (forged, "nonsense", f"{uuid4().hex}.{uuid4().hex}"):
                assert http.get(f"/setup/{token}").status_code in (404, 410)

    await asyncio.to_thread(come)
    assert [line.get("organisation") for line in logged] == [None] * 3


async def test_a_page_that_fails_is_logged_with_its_organisation(
    cluster: Cluster, organisation: Organisation, logged: list[dict[str, Any]]
) -> None:
    app = create_app(cluster.settings)
    token = token_of(cluster, organisation, LinkPurpose.SETUP)

    def fail(*_: Any) -> None:
        raise LookupError(organisation.contact)

    def come() -> None:
        with TestClient(app, raise_server_exceptions=False) as http:
            engine = app.state.dependencies.engine
            # What the page itself asks, after the look for whose it is.
            event.listen(engine, "before_cursor_execute", _after("stage_time", fail))
            assert http.get(f"/setup/{token}").status_code == 500

    await asyncio.to_thread(come)
    failed, answered = logged
    assert (failed["message"], failed["error"]) == ("A page failed", "LookupError")
    assert failed["organisation"] == answered["organisation"] == organisation.slug
    assert found_in([json.dumps([failed, answered])], [organisation.contact, token]) == []


def _after(table: str, then: Any) -> Any:
    def look(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if table in statement:
            then()

    return look

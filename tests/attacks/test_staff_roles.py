"""A reader reads; a manager gives orders; a wrong binding of staff is undone."""

import asyncio
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from commands import staff_bindings
from commands.errors import CommandError, UsageError
from commands.orders import Orders
from contracts.orders import Role
from contracts.problems import Problem
from database.engine import open_sessions
from database.go_live import records
from database.people import staff
from tests.cluster import STAFF, Cluster, Person, changed_environment
from tests.web.test_error_handlers import form_token_of
from web.app import create_app
from web.console import contacts, imports, organisations, plans, users
from web.console import staff as staff_pages
from web.console.staff import manager
from web.microsoft.staff_admission import STAFF_COOKIE, role_of
from web.visit import BROWSER_COOKIE
from wording import pages

READING = {"/console/sign-in", "/console/sign-out", "/console/{slug}/users", "/console/{slug}/plan"}
READING |= {"/console/{slug}/plan.csv"}
"""Forms of the console that change nothing of anybody's."""


@contextmanager
def console(cluster: Cluster, role: Role) -> Iterator[tuple[TestClient, dict[str, str]]]:
    """Dana's browser with a session of this role, and what each of its forms carries."""
    token, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    with open_sessions(cluster.engine).begin() as session:
        dana = records.staff_by_handle(session, STAFF)
        staff.open_session(session, dana.id, token, role, datetime.now(UTC))
    with (
        changed_environment(cluster.environment),
        TestClient(create_app(cluster.settings), base_url=cluster.settings.public_url) as http,
    ):
        http.cookies.set(STAFF_COOKIE, token)
        http.cookies.set(BROWSER_COOKIE, browser)
        yield http, {"form_token": form_token_of(cluster, browser)}


def test_each_app_role_is_a_role_and_the_one_of_before_is_a_managers() -> None:
    assert role_of(()) is None
    assert role_of(("Everything", "customersuccess")) is None
    assert role_of(("CustomerSuccess.Reader",)) is Role.READER
    assert role_of(("CustomerSuccess",)) is Role.MANAGER
    assert role_of(("CustomerSuccess.Manager", "CustomerSuccess.Reader")) is Role.MANAGER
    assert role_of(("CustomerSuccess", "CustomerSuccess.Lead")) is Role.LEAD


def test_every_form_of_the_console_that_changes_something_takes_a_manager() -> None:
    open_to_readers = {
        route.path
        for room in (contacts, imports, organisations, plans, staff_pages, users)
        for route in room.router.routes
        if isinstance(route, APIRoute)
        and "POST" in route.methods
        and manager not in {one.call for one in route.dependant.dependencies}
    }
    assert open_to_readers == READING


async def test_a_reader_changes_nothing(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(Person("anna"))
    anna = organisation.address("anna")

    def come() -> None:
        with console(cluster, Role.READER) as (http, form):
            shown = http.get(f"/console/{organisation.slug}")
            assert shown.status_code == 200
            assert 'id="order-start"' not in shown.text
            user = http.post(f"/console/{organisation.slug}/users", data=form | {"address": anna})
            for page in (shown, user, http.get("/console/-/imports")):
                forms = set(re.findall(r'<form[^>]* action="([^"]+)"', page.text))
                assert forms <= {"/console/sign-out", f"/console/{organisation.slug}/users"}
            for path in ("start", "owner", f"requests/{uuid4()}/confirm"):
                refused = http.post(f"/console/{organisation.slug}/{path}", data=form)
                assert refused.status_code == 403
                assert pages.ROLE_TOO_LOW.happened in refused.text

    await asyncio.to_thread(come)
    reading = Orders(cluster.engine, cluster.client, STAFF, role=Role.READER)
    for order in (reading.start(organisation.slug), reading.pause(organisation.slug)):
        with pytest.raises(CommandError, match=Problem.ROLE_TOO_LOW):
            await order
    assert organisation.audit() == []


async def test_a_binding_is_undone_and_its_sessions_end(cluster: Cluster) -> None:
    cluster.create_organisation(
        customer_success_handle="robin", customer_success_email="robin@clientshare.example"
    )
    mistaken, token, at = uuid4(), secrets.token_urlsafe(32), datetime.now(UTC)
    with open_sessions(cluster.engine).begin() as session:
        found = staff.staff_by_identity(session, mistaken, "robin@clientshare.example")
        assert found is not None
        staff.open_session(session, found.id, token, Role.MANAGER, at)
    with pytest.raises(UsageError, match=Problem.REASON_MISSING):
        staff_bindings.unbind(cluster.engine, "robin", by=STAFF, reason=" ")
    assert staff_bindings.unbind(cluster.engine, "robin", by=STAFF, reason="Another Robin.")
    with open_sessions(cluster.engine).begin() as session:
        assert staff.of_session(session, token, at) is None
        assert staff.staff_by_identity(session, mistaken, "somebody@clientshare.example") is None
        bound = staff.staff_by_identity(session, uuid4(), "robin@clientshare.example")
        assert bound is not None
    rows = cluster.rows("SELECT actor, reason FROM golive.audit_entry WHERE action='staff_unbound'")
    assert [tuple(row) for row in rows] == [(STAFF, "Another Robin.")]

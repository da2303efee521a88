"""Addresses of forms opened again, errors nobody has thought of, and a mail that comes later."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.exc import ProgrammingError
from starlette.testclient import TestClient

from contracts.go_live import Wait
from local.browser import Browser
from local.ports import Ports
from telemetry.logs import JsonLines
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, process
from tests.web.test_error_handlers import ask, setup_link, wait_for
from web.app import create_app


async def test_a_new_link_that_was_asked_for_while_temporal_is_away_comes_by_itself(
    cluster: Cluster, tmp_path: Path
) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    address = await asyncio.to_thread(setup_link, cluster, organisation.contact)
    link = address.replace(cluster.endpoints.web, "")
    cluster.rows(
        "UPDATE golive.personal_link SET expires_at = '2020-01-01' WHERE go_live_id = :g",
        g=organisation.standing().go_live_id,
    )
    ports = Ports.free()
    environment = {**cluster.environment, "TEMPORAL_ADDRESS": f"127.0.0.1:{ports.temporal}"}
    with process(environment, "-m", "web", "--port", str(ports.web), log=tmp_path / "web.log"):
        base = f"http://127.0.0.1:{ports.web}"
        await asyncio.to_thread(wait_for, f"{base}/health/live")

        def click() -> None:
            with Browser() as browser:
                browser.open(base + link)
                browser.press("Send me a new link")
                assert browser.status == 202, browser.text
                assert "a little later, by itself" in browser.text
                assert "Nothing was changed" not in browser.text

        await asyncio.to_thread(click)
    sent = ("it_pack", organisation.contact, "sent")
    async with asyncio.timeout(LONGEST_WAIT):
        while organisation.mails("it_pack").count(sent) < 2:
            await asyncio.sleep(0.2)


async def test_an_error_nobody_has_thought_of_gets_a_calm_page_with_the_headers(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(cluster.settings)

    def fail(what: str) -> None:
        raise ProgrammingError("SELECT", {}, ValueError()) if what == "database" else KeyError(what)

    app.add_api_route("/failing/{what}", fail)

    def come() -> None:
        with TestClient(app, raise_server_exceptions=False) as http:
            for what, status in (("secret", 500), ("database", 503)):
                answer = http.get(f"/failing/{what}")
                assert answer.status_code == status
                assert "<h1>" in answer.text
                assert "default-src 'none'" in answer.headers["content-security-policy"]

    await asyncio.to_thread(come)
    lines = [
        JsonLines().format(record)
        for record in caplog.records
        if record.name == "web.error_handlers"
    ]
    assert any("KeyError" in line for line in lines)
    assert not any("secret" in line for line in lines)


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/login/password", "/login"),
        ("/auth/microsoft", "/login"),
        ("/setup/x/acknowledge", "/setup/x"),
        ("/setup/x/contact", "/setup/x"),
        ("/consent/x/new-link", "/consent/x"),
        ("/consent/again", "/consent/progress"),
        ("/console/acme/plan", "/console/acme"),
        ("/console/acme/users/1/link", "/console/acme/users/1"),
    ],
)
async def test_the_address_of_a_form_opens_the_page_of_the_form(
    cluster: Cluster, path: str, page: str
) -> None:
    answer = await asyncio.to_thread(ask, cluster, "GET", path)
    assert (answer.status_code, answer.headers.get("location")) == (303, page)


async def test_head_is_answered_as_get_and_the_description_is_nobodys(cluster: Cluster) -> None:
    for path in ("/login", "/static/live.js", "/health", "/nothing"):
        of_get, of_head = [
            await asyncio.to_thread(ask, cluster, method, path) for method in ("GET", "HEAD")
        ]
        assert of_head.status_code == of_get.status_code, path
        assert of_head.text == ""
    assert (await asyncio.to_thread(ask, cluster, "GET", "/openapi.json")).status_code == 404

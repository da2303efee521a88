"""Whoever loses their role is out of the console within 15 minutes, whatever their browser does."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts import rules
from contracts.sign_in import StaffSessionEnd
from local.browser import Browser
from tests.administrators import CLIENT
from tests.cluster import Cluster
from web.microsoft import sealed_tokens
from wording import pages

ADDRESS = "omar@clientshare.example"


class Console:
    """Omar at work in the console, by the real web and the pretend Microsoft."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.organisation = cluster.create_organisation(
            customer_success_handle="omar", customer_success_email=ADDRESS
        )
        self.tenant_id = cluster.settings.staff_tenant_id
        self.page = f"{cluster.endpoints.web}/console/{self.organisation.slug}"

    def sign_in(self, browser: Browser) -> None:
        browser.open(self.page)
        browser.press("Login with SSO")
        browser.press("Sign in", login=ADDRESS)
        assert browser.status == 200
        assert "Start the go-live" in browser.text

    def minutes_pass(self, minutes: int) -> None:
        """For the session in the database, which is all that knows of time."""
        self.cluster.rows(
            "UPDATE golive.staff_session SET check_due_at = check_due_at - :by, "
            "started_at = started_at - :by, expires_at = expires_at - :by "
            "WHERE sealed_refresh_token IS NOT NULL",
            by=timedelta(minutes=minutes),
        )

    def change(self, **changed: Any) -> None:
        path = f"/tenants/{self.tenant_id}/users/{self._account()}"
        self.cluster.control("PATCH", path, **changed)

    def roles(self, *names: str) -> None:
        self.change(app_roles={CLIENT: list(names)})

    def microsoft_is_away(self) -> None:
        self.cluster.control(
            "POST",
            "/faults",
            match={"path": f"/{self.tenant_id}/oauth2/v2.0/token"},
            kind="server_error",
            retry_after=None,
        )

    def end_sessions(self) -> None:
        """Those of tests before as well, of which nothing is left then."""
        self.cluster.rows(
            "DELETE FROM golive.staff_session s USING golive.staff p "
            "WHERE p.id = s.staff_id AND p.handle = 'omar'"
        )

    def ended_because(self) -> list[str | None]:
        rows = self.cluster.rows(
            "SELECT s.ended_because FROM golive.staff_session s JOIN golive.staff p "
            "ON p.id = s.staff_id WHERE p.handle = 'omar' ORDER BY s.started_at"
        )
        return [row.ended_because for row in rows]

    def _account(self) -> UUID:
        (row,) = self.cluster.rows("SELECT object_id FROM golive.staff WHERE handle = 'omar'")
        assert isinstance(row.object_id, UUID)
        return row.object_id


@pytest.fixture
def console(cluster: Cluster) -> Iterator[Console]:
    """Omar, who is a manager again when the test is over."""
    found = Console(cluster)
    found.end_sessions()
    yield found
    cluster.control("DELETE", "/faults")
    found.roles("CustomerSuccess")
    found.change(accountEnabled=True)
    found.end_sessions()


async def test_a_lost_role_ends_the_session_within_fifteen_minutes(console: Console) -> None:
    def come() -> None:
        with Browser() as browser:
            console.sign_in(browser)
            console.roles()
            browser.open(console.page)
            assert browser.status == 200
            console.minutes_pass(rules.ROLE_CHECK_MINUTES)
            for _ in range(2):
                browser.open(console.page)
                assert browser.status == 401
                assert pages.CONSOLE_SESSION_ENDED[StaffSessionEnd.ROLE_LOST] in browser.text

    await asyncio.to_thread(come)
    assert console.ended_because() == [StaffSessionEnd.ROLE_LOST]
    assert console.cluster.rows(
        "SELECT FROM golive.audit_entry WHERE actor = 'omar' AND action = 'console_session_ended' "
        "AND reason = 'role_lost'"
    )


async def test_nothing_is_sent_with_a_lost_role_and_all_with_one_that_is_there(
    console: Console,
) -> None:
    def come() -> None:
        with Browser() as browser:
            console.sign_in(browser)
            for roles, status in (
                (("CustomerSuccess.Manager",), 200),
                (("CustomerSuccess.Reader",), 403),
                ((), 401),
            ):
                console.roles("CustomerSuccess")
                console.minutes_pass(rules.ROLE_CHECK_MINUTES)
                browser.open(console.page)
                console.roles(*roles)
                console.minutes_pass(rules.ROLE_CHECK_MINUTES)
                address = f"n{status}@{console.organisation.domain}"
                browser.press("Name this contact", name="Nora", address=address, reason=str(status))
                assert browser.status == status, browser.text
            assert "What you sent just now was not done." in browser.text

    await asyncio.to_thread(come)
    named = [
        what for who, what, why in console.organisation.audit() if why in {"200", "403", "401"}
    ]
    assert named == ["contact_named"]


async def test_a_session_keeps_its_normal_end_while_microsoft_is_away(console: Console) -> None:
    def come() -> None:
        with Browser() as browser:
            console.sign_in(browser)
            console.roles()
            console.microsoft_is_away()
            for _ in range(3):
                console.minutes_pass(rules.ROLE_CHECK_MINUTES)
                browser.open(console.page)
                assert browser.status == 200
            console.cluster.control("DELETE", "/faults")
            # A minute later Microsoft is asked again, not ten.
            console.minutes_pass(rules.ROLE_CHECK_RETRY_MINUTES)
            browser.open(console.page)
            assert browser.status == 401
        console.roles("CustomerSuccess")
        with Browser() as browser:
            console.sign_in(browser)
            console.microsoft_is_away()
            console.minutes_pass(60 * rules.STAFF_SESSION_HOURS)
            browser.open(console.page)
            assert browser.status == 401

    await asyncio.to_thread(come)


async def test_a_disabled_account_is_asked_to_sign_in_again(console: Console) -> None:
    def come() -> None:
        with Browser() as browser:
            console.sign_in(browser)
            console.change(accountEnabled=False)
            console.minutes_pass(rules.ROLE_CHECK_MINUTES)
            browser.open(console.page)
            assert browser.status == 401
            assert pages.CONSOLE_SESSION_ENDED[StaffSessionEnd.SIGN_IN_AGAIN] in browser.text

    await asyncio.to_thread(come)


async def test_the_database_asks_microsoft_nothing(console: Console) -> None:
    """What is stored of a session opens with the browser's own token only."""
    await asyncio.to_thread(_sign_in_and_stay, console)
    (row,) = console.cluster.rows(
        "SELECT s.* FROM golive.staff_session s JOIN golive.staff p ON p.id = s.staff_id "
        "WHERE p.handle = 'omar'"
    )
    assert row.sealed_refresh_token
    assert not row.sealed_refresh_token.startswith("1.")
    for key in (row.token_sha256, str(row.staff_id), str(uuid4())):
        assert sealed_tokens.unseal(key, row.sealed_refresh_token) is None


def _sign_in_and_stay(console: Console) -> None:
    with Browser() as browser:
        console.sign_in(browser)

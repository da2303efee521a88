"""Whatever comes where Microsoft sends browsers to: a calm 4xx page, an audit line, no signal."""

import asyncio
import re
from collections.abc import Callable
from urllib.parse import quote, urlencode

import httpx2

from contracts.go_live import Refusal, Wait
from contracts.sign_in import SignInAnswer
from database.go_live.repeated_events import WRITTEN_EACH
from local import loopback
from tests.administrators import Consenting, somebody, waiting_for_consent
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation, Person
from web.rate_limits import MOST_UNBOUND_ANSWERS
from wording.pages import SIGN_IN

OTHER_TENANT = "22222222-2222-4222-8222-222222222222"
CALLBACKS = ("/consent/callback", "/auth/microsoft/callback")
SECRET = "Marker-of-what-was-sent"


def _queries(state: str = "", tenant: str = "") -> dict[str, str]:
    """Queries as somebody may write them, with the browser's own, valid state."""
    good = {"admin_consent": "True", "tenant": tenant, "state": state}
    return {
        "nothing": "",
        "no state": urlencode({"admin_consent": "True", "tenant": tenant}),
        "an empty state": urlencode({**good, "state": ""}),
        "two states": urlencode([*good.items(), ("state", state)]),
        "two tenants": urlencode([*good.items(), ("tenant", OTHER_TENANT)]),
        "two errors": urlencode([*good.items(), ("error", "a"), ("error", "b")]),
        "a made-up state": urlencode({**good, "state": SECRET}),
        "10 kB of state": urlencode({**good, "state": "x" * 10_000}),
        "45 kB of something": urlencode({**good, "session_state": SECRET * 2_300}),
        "10 kB of error": urlencode({**good, "error": "e" * 10_000}),
        "a hundred parameters": urlencode(good) + "".join(f"&p{k}=1" for k in range(100)),
        "NUL": urlencode(good) + "&error_description=%00",
        "NUL in the state": f"admin_consent=True&tenant={tenant}&state={state}%00",
        "Latin-1": urlencode(good) + "&error_description=%E9t%E9",
        "half a character": f"admin_consent=True&tenant={tenant}&state=%C3",
        "UTF-16": f"admin_consent=True&tenant={tenant}&state=" + quote(state.encode("utf-16")),
        "an error of other letters": urlencode({**good, "error": f"<script>{SECRET}</script>"}),
        "a line break in the error": urlencode({**good, "error": "access_denied\r\nX: y"}),
        "a tenant that is SQL": urlencode({**good, "tenant": "'; DROP TABLE golive.mail; --"}),
        "consent that is neither yes nor no": urlencode({**good, "admin_consent": "yes please"}),
    }


def _audit_lines(cluster: Cluster) -> int:
    (row,) = cluster.rows("SELECT count(*) AS lines FROM golive.audit_entry")
    return int(row.lines)


async def test_no_malformed_callback_is_an_error_of_ours_or_moves_anything(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    web_log = cluster.folder / "web.log"
    logged = web_log.stat().st_size

    def try_everything() -> None:
        with somebody(organisation) as who:
            for callback in CALLBACKS:
                # Each door by somebody new: whoever brings very many has to wait.
                cluster.rows("DELETE FROM pulse.failed_login")
                for case in _queries():
                    cluster.rows("DELETE FROM golive.repeated_event")
                    lines = _audit_lines(cluster)
                    state = who.to_microsoft().state
                    query = _queries(state, organisation.tenant_id)[case]
                    who.open(f"{callback}?{query}")
                    assert 400 <= who.status < 500, (callback, case, who.status, who.text)
                    assert "This did not work" in who.text, (callback, case, who.text)
                    assert SECRET not in who.text, (callback, case)
                    assert _audit_lines(cluster) == lines + 1, (callback, case)

    await asyncio.to_thread(try_everything)
    assert await organisation.signals() == []
    assert organisation.progress.wait is Wait.ADMIN_CONSENT
    assert organisation.progress.refusal is None
    assert SECRET.encode() not in web_log.read_bytes()[logged:]
    for table in ("golive.audit_entry", "golive.authorization_request", "golive.consent_evidence"):
        (row,) = cluster.rows(
            f"SELECT count(*) AS found FROM {table} t WHERE t::text LIKE '%{SECRET}%'"
        )
        assert row.found == 0
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)


async def test_made_up_answers_fill_the_audit_trail_no_further_than_a_limit(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))

    def come() -> None:
        with somebody(organisation) as who:
            lines = _audit_lines(cluster)
            for number in range(MOST_UNBOUND_ANSWERS):
                who.open(f"{CALLBACKS[number % 2]}?state=made-up-{number}")
                assert who.status == 400, who.text
            # The first few have a line each, and one says that there were too many.
            written = len(CALLBACKS) * WRITTEN_EACH + 1
            assert _audit_lines(cluster) == lines + written
            for query in ("state=made-up", "", "error=access_denied", "state=%C3"):
                for callback in CALLBACKS:
                    who.open(f"{callback}?{query}")
                    assert who.status == 429, (callback, query, who.text)
                    assert "Wait 15 minutes" in who.text
            assert _audit_lines(cluster) == lines + written
            # Who was sent to Microsoft by us comes back from the same network all the same.
            who.accept()
            assert "/consent/progress" in who.browser.url, who.text

    await asyncio.to_thread(come)
    assert (
        len(cluster.rows("SELECT 1 FROM golive.audit_entry WHERE action = 'callbacks_guessed'"))
        == 1
    )
    await organisation.until(Wait.MOVE_DATE)


async def test_an_error_counts_whatever_admin_consent_says(cluster: Cluster) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))

    def come_back() -> None:
        with somebody(organisation) as who:
            state = who.to_microsoft().state
            who.come_back(
                admin_consent="True",
                error="consent_required",
                tenant=organisation.tenant_id,
                state=state,
            )
            who.assert_told(Refusal.NOT_AN_ADMINISTRATOR)

    await asyncio.to_thread(come_back)
    await organisation.until(lambda now: now.refusal is Refusal.NOT_AN_ADMINISTRATOR)
    assert await organisation.signals() == ["consent_not_given"]


async def _refused(organisation: Organisation, act: Callable[[Consenting], Refusal]) -> None:
    def work() -> Refusal:
        with somebody(organisation) as who:
            refusal = act(who)
            who.assert_told(refusal)
            return refusal

    refusal = await asyncio.to_thread(work)
    (line,) = organisation.cluster.rows(
        "SELECT reason FROM golive.audit_entry WHERE action LIKE '%refused' "
        "ORDER BY id DESC LIMIT 1"
    )
    assert line.reason == refusal
    assert await organisation.signals() == []


async def test_an_answer_of_another_browser_is_refused(cluster: Cluster) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))

    def act(who: Consenting) -> Refusal:
        state = who.to_microsoft().state
        with somebody(organisation) as other:
            other.come_back(admin_consent="True", tenant=organisation.tenant_id, state=state)
            other.assert_told(Refusal.OTHER_BROWSER)
        # The one it belongs to has lost nothing by that.
        who.come_back(admin_consent="True", tenant=OTHER_TENANT, state=state)
        return Refusal.WRONG_TENANT

    await _refused(organisation, act)


async def test_an_answer_counts_once_and_for_half_an_hour(cluster: Cluster) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))

    def used(who: Consenting) -> Refusal:
        state = who.to_microsoft().state
        for _ in range(2):
            who.come_back(admin_consent="True", tenant=OTHER_TENANT, state=state)
        return Refusal.STATE_USED

    def expired(who: Consenting) -> Refusal:
        state = who.to_microsoft().state
        cluster.rows(
            "UPDATE golive.authorization_request SET expires_at = expires_at - interval '31 min'"
        )
        who.come_back(admin_consent="True", tenant=organisation.tenant_id, state=state)
        return Refusal.STATE_EXPIRED

    await _refused(organisation, used)
    await _refused(organisation, expired)


async def test_a_code_that_was_used_before_is_refused(cluster: Cluster) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)

    def work() -> None:
        with somebody(organisation) as who:
            code = _intercepted_code(who)
        with somebody(organisation) as other:
            other.open("/login").press("Continue", email=organisation.address("anna"))
            other.press("Login with SSO")
            query = urlencode({"code": code, "state": other.state})
            other.open(f"/auth/microsoft/callback?{query}")
            assert other.status == 403
            assert SIGN_IN[SignInAnswer.FAILED].happened in other.text

    await asyncio.to_thread(work)


def _intercepted_code(who: Consenting) -> str:
    """A code that was redeemed already, in a sign-in of somebody else."""
    codes = []

    def keep(response: httpx2.Response) -> None:
        found = re.search(r"[?&]code=([^&]+)", response.headers.get("location", ""))
        if found:
            codes.append(found.group(1))

    who.browser.listen(keep)
    who.open("/login").press("Continue", email=who.organisation.address("anna"))
    who.press("Login with SSO").sign_in(who.organisation.address("anna"))
    return codes[-1]


async def test_other_ways_of_asking_are_answered_calmly(cluster: Cluster) -> None:
    def ask() -> None:
        with loopback.client(base_url=cluster.endpoints.web, timeout=LONGEST_WAIT) as http:
            for callback in CALLBACKS:
                assert http.post(callback, data={"state": "x"}).status_code in {403, 404, 405}
                assert http.request("PUT", callback).status_code == 405
            for token in ("x", "%00", "%ff", "a" * 5000, "..%2f..", f"{'0' * 32}.{'f' * 64}"):
                for page in ("/consent/{}", "/consent/{}/progress", "/setup/{}", "/invitation/{}"):
                    status = http.get(page.format(token)).status_code
                    assert 400 <= status < 500, (page, token, status)

    await asyncio.to_thread(ask)

"""A set-up link alone changes nothing once the consent is proven, and names nobody at the end."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from html import unescape

from activities.mail_content import PACK_FILE
from contracts import rules
from contracts.go_live import Wait
from contracts.links import LinkPurpose
from contracts.orders import OrderRefusal
from local import loopback
from local.browser import Browser
from tests.attacks.test_identity import OTHER_TENANT, lie
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Person
from tests.set_up_page import personal_link
from web.forms import TICKED
from wording.orders import REFUSED
from wording.setup_page import NO_PACK, SIGN_IN_FIRST


async def test_a_link_of_an_ended_go_live_names_nobody_and_orders_nothing(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.go_live()
    page = personal_link(cluster, organisation, LinkPurpose.SETUP)
    contacts = "SELECT count(*) AS n FROM golive.contact WHERE address = :address"
    stranger = f"mallory@{organisation.domain}"

    def come() -> None:
        with loopback.client(base_url=cluster.endpoints.web, timeout=LONGEST_WAIT) as http:
            shown = http.get(page)
            assert shown.status_code == 200
            for named in (organisation.contact, organisation.second_contact, "Ira Tee"):
                assert named not in shown.text
            assert "2 people" in shown.text
            # Who signs in with the tenant is told the names, and that is all that is offered.
            assert re.findall(r'<form[^>]* action="([^"]+)"', shown.text) == [f"{page}/sign-in"]
            token = re.search(r'name="form_token" value="(\w+)"', http.get("/login").text)
            assert token is not None
            form = {
                "form_token": token.group(1),
                "name": "Mallory",
                "address": stranger,
                "by_a_person": TICKED,
            }
            for path in ("contact", "acknowledge"):
                refused = http.post(f"{page}/{path}", data=form)
                assert refused.status_code == 409
                assert REFUSED[OrderRefusal.ENDED] in refused.text
            pack = http.get(f"{page}/{PACK_FILE}")
            assert NO_PACK in pack.text
        with Browser() as browser:
            browser.open(f"{cluster.endpoints.web}{page}")
            browser.press("Login with SSO")
            browser.press("Sign in", login=organisation.administrator)
            assert organisation.contact in browser.text
            assert "Name this contact" not in browser.text

    await asyncio.to_thread(come)
    assert [row.n for row in cluster.rows(contacts, address=stranger)] == [0]


async def test_after_the_consent_the_link_alone_changes_nothing(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(Person("anna"))
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    before = organisation.standing()
    page = f"{cluster.endpoints.web}{personal_link(cluster, organisation, LinkPurpose.SETUP)}"
    later = f"{datetime.now(UTC) + timedelta(days=20):%Y-%m-%dT10:00}"
    stranger = f"mallory@{organisation.domain}"

    def contacts() -> int:
        found = "SELECT count(*) AS n FROM golive.contact WHERE address = :address"
        return int(cluster.rows(found, address=stranger)[0].n)

    def refused(browser: Browser) -> None:
        """Send both forms as they were before the consent."""
        for path, form in (
            ("contact", {"name": "Mallory", "address": stranger}),
            ("acknowledge", {"move_at": later, "by_a_person": TICKED}),
        ):
            own = {"form_token": browser._page.forms[0].fields["form_token"]}
            answer = browser._http.post(f"{page}/{path}", data=own | form)
            assert answer.status_code == 403
            assert SIGN_IN_FIRST in unescape(answer.text)

    def come() -> None:
        with Browser() as browser:
            browser.open(page)
            forms = [form.action.rpartition("/")[2] for form in browser._page.forms]
            assert forms == ["sign-in"]
            refused(browser)
            # Somebody of another tenant signs in.
            lie(organisation, claims={"tid": OTHER_TENANT})
            browser.press("Login with SSO")
            browser.press("Sign in", login=organisation.address("anna"))
            assert browser.status == 403
            browser.open(page)
            refused(browser)
            assert contacts() == 0
            browser.press("Login with SSO")
            assert browser.url == page
            browser.press("Name this contact", name="Mallory", address=stranger)
            assert browser.status == 200
            assert contacts() == 1
            # The page does not offer to sign in any more, so that form leads nowhere else.
            own = {"form_token": browser._page.forms[0].fields["form_token"]}
            answer = browser._http.post(f"{page}/sign-in", data=own, follow_redirects=False)
            assert answer.status_code == 303
            assert page.endswith(answer.headers["location"])
            with Browser() as another:
                another.open(page)
                refused(another)
            cluster.rows(
                "UPDATE golive.authorization_request SET used_at = used_at - :by "
                "WHERE purpose = 'setup'",
                by=timedelta(hours=rules.SETUP_SIGN_IN_HOURS),
            )
            browser.open(page)
            refused(browser)
            # Its owner has asked for a new link; who holds the old one signs in once more.
            own = {"form_token": browser._page.forms[0].fields["form_token"]}
            cluster.rows(
                "UPDATE golive.personal_link SET version = version + 1 "
                "WHERE go_live_id = :g AND purpose = 'setup'",
                g=before.go_live_id,
            )
            other = f"{cluster.endpoints.web}/auth/microsoft/other-account"
            browser._show(browser._http.post(other, data=own))
            browser.press("Sign in", login=organisation.address("anna"))
            assert browser.url == page, "the newer link is shown to whoever held the old one"
            assert "Who we write to" not in browser.text

    await asyncio.to_thread(come)
    after = organisation.standing()
    assert before.progress is not None
    assert after.progress is not None
    assert before.progress.due_at == after.progress.due_at
    trail = [action for _, action, _ in organisation.audit()]
    assert trail.count("setup_signed_in") == 2
    assert trail.count("second_contact_named") == 1
    await organisation.handle.cancel()

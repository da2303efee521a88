"""What customer success reads in the console where an order is not carried out."""

import asyncio
from html import unescape
from uuid import uuid4

from playwright.async_api import Page, expect

from contracts.go_live import Wait
from contracts.orders import Role
from tests.attacks.test_staff_roles import console
from tests.cluster import Cluster, Person
from tests.web.conftest import assert_accessible, sign_in_to_console
from wording.console import DONE, ORDER_WORDS

SUBMIT = """([path, fields]) => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = path;
    const own = {form_token: document.querySelector("input[name=form_token]").value};
    for (const [name, value] of Object.entries({...fields, ...own})) {
        const input = document.createElement("input");
        input.name = name;
        input.value = value;
        form.append(input);
    }
    document.body.append(form);
    form.submit();
}"""
"""As a page does that was opened before: its button may be gone by now."""


async def refusal(page: Page, path: str, **fields: str) -> str:
    """Send a form of a page that was opened earlier, and return what is to be read then."""
    async with page.expect_navigation():
        await page.evaluate(SUBMIT, [path, fields])
    problem = page.get_by_role("alert")
    await expect(problem).to_have_count(1)
    return await problem.inner_text()


async def test_every_refusal_is_whole_sentences_and_names_what_helps(
    cluster: Cluster, page: Page
) -> None:
    organisation = cluster.create_organisation(Person("anna"), sso_included="no")
    other = cluster.create_organisation(sso_included="no")
    await organisation.start()
    await organisation.until(Wait.ENTITLEMENT)
    await sign_in_to_console(page)
    here, elsewhere = f"/console/{organisation.slug}", f"/console/{other.slug}"
    await page.goto(here)
    (user,) = cluster.rows(
        "SELECT u.id FROM pulse.app_user u WHERE u.address = :address",
        address=organisation.address("anna"),
    )
    anna = f"{here}/users/{user.id}"
    domain = organisation.domain
    order_id = str(uuid4())
    said = [
        await refusal(page, f"{here}/resume"),
        await refusal(page, f"{here}/roll-back", reason=" "),
        await refusal(page, f"{here}/approve", plan_hash="1a2b3c4d"),
        await refusal(page, f"{here}/approve"),
        await refusal(page, f"{here}/acknowledge", until="tomorrow"),
        await refusal(page, f"{here}/owner", handle="mallory"),
        await refusal(page, f"{here}/contacts", name="Ira", address="nonsense"),
        await refusal(
            page, f"{here}/contacts", name="Ira", address="a@b.example", instead_of="c@d"
        ),
        await refusal(page, f"{here}/domains", domain="other.example", reason="wrong"),
        await refusal(page, f"{here}/domains", domain=domain, reason="wrong"),
        await refusal(page, f"{here}/plan"),
        await refusal(page, f"{here}/requests/{order_id}/confirm"),
        await refusal(page, f"{anna}/link", object_id="6f9c", reason="the right one"),
        await refusal(page, f"{anna}/exclude"),
    ]
    await page.goto(elsewhere)
    said.append(await refusal(page, f"{elsewhere}/pause"))
    await assert_accessible(page)
    contacts = f"{organisation.contact}, {organisation.second_contact}"
    assert said == [
        "This go-live is not paused.",
        "Please say why; it goes into the audit trail.",
        "No plan waits for approval now.",
        "This form named no plan. Read the plan shown here, then approve.",
        "“tomorrow” is not a date and hour, such as 2026-12-31T09:00.",
        "Nobody of ours has the handle “mallory”. Choose one from the list; a new one comes "
        "with an import.",
        "This is not a complete e-mail address, such as ira.tee@acme.example.",
        f"There is no IT contact “c@d” here. The contacts are: {contacts}.",
        f"“other.example” is not on the list. The domains are: {domain}.",
        f"{domain} is the only domain here, so it stays. Another one comes with an import.",
        "Nobody has consented yet, so the Microsoft directory cannot be read. A dry run can "
        "be made once the administrator's consent is proven.",
        "No such order waits for a second person.",
        "“6f9c” is no object id. It looks like 6f9c3c1e-2c1f-4b43-9a80-0a6c9d0e7f11; customer IT "
        "finds the object id in Microsoft Entra on the user's page.",
        "Please say why; it goes into the audit trail.",
        "No go-live runs here that could take the order. “Start the go-live” goes on with the open "
        "one, or begins another.",
    ]


async def test_a_second_start_is_not_said_to_have_started_anything(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(sso_included="no")
    await organisation.start()
    await organisation.until(Wait.ENTITLEMENT)

    def start_again() -> str:
        with console(cluster, Role.MANAGER) as (http, form):
            return unescape(http.post(f"/console/{organisation.slug}/start", data=form).text)

    said = await asyncio.to_thread(start_again)
    assert DONE["started-before"] in said
    assert ORDER_WORDS["start"].done not in said
    await organisation.handle.cancel()

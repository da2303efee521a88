"""The console: who gets in, what the list and one organisation show, and every order."""

from collections.abc import Awaitable, Callable

from playwright.async_api import BrowserContext, Download, Page, expect
from playwright.async_api._generated import AsyncEventContextManager

from contracts.go_live import Wait
from starter import app
from tests.cluster import Cluster, Person
from tests.web.conftest import assert_accessible, sign_in_to_console
from tests.web.test_journeys import link_in_mail
from web.console.orders import CONSOLE_ORDERS


async def test_customer_success_signs_in_and_sees_the_organisations(
    cluster: Cluster, page: Page
) -> None:
    organisation = cluster.create_organisation()
    await sign_in_to_console(page)
    await expect(page.get_by_role("heading", name="Organisations")).to_be_visible()
    await assert_accessible(page)
    await page.get_by_label("Search by name").fill(organisation.slug)
    await page.get_by_role("button", name="Search").click()
    await expect(page.get_by_role("row")).to_have_count(2)
    await page.get_by_role("link", name=organisation.slug.title()).click()
    await expect(page.get_by_text("Nobody has started a go-live yet.")).to_be_visible()
    await assert_accessible(page)


async def test_whoever_has_no_role_gets_a_calm_refusal(cluster: Cluster, page: Page) -> None:
    await sign_in_to_console(page, "erin@clientshare.example")
    await expect(page.get_by_text("it has none of the roles")).to_be_visible()
    await assert_accessible(page)
    await page.goto("/console")
    await expect(page.get_by_role("heading", name="Customer success console")).to_be_visible()


async def test_an_order_given_in_the_console_shows_by_itself(
    cluster: Cluster, somebody: Callable[..., Awaitable[BrowserContext]]
) -> None:
    organisation = cluster.create_organisation(sso_included="no")
    first = await somebody()
    page, watching = await first.new_page(), await first.new_page()
    await sign_in_to_console(page)
    for one in (page, watching):
        await one.goto(f"/console/{organisation.slug}")
    await page.get_by_text("Start the go-live").first.click()
    await page.get_by_role("button", name="Start the go-live").click()
    await expect(page.get_by_role("status")).to_have_text("The go-live is started.")
    await organisation.until(Wait.ENTITLEMENT)
    await expect(watching.get_by_text("does not include SSO today")).to_be_visible()
    # The form came into the page by itself; its id was there before.
    hidden = watching.locator("input[form=order-decline-entitlement]")
    order_id = await hidden.get_attribute("value")
    await watching.get_by_text("Decline the entitlement").first.click()
    await assert_accessible(watching)
    await watching.get_by_role("textbox", name="Reason").fill("Not in this year's agreement.")
    await watching.get_by_role("button", name="Decline the entitlement").click()
    await expect(page.get_by_text("NOT_ENTITLED").first).to_be_visible()
    assert ("dana", "decline_entitlement", "Not in this year's agreement.") in organisation.audit()
    given = cluster.rows(
        "SELECT action FROM golive.audit_entry WHERE order_id = CAST(:id AS uuid)", id=order_id
    )
    assert [row.action for row in given] == ["decline_entitlement"]


READ_ON_PAGES = {"list", "status", "watch", "explain", "exceptions", "plan", "rehearse"}
DECIDED_ON_PAGES = {"link", "exclude", "include", "remove-domain"}
CONFIRMED_ON_PAGES = {"confirm"}
PEOPLE = {"hand-over", "contact", "remove-contact", "resend"}
FILES = {"import"}
ONLY_IN_THE_SHELL = {
    *("setup", "check-settings", "verify-registration", "forget", "staff-address", "unbind-staff")
}
"""They concern the whole installation, or cannot be undone."""


def test_the_console_has_every_order_of_the_shell() -> None:
    commands = {
        one.name or str(one.callback and one.callback.__name__) for one in app.registered_commands
    }
    on_pages = {*READ_ON_PAGES, *DECIDED_ON_PAGES, *CONFIRMED_ON_PAGES, *PEOPLE, *FILES}
    assert commands == {*CONSOLE_ORDERS, *on_pages, *ONLY_IN_THE_SHELL}


async def test_a_plan_is_looked_at_decided_about_and_approved(cluster: Cluster, page: Page) -> None:
    organisation = cluster.create_organisation(
        Person("anna"),
        Person("carla", in_directory=False),
        Person("dora", in_directory=False),
        exception_threshold="0",
    )
    dora_at_microsoft = organisation.people[-1].object_id
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await sign_in_to_console(page)
    await page.goto(f"/console/{organisation.slug}/schedule")
    await expect(page.get_by_text("Consent reminder").first).to_be_visible()
    await assert_accessible(page)
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    await organisation.skip_to_due()
    await organisation.until(Wait.APPROVAL)

    await page.goto(f"/console/{organisation.slug}")
    await page.get_by_role("button", name="Make a dry run").click()
    await expect(page.get_by_text("1 of 3 users can move")).to_be_visible()
    await assert_accessible(page)
    async with page.expect_download() as every_user:
        await page.get_by_role("button", name="Download every user").click()
    assert (await lines_of(every_user))[0].startswith("address,name")

    await page.goto(f"/console/{organisation.slug}")
    async with page.expect_download() as exceptions:
        await page.get_by_role("link", name="Download all of them").click()
    assert len(await lines_of(exceptions)) == 3
    await page.get_by_role("link", name="Carla").click()
    await page.get_by_text("Leave out of the move").click()
    await page.get_by_role("textbox", name="Reason").fill("Has left the company.")
    await assert_accessible(page)
    await page.get_by_role("button", name="Leave this user out").click()
    await expect(page.get_by_role("status")).to_contain_text("This user is left out")
    await assert_accessible(page)

    await page.goto(f"/console/{organisation.slug}")
    await page.get_by_text("Decide about one user").click()
    await page.get_by_label("The user's e-mail address").fill(organisation.address("dora"))
    await page.get_by_role("button", name="Show this user").click()
    await page.get_by_text("Link to a Microsoft account").click()
    await page.get_by_label("Microsoft's object id").fill("not an id")
    await page.get_by_role("textbox", name="Reason").fill("Told by their IT.")
    await page.get_by_role("button", name="Link to this account").click()
    await expect(page.get_by_role("alert")).to_contain_text("is no object id")
    await assert_accessible(page)
    await page.get_by_label("Microsoft's object id").fill(dora_at_microsoft)
    await page.get_by_role("textbox", name="Reason").fill("Told by their IT.")
    await page.get_by_role("button", name="Link to this account").click()
    await expect(page.get_by_role("status")).to_contain_text("linked to the account you named")
    await page.get_by_text("Take the decision back").click()
    await page.get_by_role("textbox", name="Reason").fill("The wrong one.")
    await page.get_by_role("button", name="Take it back").click()
    await expect(page.get_by_role("status")).to_contain_text("The directory decides")

    before = organisation.progress.plan_hash
    await page.goto(f"/console/{organisation.slug}")
    await expect(page.get_by_text("choose “Plan again”")).to_be_visible()
    await page.get_by_text("Plan again", exact=True).first.click()
    await page.get_by_role("button", name="Plan again").click()
    await organisation.until(
        lambda now: now.wait is Wait.APPROVAL and now.plan_hash not in {None, before}
    )
    await page.goto(f"/console/{organisation.slug}")
    await page.get_by_text("Approve the plan").first.click()
    await page.get_by_role("button", name="Approve the plan").click()
    await expect(page.get_by_role("status")).to_contain_text("The plan is approved")
    await organisation.until(lambda now: now.users_done == 1)
    told = {(who, what, why) for who, what, why in organisation.audit()}
    assert ("dana", "exclude_user", "Has left the company.") in told
    assert ("dana", "include_user", "The wrong one.") in told


async def lines_of(download: AsyncEventContextManager[Download]) -> list[str]:
    path = await (await download.value).path()
    return path.read_text(encoding="utf-8-sig").splitlines()


async def test_a_wrong_domain_is_taken_off_and_an_unknown_user_is_said_to_be(
    cluster: Cluster, page: Page
) -> None:
    organisation = cluster.create_organisation()
    wrong = f"wrong.{organisation.domain}"
    cluster.import_organisation(organisation, domains=f"{organisation.domain};{wrong}")
    await sign_in_to_console(page)
    await page.goto(f"/console/{organisation.slug}")
    await page.get_by_text("Take one off the list").click()
    await page.get_by_label("Domain", exact=True).select_option(wrong)
    await page.get_by_role("textbox", name="Reason").last.fill("Mistyped.")
    await assert_accessible(page)
    await page.get_by_role("button", name="Take this domain off").click()
    await expect(page.get_by_role("status")).to_contain_text("off the list")
    await expect(page.get_by_text(wrong)).to_have_count(0)
    await page.get_by_text("Decide about one user").click()
    await page.get_by_label("The user's e-mail address").fill("nobody@nowhere.example")
    await page.get_by_role("button", name="Show this user").click()
    await expect(page.get_by_role("alert")).to_have_text("Nobody here has this address.")
    await assert_accessible(page)


async def test_who_looks_after_an_organisation_changes_in_the_console(
    cluster: Cluster, page: Page
) -> None:
    cluster.create_organisation(
        customer_success_handle="omar", customer_success_email="omar@clientshare.example"
    )
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await sign_in_to_console(page)
    await page.goto(f"/console/{organisation.slug}")
    await page.get_by_text("Hand over").click()
    await page.get_by_label("To", exact=True).select_option("omar")
    await page.get_by_role("textbox", name="Reason").first.fill("Dana is on leave.")
    await assert_accessible(page)
    await page.get_by_role("button", name="Hand it over").click()
    await expect(page.get_by_role("status")).to_contain_text("handed over")
    await expect(page.get_by_text("managed by omar")).to_be_visible()

    await page.get_by_text("Name an IT contact").click()
    await page.get_by_label("Name", exact=True).fill("Zoe New")
    await page.get_by_label("E-mail address", exact=True).fill(organisation.address("zoe"))
    await page.get_by_label("Instead of").select_option(organisation.second_contact)
    await assert_accessible(page)
    await page.get_by_role("button", name="Name this contact").click()
    await expect(page.get_by_role("status")).to_contain_text("The contact is noted")
    await expect(page.get_by_text("Otto Tee")).to_have_count(0)
    await link_in_mail(organisation, organisation.address("zoe"), "setup")

    await page.get_by_text("Has left: Zoe New").click()
    await page.get_by_role("button", name="Write to this contact no more").click()
    await expect(page.get_by_role("status")).to_contain_text("no more mail")
    told = {(who, what) for who, what, _ in organisation.audit()}
    assert {("dana", "owner_changed"), ("dana", "contact_removed")} <= told

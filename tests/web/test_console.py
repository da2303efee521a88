"""The console: who gets in, what the list and one organisation show, and every order."""

from collections.abc import Awaitable, Callable

from playwright.async_api import BrowserContext, Page, expect

from contracts.go_live import Wait
from tests.town import Town
from tests.web.conftest import assert_accessible, sign_in_to_console


async def test_customer_success_signs_in_and_sees_the_organisations(town: Town, page: Page) -> None:
    organisation = town.found_organisation()
    await sign_in_to_console(page)
    await expect(page.get_by_role("heading", name="Organisations")).to_be_visible()
    await assert_accessible(page)
    await page.get_by_label("Search by name").fill(organisation.slug)
    await page.get_by_role("button", name="Search").click()
    await expect(page.get_by_role("row")).to_have_count(2)
    await page.get_by_role("link", name=organisation.slug.title()).click()
    await expect(page.get_by_text("Nobody has started a go-live yet.")).to_be_visible()
    await assert_accessible(page)


async def test_whoever_has_no_role_gets_a_calm_refusal(town: Town, page: Page) -> None:
    await sign_in_to_console(page, "erin@clientshare.example")
    await expect(page.get_by_text("does not have the role")).to_be_visible()
    await assert_accessible(page)
    await page.goto("/console")
    await expect(page.get_by_role("heading", name="Customer success console")).to_be_visible()


async def test_an_order_given_in_the_console_shows_by_itself(
    town: Town, somebody: Callable[..., Awaitable[BrowserContext]]
) -> None:
    organisation = town.found_organisation(sso_included="no")
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
    await watching.get_by_text("Decline the entitlement").first.click()
    await assert_accessible(watching)
    await watching.get_by_role("textbox", name="Reason").fill("Not in this year's agreement.")
    await watching.get_by_role("button", name="Decline the entitlement").click()
    await expect(page.get_by_text("NOT_ENTITLED").first).to_be_visible()
    assert ("dana", "decline_entitlement", "Not in this year's agreement.") in organisation.audit()

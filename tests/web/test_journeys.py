"""What people do from a mail to the end, in a real browser."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from playwright.async_api import BrowserContext, Page, expect

from contracts.go_live import Attention, GoLiveOutcome, Refusal, Wait
from local import loopback
from tests.administrators import waiting_for_consent
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation, Person
from tests.web.conftest import assert_accessible, at_microsoft, sign_in_to_console
from wording import sentences
from wording.refusals import REFUSALS

Somebody = Callable[..., Awaitable[BrowserContext]]


async def link_in_mail(
    organisation: Organisation, address: str, path: str, *, other_than: str = ""
) -> str:
    """The newest link of a kind in somebody's mailbox, as soon as it is there."""
    places = organisation.cluster.endpoints
    wanted = re.compile(rf"{re.escape(places.web)}/{path}/\S+")

    def look() -> str | None:
        for mail in reversed(organisation.received(address)):
            shown = loopback.get(
                f"{places.mailbox}/api/messages/{mail['id']}", timeout=LONGEST_WAIT
            )
            found = wanted.search(shown.json()["text"])
            if found and found.group() != other_than:
                return found.group()
        return None

    async with asyncio.timeout(LONGEST_WAIT):
        while (link := await asyncio.to_thread(look)) is None:
            await asyncio.sleep(0.05)
    return link


async def consent_link(organisation: Organisation) -> str:
    return await link_in_mail(organisation, organisation.contact, "consent")


async def consent(page: Page, organisation: Organisation, link: str) -> None:
    await page.goto(link)
    await page.get_by_role("button", name="Login with SSO and consent").click()
    await at_microsoft(page, organisation.administrator)
    await page.get_by_role("button", name="Accept").click()


async def moved(organisation: Organisation) -> None:
    """The first users have moved; of few users, that is everyone."""
    await organisation.until(
        lambda now: now.wait in {Wait.FIRST_SIGN_IN, Wait.AFTERCARE} or now.outcome is not None
    )


async def test_from_the_mail_to_live(cluster: Cluster, somebody: Somebody) -> None:
    organisation = await waiting_for_consent(
        cluster, Person("anna", group="pilot"), Person("ben"), Person("nora", status="invited")
    )
    administrator = await (await somebody()).new_page()
    link = await consent_link(organisation)
    await administrator.goto(link)
    await assert_accessible(administrator)
    await consent(administrator, organisation, link)
    # Each check shows as it comes through, without a reload.
    await expect(administrator.locator("li.done")).to_have_count(4)
    await assert_accessible(administrator)

    it_team = await (await somebody()).new_page()
    await it_team.goto(await link_in_mail(organisation, organisation.contact, "setup"))
    await expect(it_team.locator("li.done")).to_have_count(4)
    await assert_accessible(it_team)

    await organisation.until(Wait.MOVE_DATE)
    await organisation.skip_to_due()
    await moved(organisation)
    user = await (await somebody()).new_page()
    await log_in_with_sso(user, organisation.address("anna"))
    await expect(user.get_by_text("with Microsoft single sign-on")).to_be_visible()
    await assert_accessible(user)
    assert (await organisation.ended()).outcome is GoLiveOutcome.LIVE
    # The page shows the end by itself.
    await expect(it_team.get_by_text("The organisation is live on SSO.")).to_be_visible()

    invited = await (await somebody()).new_page()
    invitation = await link_in_mail(organisation, organisation.address("nora"), "invitation")
    await invited.goto(invitation)
    await expect(invited.get_by_role("heading")).to_have_text("Welcome, Nora")
    await assert_accessible(invited)
    await invited.get_by_role("button", name="Login with SSO").click()
    await at_microsoft(invited, organisation.address("nora"))
    await expect(invited.get_by_role("heading", name="Welcome, Nora")).to_be_visible()
    assert organisation.user("nora")["status"] == "active"
    await invited.goto(invitation)
    await expect(invited.get_by_text("already used")).to_be_visible()
    await assert_accessible(invited)


async def log_in_with_sso(page: Page, address: str) -> None:
    await page.goto("/login")
    await page.get_by_label("Your work e-mail address").fill(address)
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name="Login with SSO").click()
    await at_microsoft(page, address)


async def test_whoever_is_not_the_administrator_hands_the_link_on(
    cluster: Cluster, somebody: Somebody
) -> None:
    organisation = await waiting_for_consent(cluster)
    contact = await (await somebody()).new_page()
    first_link = await consent_link(organisation)
    await contact.goto(first_link)
    await contact.get_by_text("You are not the administrator?").click()
    await assert_accessible(contact)
    await contact.get_by_role("link", name="Hand this to the administrator").click()
    await assert_accessible(contact)
    await contact.get_by_label("I hand it on").check()
    await contact.get_by_role("button", name="Make the message").click()
    await expect(contact.get_by_role("heading", name="Forward this")).to_be_visible()
    await assert_accessible(contact)
    message = await contact.get_by_label("The message").input_value()
    found = re.search(rf"{re.escape(cluster.endpoints.web)}/consent/\S+", message)
    assert found is not None
    second_link = found.group()
    assert second_link != first_link

    # Back and once more is the same click: the same link, nothing twice.
    await contact.go_back()
    await contact.goto(first_link.replace("/consent/", "/hand-off/"))
    await expect(contact.get_by_text("replaced by a newer one")).to_be_visible()
    await assert_accessible(contact)

    administrator = await (await somebody()).new_page()
    await consent(administrator, organisation, second_link)
    await expect(administrator.locator("li.done")).to_have_count(4)
    await organisation.until(Wait.MOVE_DATE)
    actions = [action for _, action, _ in organisation.audit()]
    assert actions.count("consent_link_revoked") == actions.count("consent_handed_off") == 1


async def test_an_expired_link_is_renewed_with_one_click(cluster: Cluster, page: Page) -> None:
    organisation = await waiting_for_consent(cluster)
    link = await consent_link(organisation)
    cluster.rows(
        "UPDATE golive.personal_link SET expires_at = now() - interval '1 minute' "
        "WHERE go_live_id = :g",
        g=organisation.standing().go_live_id,
    )
    await page.goto(link)
    await expect(page.get_by_text("This link has expired.")).to_be_visible()
    await assert_accessible(page)
    await page.get_by_role("button", name="Send me a new link").click()
    await expect(page.get_by_role("heading", name="A new link is on its way")).to_be_visible()
    await assert_accessible(page)
    new_link = await link_in_mail(organisation, organisation.contact, "consent", other_than=link)
    await page.goto(link)
    await expect(page.get_by_text("replaced by a newer one")).to_be_visible()
    await consent(page, organisation, new_link)
    await expect(page.locator("li.done")).to_have_count(4)


async def test_a_declined_consent_leads_back_to_the_consent(cluster: Cluster, page: Page) -> None:
    organisation = await waiting_for_consent(cluster)
    await page.goto(await consent_link(organisation))
    await page.get_by_role("button", name="Login with SSO and consent").click()
    await at_microsoft(page, organisation.administrator)
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_text("The consent was declined.")).to_be_visible()
    await assert_accessible(page)
    await organisation.until(lambda now: now.refusal is not None)
    await page.get_by_role("link", name="Consent for the organisation").click()
    await page.get_by_role("button", name="Login with SSO and consent").click()
    await page.get_by_role("button", name="Accept").click()
    await expect(page.locator("li.done")).to_have_count(4)


async def test_a_consent_for_oneself_only_leads_to_the_organisation_wide_page(
    cluster: Cluster, page: Page
) -> None:
    organisation = await waiting_for_consent(cluster)
    await page.goto(await consent_link(organisation))
    await page.get_by_role("button", name="Login with SSO and consent").click()
    (state,) = parse_qs(urlsplit(page.url).query)["state"]
    # Whoever writes the callback by hand meets the ordinary sign-in prompt, its box off.
    tenant = organisation.tenant_id
    await page.goto(f"/consent/callback?admin_consent=True&tenant={tenant}&state={state}")
    await at_microsoft(page, organisation.administrator)
    await expect(page.get_by_text("Consent on behalf of your organization")).to_be_visible()
    await page.get_by_role("button", name="Accept").click()
    await organisation.until(Wait.MICROSOFT)
    await organisation.skip(timedelta(minutes=16))
    await organisation.until(lambda now: now.attention is Attention.SELF_ONLY)
    await page.goto("/consent/progress")
    await expect(page.get_by_text(REFUSALS[Refusal.SELF_ONLY].happened)).to_be_visible()
    await assert_accessible(page)
    await page.get_by_role("button", name="Consent for the organisation").click()
    await page.get_by_role("button", name="Accept").click()
    await organisation.until(Wait.MOVE_DATE)


async def test_the_it_team_chooses_the_date_and_a_second_contact(
    cluster: Cluster, page: Page
) -> None:
    organisation = await waiting_for_consent(cluster, time_zone="Europe/Vienna")
    await page.goto(await link_in_mail(organisation, organisation.contact, "setup"))
    await page.get_by_label("Date and hour of the move").fill("2020-01-02T09:00")
    await page.locator("form").first.evaluate("form => form.noValidate = true")
    await page.get_by_label("I decide this for").check()
    await page.get_by_role("button", name="We have read the pack").click()
    await expect(page.get_by_role("alert")).to_contain_text("lies in the past")
    await assert_accessible(page)
    await page.get_by_label("Date and hour of the move").fill("9999-12-31T23:59")
    await page.locator("form").first.evaluate("form => form.noValidate = true")
    await page.get_by_label("I decide this for").check()
    await page.get_by_role("button", name="We have read the pack").click()
    await expect(page.get_by_role("alert")).to_contain_text("more than 366 days away")
    chosen = datetime.now(ZoneInfo("Europe/Vienna")).replace(
        hour=7, minute=30, second=0, microsecond=0
    ) + timedelta(days=90)
    await page.get_by_label("Date and hour of the move").fill(f"{chosen:%Y-%m-%dT%H:%M}")
    await page.get_by_label("I decide this for").check()
    await page.get_by_role("button", name="We have read the pack").click()
    await expect(page.get_by_role("status")).to_contain_text("you are ready")
    await expect(page.get_by_text(sentences.instant(chosen)).first).to_be_visible()
    await page.get_by_text("second contact").first.click()
    await page.get_by_label("Name", exact=True).fill("Zoe Second")
    await page.get_by_label("Work e-mail address").fill("zoe@elsewhere.example")
    await page.get_by_role("button", name="Name this contact").click()
    await expect(page.get_by_role("alert")).to_contain_text("one of your organisation's own")
    await page.get_by_label("Work e-mail address").fill(organisation.address("zoe"))
    await page.get_by_role("button", name="Name this contact").click()
    await expect(page.get_by_text("Zoe Second")).to_be_visible()
    await assert_accessible(page)
    actions = [action for _, action, _ in organisation.audit()]
    assert "second_contact_named" in actions
    await page.get_by_role("link", name="Open the consent page").click()
    await expect(page.get_by_role("heading", name="Connect")).to_be_visible()
    await consent(page, organisation, page.url)
    progress = await organisation.until(Wait.MOVE_DATE)
    assert progress.due_at is not None
    assert progress.due_at == chosen


async def test_a_user_is_logged_out_and_comes_back_with_one_button(
    cluster: Cluster, page: Page
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"), Person("ben"))
    await asyncio.to_thread(give_password, cluster, organisation, "anna", "correct horse battery")
    await page.goto("/login")
    await page.get_by_label("Your work e-mail address").fill(organisation.address("anna"))
    await page.get_by_role("button", name="Continue").click()
    await assert_accessible(page)
    await page.get_by_label("Password").fill("not this one")
    await page.get_by_role("button", name="Log in", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("not right")
    await assert_accessible(page)
    await page.get_by_label("Password").fill("correct horse battery")
    await page.get_by_role("button", name="Log in", exact=True).click()
    await expect(page.get_by_text("with your password")).to_be_visible()
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    await organisation.skip_to_due()
    await moved(organisation)
    await page.reload()
    await expect(page.get_by_text("your organisation now uses Microsoft")).to_be_visible()
    await assert_accessible(page)
    await page.get_by_role("button", name="Login with SSO").click()
    await at_microsoft(page, organisation.address("anna"))
    await expect(page.get_by_role("heading", name="Welcome, Anna")).to_be_visible()
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_text("You are logged out.")).to_be_visible()


def give_password(cluster: Cluster, organisation: Organisation, name: str, password: str) -> None:
    from argon2 import PasswordHasher

    cluster.rows(
        "INSERT INTO pulse.password (user_id, argon2) VALUES (:u, :a)",
        u=organisation.user(name)["id"],
        a=PasswordHasher().hash(password),
    )


async def test_the_console_starts_watches_and_rolls_back(cluster: Cluster, page: Page) -> None:
    organisation = cluster.create_organisation()
    await sign_in_to_console(page)
    await page.goto(f"/console/{organisation.slug}")
    await page.get_by_text("Start the go-live").first.click()
    await page.get_by_role("button", name="Start the go-live").click()
    await organisation.until(Wait.ADMIN_CONSENT)
    await expect(page.locator("li.done")).to_have_count(3)
    await page.get_by_text("Roll back").first.click()
    await page.get_by_role("textbox", name="Reason").last.fill("The customer changed its mind.")
    await assert_accessible(page)
    await page.get_by_role("button", name="Roll back").click()
    await expect(page.get_by_role("status")).to_contain_text("being rolled back")
    await expect(page.get_by_text("people log in with their password again")).to_be_visible()
    assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK
    assert ("dana", "roll_back", "The customer changed its mind.") in organisation.audit()


async def test_the_keyboard_alone_completes_a_consent(cluster: Cluster, page: Page) -> None:
    organisation = await waiting_for_consent(cluster)
    await page.goto(await consent_link(organisation))
    await press_with_keyboard(page, "Login with SSO and consent")
    field = page.locator("input[name=login]")
    await expect(field).to_be_visible()
    while not await field.evaluate("it => it === document.activeElement"):
        await page.keyboard.press("Tab")
    await page.keyboard.type(organisation.administrator)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Accept")).to_be_visible()
    await press_with_keyboard(page, "Accept")
    await expect(page.locator("li.done")).to_have_count(4)


async def press_with_keyboard(page: Page, words: str) -> None:
    button = page.get_by_role("button", name=words)
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await button.evaluate("it => it === document.activeElement"):
            await page.keyboard.press("Enter")
            return
    raise AssertionError(f"Tab does not lead to “{words}”")

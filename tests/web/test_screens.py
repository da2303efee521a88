"""Every page at a phone's and a desk's width, light and dark; `make screens` keeps the pictures."""

import base64
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import BrowserContext, FilePayload, Page

from contracts.go_live import Wait
from tests.cluster import STAFF, Cluster, Organisation, Person
from tests.web.conftest import assert_accessible, at_microsoft, sign_in_to_console
from tests.web.test_journeys import consent_link, link_in_mail, moved

FOLDER = os.environ.get("SCREENS")
Somebody = Callable[..., Awaitable[BrowserContext]]
VIEWS = {"390": (390, 844, "light"), "1440": (1440, 900, "light"), "dark": (390, 844, "dark")}


class Album:
    """Looks at a page in every view: nothing wider than the screen, nothing inaccessible."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def look(self, name: str) -> None:
        # A click may still be leading to it.
        await self.page.wait_for_load_state("networkidle")
        for view, (width, height, colours) in VIEWS.items():
            await self.page.set_viewport_size({"width": width, "height": height})
            await self.page.emulate_media(color_scheme=colours, reduced_motion="reduce")
            wide = await self.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{name} is {wide} px wide on a screen of {width} px"
            await assert_accessible(self.page)
            if FOLDER and view != "dark":
                await self._keep(Path(FOLDER) / f"{name}-{view}.png", width, height)

    async def _keep(self, path: Path, width: int, height: int) -> None:
        # The whole page, so that a button below the first screen is on it too. A picture of a
        # desk's screen at two thirds keeps the repository small.
        whole = await self.page.evaluate("document.documentElement.scrollHeight")
        chromium = await self.page.context.new_cdp_session(self.page)
        metrics = {
            "width": width,
            "height": max(height, whole),
            "deviceScaleFactor": 0.66 if width > 1000 else 1,
            "mobile": False,
        }
        await chromium.send("Emulation.setDeviceMetricsOverride", metrics)
        picture = await chromium.send("Page.captureScreenshot", {"format": "png"})
        path.write_bytes(base64.b64decode(picture["data"]))
        await chromium.send("Emulation.clearDeviceMetricsOverride")
        await chromium.detach()


async def test_every_page_fits_and_is_accessible_at_each_width(
    cluster: Cluster, somebody: Somebody
) -> None:
    woodgrove = await prepared(cluster)
    page = await (await somebody()).new_page()
    album = Album(page)

    await page.goto("/login")
    await album.look("login")
    await page.get_by_label("Your work e-mail address").fill(woodgrove.address("anna"))
    await page.get_by_role("button", name="Continue").click()
    await album.look("ways-in")
    await page.get_by_role("button", name="Login with SSO").click()
    await album.look("who-are-you")
    await page.goto("/nothing/here")
    await album.look("not-found")

    link = await consent_link(woodgrove)
    await page.goto(link)
    await album.look("consent")
    await page.goto(link.replace("/consent/", "/hand-off/"))
    await album.look("hand-off")
    await page.get_by_label("I hand it on").check()
    await page.get_by_role("button", name="Make the message").click()
    await album.look("hand-off-message")
    found = re.search(r"http\S+/consent/\S+", await page.get_by_label("The message").input_value())
    assert found is not None
    await page.goto(link)
    await album.look("replaced-link")
    await page.goto(await link_in_mail(woodgrove, woodgrove.contact, "setup"))
    await album.look("set-up")

    await page.goto(found.group())
    await page.get_by_role("button", name="Login with SSO and consent").click()
    await at_microsoft(page, woodgrove.administrator)
    await page.get_by_role("button", name="Accept").click()
    await page.locator("li.done").nth(3).wait_for()
    await album.look("consent-progress")
    await woodgrove.until(Wait.MOVE_DATE)
    await woodgrove.skip_to_due()
    await moved(woodgrove)

    guest = await (await somebody()).new_page()
    await guest.goto(await link_in_mail(woodgrove, woodgrove.address("nora"), "invitation"))
    await Album(guest).look("invitation")
    await guest.get_by_role("button", name="Login with SSO").click()
    await at_microsoft(guest, woodgrove.address("nora"))
    await guest.get_by_role("heading", name="Welcome, Nora").wait_for()
    await Album(guest).look("home")

    staff = await (await somebody()).new_page()
    await staff.goto("/console")
    await Album(staff).look("console-sign-in")
    await sign_in_to_console(staff)
    await staff.get_by_role("heading", name="Organisations").wait_for()
    await Album(staff).look("console")
    await staff.goto(f"/console/{woodgrove.slug}")
    await Album(staff).look("console-organisation")
    await staff.get_by_role("link", name="Carla").click()
    await staff.get_by_text("Leave out of the move").click()
    await Album(staff).look("console-user")
    await staff.goto(f"/console/{woodgrove.slug}")
    await staff.get_by_role("button", name="Make a dry run").click()
    await staff.get_by_role("heading", name="Dry run").wait_for()
    await Album(staff).look("console-dry-run")
    await staff.goto(f"/console/{woodgrove.slug}/schedule")
    await Album(staff).look("console-schedule")
    await staff.goto("/console/fabrikam")
    await staff.get_by_text("Decline the entitlement").first.click()
    await Album(staff).look("console-order")

    await staff.goto("/console/-/imports")
    await upload(staff, f"adatum,Adatum\u200b,adatum_.example,{AGREED}", "Anna,asleep")
    await staff.get_by_role("heading", name="Nothing was imported").wait_for()
    await Album(staff).look("console-import-faults")
    await upload(
        staff,
        f"adatum,Adatum,adatum.example,{AGREED}\n"
        f"woodgrove,Woodgrove Bank,{woodgrove.domain},{AGREED}",
        "Anna,active",
    )
    await staff.get_by_text("Nothing has been changed yet").wait_for()
    await Album(staff).look("console-import-preview")
    await staff.get_by_role("button", name="Import now").click()
    await staff.get_by_text("The files are imported.").wait_for()
    await Album(staff).look("console-import")
    await staff.goto("/console/adatum")
    await staff.get_by_text("Start the go-live").first.click()
    await Album(staff).look("console-start")


AGREED = (
    f"{STAFF}@clientshare.example,Ira Tee <ira@adatum.example>,yes,2026-01-01,2099-12-31,{STAFF}"
)
COLUMNS = (
    "slug,name,domains,customer_success_email,it_contacts,sso_included,agreement_start,"
    "agreement_end,customer_success_handle"
)


async def upload(page: Page, organisations: str, user: str) -> None:
    """Give the console the two files and have them checked."""
    written = {
        "Organisations": ("organisations.csv", f"{COLUMNS}\n{organisations}\n"),
        "Users": (
            "users.csv",
            f"organisation,email,display_name,status\nadatum,anna@adatum.example,{user}\n",
        ),
    }
    for label, (name, text) in written.items():
        file = FilePayload(name=name, mimeType="text/csv", buffer=text.encode())
        await page.get_by_label(label).set_input_files(file)
    await page.get_by_role("button", name="Check the files").click()


async def prepared(cluster: Cluster) -> Organisation:
    """A handful of organisations, each at another place."""
    for slug, included in (("contoso", "no"), ("fabrikam", "no"), ("tailspin", "yes")):
        other = cluster.create_organisation(slug=slug, sso_included=included)
        if slug != "contoso":
            await other.start()
    woodgrove = cluster.create_organisation(
        Person("anna"),
        Person("ben"),
        Person("carla", in_directory=False),
        Person("nora", status="invited"),
        slug="woodgrove",
    )
    await woodgrove.start(aftercare_days=14)
    await woodgrove.until(Wait.ADMIN_CONSENT)
    return woodgrove

"""A real Chromium for the tests of the pages, and people who use it."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster

CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
expect.set_options(timeout=LONGEST_WAIT * 1000)


@pytest_asyncio.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed; scripts/install_chromium.sh does it as root")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-lcd-text"],
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture
async def somebody(
    chromium: Browser, cluster: Cluster
) -> AsyncIterator[Callable[..., Awaitable[BrowserContext]]]:
    """Give a new person's browser: own cookies, own windows."""
    contexts: list[BrowserContext] = []

    async def new(**options: Any) -> BrowserContext:
        context = await chromium.new_context(base_url=cluster.endpoints.web, **options)
        context.set_default_timeout(LONGEST_WAIT * 1000)
        contexts.append(context)
        return context

    yield new
    for context in contexts:
        await context.close()


@pytest_asyncio.fixture
async def page(somebody: Callable[..., Awaitable[BrowserContext]]) -> Page:
    return await (await somebody()).new_page()


async def assert_accessible(page: Page) -> None:
    """No violation of WCAG 2.2 A and AA, nor of axe-core's best practices."""
    # axe adds itself to the page by a means the page's own policy does not bind.
    results = await Axe().run(page)
    found = [
        f"{one['id']}: {one['help']} {[node['html'][:200] for node in one['nodes']][:3]}"
        for one in results.response["violations"]
    ]
    assert not found, f"{page.url}\n" + "\n".join(found)


async def at_microsoft(page: Page, account: str) -> None:
    """Sign in on Microsoft's page, in a browser that is not signed in there yet."""
    await page.locator("input[name=login]").fill(account)
    await page.get_by_role("button", name="Sign in").click()


async def sign_in_to_console(page: Page, account: str = "dana@clientshare.example") -> None:
    await page.goto("/console")
    await page.get_by_role("button", name="Login with SSO").click()
    await at_microsoft(page, account)

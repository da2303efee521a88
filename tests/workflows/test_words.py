"""The shell, the Temporal UI and the console say the same, word for word."""

from html import unescape

from temporalio.api.sdk.v1 import WorkflowMetadata

from commands import reading
from contracts.go_live import Wait
from local.browser import Browser
from tests.town import Organisation, Town
from tests.workflows.drive import PLACES, founded, go_on
from wording import sentences


async def test_status_explain_the_temporal_ui_and_the_console_agree(town: Town) -> None:
    organisation = founded(town)
    here = Wait.NOTHING
    with Browser() as browser:
        browser.open(f"{town.places.web}/console")
        browser.press("Login with SSO")
        browser.press("Sign in", login="dana@clientshare.example")
        for _ in PLACES:
            here = await go_on(organisation, here)
            await _everyone_says_the_same(organisation, browser)
        await organisation.town.orders().roll_back(organisation.slug, "The test is over.")
        await organisation.ended()
        await _everyone_says_the_same(organisation, browser)
    assert here is PLACES[-1]


async def _everyone_says_the_same(organisation: Organisation, browser: Browser) -> None:
    found = organisation.standing()
    progress = found.progress
    assert progress is not None
    said = [
        sentences.happened(progress),
        sentences.to_do(progress),
        sentences.by_itself(progress),
    ]
    lines = dict(reading.five_lines(found))
    assert [lines["Why"], lines["Next"], lines["By itself"]] == said
    assert reading.explanation(found).endswith(" ".join(sentences))
    details = await _current_details(organisation)
    assert " ".join(sentences) in details
    assert details.count("| ") >= len(sentences.STAGES)
    browser.open(f"{organisation.town.places.web}/console/{organisation.slug}")
    page = " ".join(unescape(browser.text).split())
    for sentence in sentences:
        assert sentence in page
    assert f"/console/{organisation.slug})" in details
    if progress.plan_hash is not None:
        assert f"Users moved: {progress.users_done} of {progress.users_total};" in details
        assert await organisation.shown("UsersMigrated") == progress.users_done


async def _current_details(organisation: Organisation) -> str:
    metadata = await organisation.handle.query(
        "__temporal_workflow_metadata", result_type=WorkflowMetadata
    )
    return str(metadata.current_details)

"""The shell, the Temporal UI and the console say the same, word for word."""

from html import unescape

from temporalio.api.sdk.v1 import WorkflowMetadata

from commands import standings
from contracts.go_live import Wait
from local.browser import Browser
from tests.cluster import Cluster, Organisation
from tests.workflows.driver import PLACES, go_on, new_organisation
from wording import sentences


async def test_status_explain_the_temporal_ui_and_the_console_agree(cluster: Cluster) -> None:
    organisation = new_organisation(cluster)
    here = Wait.NOTHING
    with Browser() as browser:
        browser.open(f"{cluster.endpoints.web}/console")
        browser.press("Login with SSO")
        browser.press("Sign in", login="dana@clientshare.example")
        for _ in PLACES:
            here = await go_on(organisation, here)
            await _everyone_says_the_same(organisation, browser)
        await organisation.cluster.orders().roll_back(organisation.slug, "The test is over.")
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
    lines = dict(standings.five_lines(found))
    assert [lines["Why"], lines["Next"], lines["By itself"]] == said
    assert standings.explanation(found).endswith(" ".join(said))
    details = await _current_details(organisation)
    assert " ".join(said) in details
    assert details.count("| ") >= len(sentences.STAGES)
    browser.open(f"{organisation.cluster.endpoints.web}/console/{organisation.slug}")
    page = " ".join(unescape(browser.text).split())
    for sentence in said:
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

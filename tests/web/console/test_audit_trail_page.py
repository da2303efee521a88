"""The audit trail in the console: what people decided is found among thousands of moved users."""

import asyncio

from local.browser import Browser
from tests.cluster import Cluster


async def test_the_trail_shows_decisions_with_their_subject_and_pages_through_the_rest(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation()
    anna = organisation.user("anna")["id"]
    entry = (
        "INSERT INTO golive.audit_entry (at, actor, action, organisation_id, subject, reason) "
        "SELECT now(), :actor, :action, o.id, 'user:' || :user, '' "
        "FROM pulse.organisation o, generate_series(1, :many) WHERE o.slug = :slug"
    )

    def write(action: str, many: int, actor: str = "workflow") -> None:
        cluster.rows(
            entry, actor=actor, action=action, user=str(anna), many=many, slug=organisation.slug
        )

    write("exclude_user", 1, "dana")
    write("consent_reported", 1)
    write("user_moved", 70)

    def look() -> None:
        console = f"{cluster.endpoints.web}/console/{organisation.slug}"
        with Browser() as browser:
            browser.open(console)
            browser.press("Login with SSO")
            browser.press("Sign in", login="dana@clientshare.example")
            assert "Exclude user: Anna" in browser.text
            assert "The go-live heard of a consent" in browser.text
            assert "User moved" not in browser.text
            browser.open(f"{console}?every=true")
            assert "User moved: Anna" in browser.text
            assert "Exclude user" not in browser.text
            browser.follow("Earlier ones")
            assert "Exclude user: Anna" in browser.text
            browser.follow("The newest")
            assert "User moved: Anna" in browser.text
            browser.follow("Without each moved user")
            assert "User moved" not in browser.text

    await asyncio.to_thread(look)

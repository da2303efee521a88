"""Another secret key: nobody is called a guesser for a link that we sent."""

import asyncio
import re

from pydantic import SecretStr
from starlette.testclient import TestClient

from contracts.go_live import Refusal, Wait
from contracts.links import LinkPurpose
from tests.cluster import Cluster
from tests.set_up_page import personal_link
from web.app import create_app
from web.rate_limits import MOST_UNKNOWN_LINKS
from wording.refusals import REFUSALS


async def test_links_of_a_lost_key_are_renewed_by_one_click_and_lock_nobody_out(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    links = [
        personal_link(cluster, organisation, purpose)
        for purpose in (LinkPurpose.CONSENT, LinkPurpose.SETUP)
    ]
    lost = cluster.settings.model_copy(update={"secret_key": SecretStr("another key" * 4)})

    def come() -> None:
        with TestClient(create_app(lost)) as http:
            for number in range(MOST_UNKNOWN_LINKS + 3):
                answer = http.get(links[number % 2])
                assert answer.status_code == 410, (number, answer.text)
                assert REFUSALS[Refusal.LINK_EXPIRED].happened in answer.text
            for link in links:
                page = http.get(link).text
                found = re.search(r'name="form_token" value="(\w+)"', page)
                assert found is not None
                form = {"form_token": found.group(1)}
                # 202 = queued; this application has no Temporal to signal.
                assert http.post(f"{link}/new-link", data=form).status_code in {200, 202}
            # Nothing else of it opens: the signature proves nothing.
            assert "Accept" not in http.get(links[0].replace("/consent/", "/hand-off/")).text

    await asyncio.to_thread(come)
    assert [action for _, action, _ in organisation.audit()].count("link_renewed") == 2
    await organisation.handle.cancel()

"""A set-up link gives no order, and shows no names, once its go-live has ended."""

import asyncio
import re

from activities.mail_content import PACK_FILE
from contracts.links import LinkPurpose
from contracts.orders import OrderRefusal
from local import loopback
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster
from tests.set_up_page import personal_link
from web.forms import TICKED
from wording.orders import REFUSED
from wording.setup_page import NO_PACK


async def test_a_link_of_an_ended_go_live_names_nobody_and_orders_nothing(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.go_live()
    page = personal_link(cluster, organisation, LinkPurpose.SETUP)
    contacts = "SELECT count(*) AS n FROM golive.contact WHERE address = :address"
    stranger = f"mallory@{organisation.domain}"

    def come() -> None:
        with loopback.client(base_url=cluster.endpoints.web, timeout=LONGEST_WAIT) as http:
            shown = http.get(page)
            assert shown.status_code == 200
            for named in (organisation.contact, organisation.second_contact, "Ira Tee"):
                assert named not in shown.text
            assert "2 people" in shown.text
            assert "<form" not in shown.text
            token = re.search(r'name="form_token" value="(\w+)"', http.get("/login").text)
            assert token is not None
            form = {
                "form_token": token.group(1),
                "name": "Mallory",
                "address": stranger,
                "by_a_person": TICKED,
            }
            for path in ("contact", "acknowledge"):
                refused = http.post(f"{page}/{path}", data=form)
                assert refused.status_code == 409
                assert REFUSED[OrderRefusal.ENDED] in refused.text
            pack = http.get(f"{page}/{PACK_FILE}")
            assert NO_PACK in pack.text

    await asyncio.to_thread(come)
    assert [row.n for row in cluster.rows(contacts, address=stranger)] == [0]

"""The IT pack as a document: it comes with the mail, and the set-up page offers the same."""

import asyncio
import re
from datetime import timedelta
from io import BytesIO
from typing import Any

import httpx2
from pypdf import PdfReader

from contracts.business_hours import morning_of
from contracts.clock import wall_clock
from contracts.go_live import Wait
from local import loopback
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster
from wording import sentences


def get(url: str, **parameters: Any) -> httpx2.Response:
    return loopback.get(url, params=parameters or None, timeout=LONGEST_WAIT)


def words_of(document: bytes) -> str:
    return " ".join(
        " ".join(page.extract_text() for page in PdfReader(BytesIO(document)).pages).split()
    )


async def test_the_pack_is_attached_to_its_mail_and_offered_on_the_set_up_page(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    mailbox = cluster.endpoints.mailbox

    def look() -> tuple[httpx2.Response, httpx2.Response, httpx2.Response]:
        (mail,) = (
            one for one in organisation.received(organisation.contact) if "moving" in one["subject"]
        )
        shown = get(f"{mailbox}/api/messages/{mail['id']}").json()
        assert [part["name"] for part in shown["attachments"]] == ["microsoft-sso-go-live.pdf"]
        link = re.search(rf"{re.escape(cluster.endpoints.web)}/setup/\S+", shown["text"])
        assert link is not None
        page = get(link.group())
        offered = re.search(r'href="([^"]+\.pdf)"', page.text)
        assert offered is not None
        return (
            get(f"{mailbox}/messages/{mail['id']}/parts/0"),
            get(cluster.endpoints.web + offered.group(1)),
            get(cluster.endpoints.web + offered.group(1).replace("/setup/", "/setup/x")),
        )

    attached, downloaded, guessed = await asyncio.to_thread(look)
    assert downloaded.headers["content-type"] == "application/pdf"
    assert words_of(downloaded.content) == words_of(attached.content)
    assert organisation.slug.title() in words_of(attached.content)
    assert guessed.status_code in {404, 410}
    assert b"%PDF" not in guessed.content


async def test_an_agreed_day_stands_in_the_pack_and_on_the_set_up_page(cluster: Cluster) -> None:
    day = wall_clock().date() + timedelta(days=40)
    organisation = cluster.create_organisation(
        go_live_date=day.isoformat(), time_zone="Pacific/Auckland"
    )
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)

    def look() -> tuple[str, str]:
        (mail,) = (
            one for one in organisation.received(organisation.contact) if "moving" in one["subject"]
        )
        text = get(f"{cluster.endpoints.mailbox}/api/messages/{mail['id']}").json()["text"]
        link = re.search(rf"{re.escape(cluster.endpoints.web)}/setup/\S+", text)
        assert link is not None
        return text, get(link.group()).text

    text, page = await asyncio.to_thread(look)
    agreed = sentences.instant(morning_of(day, "Pacific/Auckland"))
    assert f"Planned for your users: {agreed}" in text
    assert f"Planned for {agreed};" in page
    assert f'value="{day.isoformat()}T09:00"' in page

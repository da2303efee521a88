"""Many who try passwords at once get calm answers and hold up nobody else."""

import asyncio
from collections import Counter

import httpx2
from argon2 import PasswordHasher

from local.browser import Browser
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster

MANY = 60
WORDS = "correct horse battery staple"


async def test_whoever_tries_many_passwords_waits_behind_their_own(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    cluster.rows(
        "INSERT INTO pulse.password (user_id, argon2) SELECT u.id, :hash FROM pulse.app_user u "
        "JOIN pulse.organisation o ON o.id = u.organisation_id WHERE o.slug = :slug",
        hash=PasswordHasher().hash(WORDS),
        slug=organisation.slug,
    )
    web = cluster.endpoints.web

    def form() -> tuple[dict[str, str], dict[str, str]]:
        with Browser() as browser:
            browser.open(f"{web}/login")
            return dict(browser._page.forms[0].fields), dict(browser._http.cookies)

    fields, cookies = await asyncio.to_thread(form)

    async def try_password(http: httpx2.AsyncClient, network: str, password: str, name: str) -> int:
        answer = await http.post(
            f"{web}/login/password",
            data={**fields, "email": organisation.address(name), "password": password},
            headers={"X-Forwarded-For": network},
        )
        if answer.status_code == 503:
            assert "Many people ask for this at the same time" in answer.text
            assert answer.headers["Retry-After"] == "5"
        return answer.status_code

    async with httpx2.AsyncClient(
        cookies=cookies,
        trust_env=False,
        timeout=LONGEST_WAIT,
        limits=httpx2.Limits(max_connections=MANY + 10),
    ) as http:
        theirs = [
            asyncio.ensure_future(try_password(http, "203.0.113.9", "wrong", f"nobody{number}"))
            for number in range(MANY)
        ]
        # Somebody else at the same time, each from a network of their own.
        ours = [
            await try_password(http, f"198.51.100.{number}", WORDS, "anna") for number in range(5)
        ]
        answers = Counter(await asyncio.gather(*theirs))
    assert ours == [303] * 5
    assert set(answers) <= {401, 429, 503}
    assert answers.total() == MANY

"""Many at once who want slow work of the web, in a process of their own; see `slow_work`."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from enum import StrEnum
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import httpx2

from benchmarks.fairness import LARGE


class Work(StrEnum):
    """Each kind, as the figures call it."""

    PASSWORDS = "passwords"
    DRY_RUNS = "dry_runs"
    DOCUMENTS = "documents"
    LISTS = "lists"
    OUTBOX = "outbox"


AT_ONCE = {Work.PASSWORDS: 160, Work.DRY_RUNS: 24, Work.DOCUMENTS: 120, Work.LISTS: 22}
_FORM_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
_UNREAD: list[Any] = []
Ask = Callable[[], Awaitable[httpx2.Response]]


def main(web: str, work: Work, number: int, what: str, staff_token: str, line: Any) -> None:
    """Do this work, all at once, whenever `line` says so, and say when all of it is answered."""
    asyncio.run(_main(web, work, number, what, staff_token, line))


async def _main(web: str, work: Work, number: int, what: str, staff_token: str, line: Any) -> None:
    cookies = {"pulse_staff": staff_token}
    # Each comes by a connection of its own, as many people do.
    limits = httpx2.Limits(max_connections=AT_ONCE[work], max_keepalive_connections=0)
    async with httpx2.AsyncClient(
        base_url=web, trust_env=False, cookies=cookies, timeout=120, limits=limits
    ) as http:
        one = await _one(http, work, number, what)
        line.send("ready")
        while await asyncio.to_thread(line.recv):
            answers = await asyncio.gather(*(one() for _ in range(AT_ONCE[work])))
            wrong = {answer.status_code for answer in answers} - {200, 401, 429, 503}
            if wrong:
                raise RuntimeError(f"The work was answered by {wrong}.")
            line.send("answered")


async def _one(http: httpx2.AsyncClient, work: Work, number: int, what: str) -> Ask:
    """Return what each of them does."""
    if work is Work.DOCUMENTS:
        return lambda: http.get(what)
    if work is Work.LISTS:
        return lambda: _unread(http)
    page = await http.get("/login" if work is Work.PASSWORDS else f"/console/{LARGE}")
    found = _FORM_TOKEN.search(page.text)
    form = {"form_token": found.group(1) if found else ""}
    if work is Work.DRY_RUNS:
        return lambda: http.post(f"/console/{LARGE}/plan", data=form)
    numbers = count()

    def wrong() -> Awaitable[httpx2.Response]:
        attempt = next(numbers)
        return http.post(
            "/login/password",
            data={**form, "email": f"ghost{attempt}@{LARGE}.example", "password": "wrong"},
            # One network has so many wrong passwords in a quarter of an hour, and no more.
            headers={"X-Forwarded-For": f"203.0.113.{number + 1}"},
        )

    return wrong


async def _unread(http: httpx2.AsyncClient) -> httpx2.Response:
    """Ask for the list until there is a place, and read nothing of it, ever."""
    where = urlsplit(str(http.base_url))
    path, cookie = f"/console/{LARGE}/exceptions.csv", http.cookies["pulse_staff"]
    while True:
        # The stream is kept, as its end would be the reader's end.
        reader, writer = await asyncio.open_connection(where.hostname, where.port, limit=1024)
        _UNREAD.append((reader, writer))
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nCookie: pulse_staff={cookie}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        status = int((await reader.readline()).split()[1])
        if status != 503:
            return httpx2.Response(status)
        writer.close()
        await asyncio.sleep(0.3)

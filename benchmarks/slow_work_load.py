"""Many at once who want slow work of the web, in a process of their own; see `slow_work`."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
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
HALF_OF_THE_LISTS = 11
_FORM_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
Ask = Callable[[], Awaitable[httpx2.Response]]


def main(
    web: str, work: Work, number: int, what: str, staff_token: str, ready: Any, stop: Any
) -> None:
    """Do this work until told to stop; `ready` is set when the first answer has come."""
    asyncio.run(_main(web, work, number, what, staff_token, ready, stop))


async def _main(
    web: str, work: Work, number: int, what: str, staff_token: str, ready: Any, stop: Any
) -> None:
    cookies = {"pulse_staff": staff_token}
    # Each comes by a connection of its own, as many people do.
    limits = httpx2.Limits(max_connections=AT_ONCE[work], max_keepalive_connections=0)
    async with httpx2.AsyncClient(
        base_url=web, trust_env=False, cookies=cookies, timeout=120, limits=limits
    ) as http:
        one = await _one(http, work, number, what, ready)
        clients = [asyncio.create_task(_again(one, work, ready)) for _ in range(AT_ONCE[work])]
        await asyncio.to_thread(stop.wait)
        for client in clients:
            client.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*clients)


async def _again(ask: Ask, work: Work, ready: Any) -> None:
    """Ask again at once after an answer; after "one moment" as late as it says."""
    while True:
        answer = await ask()
        if work is not Work.LISTS:
            ready.set()
        if answer.status_code in {429, 503}:
            later = float(answer.headers.get("Retry-After", "5"))
            # Whoever wants a list has it the sooner, so that soon all of them lie unread.
            await asyncio.sleep(0.3 if work is Work.LISTS else later)
        elif answer.status_code not in {200, 401}:
            raise RuntimeError(f"The work was answered by {answer.status_code}.")


async def _one(http: httpx2.AsyncClient, work: Work, number: int, what: str, ready: Any) -> Ask:
    """Return what each of them does."""
    if work is Work.DOCUMENTS:
        return lambda: http.get(what)
    if work is Work.LISTS:
        unread = count(1)
        return lambda: _unread(http, lambda: next(unread) == HALF_OF_THE_LISTS and ready.set())
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


async def _unread(http: httpx2.AsyncClient, begun: Callable[[], Any]) -> httpx2.Response:
    """Ask for the list and read nothing of it, ever, unless there was no place for it."""
    where = urlsplit(str(http.base_url))
    reader, writer = await asyncio.open_connection(where.hostname, where.port, limit=1024)
    path, cookie = f"/console/{LARGE}/exceptions.csv", http.cookies["pulse_staff"]
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nCookie: pulse_staff={cookie}\r\n"
        "Connection: close\r\n\r\n".encode()
    )
    status = int((await reader.readline()).split()[1])
    if status == 200:
        begun()
        try:
            await asyncio.Event().wait()
        finally:
            writer.transport.abort()
    writer.close()
    return httpx2.Response(status)

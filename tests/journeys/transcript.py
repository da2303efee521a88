"""Runs the commands of docs/customer-success.md: python -m tests.journeys.transcript writes it."""

import asyncio
import re
import shlex
import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from bootstrap.exit import leave
from contracts.go_live import Wait
from tests.cluster import ROOT, Cluster, Organisation, Person, build_cluster, working
from tests.shell import shell

PAGE = ROOT / "docs" / "customer-success.md"
SLUG = "harbour"
MEMBERS = (
    *(Person(name) for name in ("anna", "ben", "cleo", "dora", "emil", "fay", "gus")),
    Person("zoe", in_directory=False),
    Person("nora", status="invited"),
)

_BLOCK = re.compile(r"(?:<!-- (?P<then>[^>]+) -->\n)|(?:```console\n(?P<block>.*?)```\n)", re.S)
_CHANGES = (
    (re.compile(r"\b[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d [A-Z+0-9-]+"), "DATE"),
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "HASH"),
    (re.compile(r"[ \t]+"), " "),
)
"""What is different in every run; everything else stands in the page word for word."""


def comparable(output: str) -> str:
    """Return an output without what differs in every run."""
    for pattern, instead in _CHANGES:
        output = pattern.sub(instead, output)
    return "\n".join(line.rstrip() for line in output.strip().splitlines())


async def play(cluster: Cluster, said: Callable[[str, str, str], None]) -> str:
    """Run every command of the page and do what happens between them; return the page anew.

    `said` is told each command, what stands below it in the page, and what it printed.
    """
    organisation = cluster.create_organisation(
        *MEMBERS, slug=SLUG, sso_included="no", it_acknowledgement="yes", exception_threshold="0"
    )
    folder = cluster.folder / "transcript"
    folder.mkdir()
    (cluster.folder / f"{SLUG}.csv").rename(folder / "organisations.csv")
    (cluster.folder / "users.csv").rename(folder / "users.csv")
    written, end, page = "", 0, PAGE.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(page):
        written, end = written + page[end : found.start()], found.end()
        if found["then"]:
            await THEN[found["then"]](organisation)
            written += found.group()
            continue
        written += "```console\n"
        for entry in re.split(r"^(?=\$ )", found["block"], flags=re.M)[1:]:
            command, _, expected = entry[2:].partition("\n")
            command = command.replace("HASH", _plan_hash(organisation))
            printed = await asyncio.to_thread(run, cluster, folder, command)
            said(command, expected, printed)
            written += f"$ {entry[2:].partition(chr(10))[0]}\n{printed.rstrip()}\n"
        written += "```\n"
    return written + page[end:]


def run(cluster: Cluster, folder: Path, command: str) -> str:
    """Run one command as it stands in the page, and return what it printed."""
    program, script, *arguments = shlex.split(command)
    assert (program, script) == ("python", "starter.py")
    environment = {**cluster.environment, "COLUMNS": "100"}
    done = shell(environment, *arguments, folder=folder)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def _plan_hash(organisation: Organisation) -> str:
    progress = organisation.standing().progress
    return (progress.plan_hash if progress else None) or ""


async def _six_days_pass(organisation: Organisation) -> None:
    await organisation.skip(timedelta(days=6))


async def _the_administrator_consents(organisation: Organisation) -> None:
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)


async def _the_announced_hour_comes(organisation: Organisation) -> None:
    await organisation.skip_to_due()
    await organisation.until(Wait.APPROVAL)


async def _one_of_the_first_signs_in(organisation: Organisation) -> None:
    await organisation.until(Wait.FIRST_SIGN_IN)
    await organisation.sign_in(organisation.first_moved())
    await organisation.until(Wait.AFTERCARE)


async def _two_weeks_pass(organisation: Organisation) -> None:
    await organisation.skip(timedelta(days=15))
    await organisation.ended()


def _until(wait: Wait) -> Callable[[Organisation], Awaitable[None]]:
    async def reached(organisation: Organisation) -> None:
        await organisation.until(wait)

    return reached


THEN: dict[str, Callable[[Organisation], Awaitable[None]]] = {
    "a moment passes: entitlement": _until(Wait.ENTITLEMENT),
    "a moment passes: acknowledgement": _until(Wait.IT_ACKNOWLEDGEMENT),
    "a moment passes: consent": _until(Wait.ADMIN_CONSENT),
    "six days pass": _six_days_pass,
    "the administrator consents": _the_administrator_consents,
    "the announced hour comes": _the_announced_hour_comes,
    "a moment passes: first sign-in": _until(Wait.FIRST_SIGN_IN),
    "one of the first signs in": _one_of_the_first_signs_in,
    "two weeks pass": _two_weeks_pass,
}
"""What people and time do between the commands, by the comments in the page."""


async def _write() -> None:
    with tempfile.TemporaryDirectory(prefix="transcript-") as folder:
        async with build_cluster(Path(folder)) as cluster, working(cluster):
            PAGE.write_text(await play(cluster, lambda *_: None), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(_write())
    leave(0)

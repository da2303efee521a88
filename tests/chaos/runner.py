"""One run: a quiet go-live of each kind, then many in the middle of trouble, then a check."""

import asyncio
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from contracts.go_live import go_live_id
from tests.bounds import LONGEST_WAIT
from tests.chaos import checker
from tests.chaos.actors import Play
from tests.chaos.environment import ChaosEnvironment, chaos_environment
from tests.chaos.plan import WORKERS, Kind, Plan, make_plan
from tests.chaos.trouble import Trouble
from tests.chaos.workers import Workers

AT_ONCE = 10
"""Go-lives that are under way at the same time."""

OUTCOMES = {
    Kind.LIVE: "LIVE",
    Kind.LARGE: "LIVE",
    Kind.ROLLED_BACK: "ROLLED_BACK",
    Kind.NOT_ENTITLED: "NOT_ENTITLED",
}


@dataclass
class Report:
    """What a run came to."""

    seed: int
    kills: int = 0
    go_lives: int = 0
    outages: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    tried_again: int = 0
    attentions: list[str] = field(default_factory=list)
    mails: int = 0
    seconds: float = 0.0
    found: checker.Found = field(default_factory=checker.Found)

    def figures(self) -> dict[str, Any]:
        """As they stand in a report."""
        return {
            "kills": self.kills,
            "lost": len(self.found.lost),
            "doubled": len(self.found.doubled),
            "wrong": len(self.found.wrong),
            "go_lives": self.go_lives,
            "outages": dict(sorted(self.outages.items())),
            "faults": dict(sorted(self.faults.items())),
            "mails": self.mails,
            "repeated_deliveries": self.found.repeated_deliveries,
            "excused_share": round(self.found.excused_share, 2),
            "tried_again": self.tried_again,
            "seed": self.seed,
            "seconds": round(self.seconds),
        }


async def run(folder: Path, kills: int, seed: int, say: Any = print) -> Report:
    """Do all of it; the report says what was found."""
    began = time.monotonic()
    plan = make_plan(seed, kills)
    report = Report(seed, go_lives=len(plan.kinds))
    undisturbed = [(f"undisturbed-{kind.value}", kind) for kind in Kind]
    wild = [(f"wild{number}-{kind.value}", kind) for number, kind in enumerate(plan.kinds)]
    async with chaos_environment(folder, undisturbed + wild) as there:
        workers = Workers(
            there.lines.through(there.cluster.environment),
            there.stack.state.logs / "workers.log",
            WORKERS,
        )
        try:
            for slot in range(WORKERS):
                workers.start(slot)
            quiet = [Play(there.organisations[slug], kind) for slug, kind in undisturbed]
            await asyncio.wait_for(
                asyncio.gather(*(play.to_the_end() for play in quiet)), LONGEST_WAIT
            )
            say(f"{len(undisturbed)} quiet ones have ended after {time.monotonic() - began:.0f} s.")
            trouble = Trouble(there, workers)
            plays = [Play(there.organisations[slug], kind) for slug, kind in wild]
            unended = await _disturbed(trouble, plan, plays, 120 + 5 * kills)
            report.found.lost += [f"{slug}: did not come to its end" for slug in unended]
            say(f"{trouble.kills} kills are over after {time.monotonic() - began:.0f} s.")
            report.kills, report.outages, report.faults = (
                trouble.kills,
                trouble.outages,
                trouble.faults,
            )
            report.tried_again = sum(play.troubles for play in plays)
            report.attentions = [why for play in plays for why in play.attentions]
            await _check(there, quiet, plays, trouble, report)
        finally:
            await asyncio.to_thread(workers.stop)
    report.seconds = time.monotonic() - began
    return report


async def _disturbed(trouble: Trouble, plan: Plan, plays: list[Play], limit: float) -> list[str]:
    """Play the go-lives while the trouble is made; return the slugs of those that did not end."""
    places = asyncio.Semaphore(AT_ONCE)
    making = asyncio.create_task(asyncio.to_thread(trouble.make, plan))

    async def one(number: int, play: Play) -> str | None:
        # Spread over the kills, so that there is always something to interrupt.
        due = 0.9 * len(plan.steps) * number / len(plays)
        while trouble.kills < due and not making.done():
            await asyncio.sleep(0.05)
        async with places:
            await play.to_the_end()

    playing = [asyncio.create_task(one(number, play)) for number, play in enumerate(plays)]
    try:
        _, pending = await asyncio.wait(playing, timeout=limit)
        if pending:
            trouble.stopped.set()
        # The go-lives may all have ended before the last kills; those are still made.
        await making
    finally:
        for task in playing:
            task.cancel()
    return [
        play.organisation.slug for task, play in zip(playing, plays, strict=True) if task in pending
    ]


async def _check(
    there: ChaosEnvironment, quiet: list[Play], plays: list[Play], trouble: Trouble, report: Report
) -> None:
    """Hold everything against what the quiet go-lives came to."""
    found = report.found
    for play in quiet + plays:
        slug = play.organisation.slug
        handle = there.cluster.client.get_workflow_handle(go_live_id(slug))
        # The run ends a moment after the database says so.
        try:
            await asyncio.wait_for(handle.result(), LONGEST_WAIT)
        except TimeoutError:
            found.lost.append(f"{slug}: its run goes on although its record is closed")
            continue
        history = (await handle.fetch_history()).to_json_dict()
        checker.check_history(slug, history, found)
    mails = checker.deliveries(there.mailbox)
    report.mails = len(mails)
    cut = {
        int(number)
        for log in there.stack.state.logs.glob("mailbox*.log")
        for number in re.findall(r"cut the line after storing (\d+)", log.read_text())
    }
    checker.check_deliveries(mails, cut, trouble.moments, found)
    with psycopg.connect(there.database_url) as database:

        def picture(play: Play) -> Counter[str]:
            return checker.picture(database, play.organisation.slug, mails, play.actions)

        expected = {play.kind: picture(play) for play in quiet}
        for kind, lines in expected.items():
            assert any(line.startswith(f"outcome {OUTCOMES[kind]},") for line in lines), lines
        for play in plays:
            checker.compare(play.organisation.slug, picture(play), expected[play.kind], found)
        checker.check_rules(database, found)

"""Shows go-lives at a terminal: the list, and one of them live."""

import sys
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from getpass import getpass
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text
from sqlalchemy import Engine

from commands import domains, migration, standings
from commands.errors import CommandError
from contracts.clock import wall_clock
from contracts.go_live import GoLiveStage
from contracts.go_live import Progress as Where
from contracts.problems import Problem
from contracts.registration import SIGN_IN_PATH
from database.go_live.standings import Standing
from wording import sentences, shell
from wording.registration import HOW_TO_SIGN_IN, PASTE
from wording.status import looked_at, whom

LOOK_EVERY_SECONDS = 0.5
STANDARD_OUTPUT = Path("-")
_BAR_SPEED_WINDOW_SECONDS = 60.0
_CUT = "…"
"""What Rich ends a word with that does not fit."""


def listed(found: list[Standing], console: Console) -> RenderableType:
    """Return the list of organisations, each in a row of its own.

    A name that is cut short cannot be typed into the next command. Where that leaves another
    column too little room for its words, each organisation has a second line for them instead.
    """
    slugs = Column("Organisation", no_wrap=True)
    shown = Table(slugs, "Stage", "Waiting on", "Due", "Users moved", box=None)
    for one in found:
        shown.add_row(*_cells(one))
    if not any(_CUT in part.text for line in console.render_lines(shown) for part in line):
        return shown
    lines = []
    for one in found:
        slug, *others = _cells(one)
        lines += [Text(slug), Text("  " + " · ".join(filter(None, others)))]
    return Group(*lines)


def _cells(one: Standing) -> tuple[str, str, str, str, str]:
    progress = one.progress
    if progress is None:
        return one.slug, "not started", "", "", ""
    return (
        one.slug,
        progress.outcome.value if progress.outcome else sentences.STAGES[progress.stage],
        whom(progress),
        sentences.short_day(progress.due_at) if progress.due_at else "",
        f"{progress.all_moved:,} of {progress.all_users:,}" if progress.plan_hash else "",
    )


def status(engine: Engine, slug: str, console: Console) -> None:
    """Print the five lines, and one for each domain or address that is not as it should be."""
    found = standings.standing(engine, slug)
    for name, words in (*standings.five_lines(found), *domains.lines(engine, slug)):
        console.print(Text.assemble((f"{name:<10}", "bold"), words))
    for one in standings.refused_mail(engine, found):
        words = shell.mail_refused(slug, one.address, one.whose, one.ask, one.unclear)
        console.print(Text.assemble((f"{'Mail':<10}", "bold red"), words))


def watch(
    engine: Engine,
    slug: str,
    console: Console,
    *,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Show an organisation's go-live as it goes; return when it has ended, or on Ctrl-C."""
    bar = Progress(
        TextColumn("Users moved"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
        speed_estimate_period=_BAR_SPEED_WINDOW_SECONDS,
    )
    task = bar.add_task("", total=None, rate="")
    found = standings.standing(engine, slug)
    try:
        with Live(console=console, refresh_per_second=4) as live:
            while True:
                progress = found.progress
                if progress is not None and progress.plan_hash:
                    bar.update(task, completed=progress.all_moved, total=max(progress.all_users, 1))
                    speed = bar.tasks[0].speed
                    bar.update(task, rate=f"{speed:,.0f}/s" if speed else "")
                live.update(_screen(found, bar, wall_clock()))
                if progress is None or progress.outcome is not None:
                    return
                pause(LOOK_EVERY_SECONDS)
                found = standings.standing(engine, slug)
    except KeyboardInterrupt:
        return


def _screen(found: Standing, bar: Progress, at: datetime) -> RenderableType:
    lines = [
        Text.assemble((f"{name:<10}", "bold"), words) for name, words in standings.five_lines(found)
    ]
    if found.progress is None:
        return Group(*lines)
    parts: list[RenderableType] = [_stages(found.progress), Text(), *lines]
    if found.progress.plan_hash:
        parts += [Text(), bar]
    return Group(*parts, Text(looked_at(at), style="dim"))


def _stages(progress: Where) -> Table:
    shown = Table("", "Stage", "", box=None, show_header=False)
    for number, stage in enumerate(GoLiveStage, start=1):
        shown.add_row(str(number), sentences.STAGES[stage], sentences.beside_stage(progress, stage))
    return shown


def write_csv(users: Iterable[Any], csv_file: Path) -> None:
    """Write users into a file, and say how many; `-` prints them."""
    if csv_file == STANDARD_OUTPUT:
        migration.write_csv(users, sys.stdout)
        return
    try:
        with csv_file.open("w", newline="", encoding="utf-8") as file:
            written = migration.write_csv(users, file)
    except OSError as error:
        raise CommandError(
            Problem.FILE_CANNOT_BE_WRITTEN, path=csv_file, error=error.strerror
        ) from None
    sys.stderr.write(f"{shell.users_written(written, csv_file)}\n")


def ask_for_sign_in(public_url: str, url: str) -> str:
    """Show the address at which somebody signs in, and return the one that the browser came to.

    It is not echoed: the code in it is good for one use here, and terminals keep what they show.
    """
    address = f"{public_url}{SIGN_IN_PATH}"
    sys.stdout.write(f"{HOW_TO_SIGN_IN.format(url=url, address=address)}\n")
    sys.stdout.flush()
    return getpass(PASTE) if sys.stdin.isatty() else sys.stdin.readline()

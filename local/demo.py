"""The demo, in which three organisations go live: python -m local.demo [--once --report FILE]."""

# isort: off
import local.early_stop  # noqa: F401

# isort: on
import argparse
import asyncio
import io
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.testing import TimeSkipper

from bootstrap import connections
from bootstrap.exit import leave
from commands import imports
from commands.errors import CommandError, UnavailableError
from commands.orders import Orders
from contracts.clock import wall_clock
from contracts.go_live import GoLiveStage, Wait, go_live_id
from database.engine import open_sessions
from database.go_live import standings
from database.go_live.standings import Standing
from local import people, queries
from local.errors import LocalError, PartFailedError
from local.people import Endpoints
from local.ports import Ports
from local.report import EXPECTED, Report, organisation_report
from local.shielding import shield_this_process
from local.stack import Stack
from local.state_folder import PROJECT_FOLDER, chosen_state_folder
from local.stop_signals import StopRequested, stop_on_signal
from settings import Settings
from wording import sentences, shell, status

STAFF = "dana"
"""The customer success manager of the examples."""

POLL_SECONDS = 0.25
"""Seconds between two polls of the database."""

_GOES_ON = "make demo goes on where it was."

ONCE_LIMIT = 180
"""Seconds after which a run without a person gives up."""


class Demo:
    """The people of the demo, each doing their part when the database says it is their turn."""

    def __init__(self, stack: Stack, engine: Engine, client: Client, *, alone: bool) -> None:
        """Play every part (`alone`), or leave the second organisation to the keyboard."""
        self._stack = stack
        self._engine = engine
        self._client = client
        self._alone = alone
        self._orders = Orders(engine, client, STAFF)
        self._skipper = TimeSkipper(client)
        self._endpoints = Endpoints(
            f"http://127.0.0.1:{stack.ports.web}", f"http://127.0.0.1:{stack.ports.mailbox}"
        )
        self._done: set[tuple[str, int, str]] = set()
        self._parts: dict[asyncio.Future[None], tuple[str, int, str]] = {}
        self.first_live: float | None = None

    async def prepare(self) -> None:
        """Import the examples and start what has not been started."""
        examples = PROJECT_FOLDER / "examples"
        imports.import_files(self._engine, examples / "organisations.csv", examples / "users.csv")
        for standing in self.standings():
            if standing.go_live_id is None:
                await self.start(standing.slug)

    async def start(self, slug: str) -> None:
        """Start one organisation's go-live, as customer success does."""
        await self._orders.start(slug, aftercare_days=0)

    def standings(self) -> list[Standing]:
        """Return where each organisation of the examples stands."""
        with open_sessions(self._engine).begin() as session:
            found = standings.standings(session)
        return sorted((one for one in found if one.slug in EXPECTED), key=_in_order)

    async def poll(self) -> list[Standing]:
        """Play the part of each person whose turn it is; return where each organisation stands."""
        self._stack.check()
        for part in [part for part in self._parts if part.done()]:
            turn = self._parts.pop(part)
            try:
                part.result()
            except UnavailableError:
                # No worker answered in time, say: the same turn comes again.
                self._done.discard(turn)
        standings = await asyncio.to_thread(self.standings)
        for standing in standings:
            self._take_turn(standing)
        return standings

    def _take_turn(self, standing: Standing) -> None:
        progress = standing.progress
        if progress is None or progress.outcome is not None:
            if self.first_live is None and progress and progress.outcome == "LIVE":
                self.first_live = time.monotonic()
            return
        turn = (standing.slug, progress.number, progress.wait.value)
        if turn in self._done or progress.attention is not None:
            return
        by_hand = standing.slug == "northwind" and not self._alone
        match progress.wait:
            case Wait.ENTITLEMENT:
                act = self._decline(standing.slug)
            case Wait.ADMIN_CONSENT if not by_hand:
                act = asyncio.to_thread(
                    people.consent, self._endpoints, *ADMINISTRATORS[standing.slug]
                )
            case Wait.MOVE_DATE:
                act = self._skip_to(standing)
            case Wait.FIRST_SIGN_IN if not by_hand:
                act = asyncio.to_thread(self._first_user_signs_in, standing)
            case _:
                return
        self._done.add(turn)
        self._parts[asyncio.ensure_future(act)] = turn

    async def _decline(self, slug: str) -> None:
        await self._orders.decline_entitlement(slug, "SSO is not part of this agreement.")

    async def _skip_to(self, standing: Standing) -> None:
        """Let Temporal skip the days until the announced date."""
        assert standing.progress is not None and standing.progress.due_at is not None  # noqa: PT018, S101
        handle = self._client.get_workflow_handle(go_live_id(standing.slug))
        await self._skipper.fast_forward(handle, standing.progress.due_at - wall_clock())

    def _first_user_signs_in(self, standing: Standing) -> None:
        with people.log_in_with_sso(self._endpoints, self.first_user([standing])):
            pass

    def first_user(self, standings: list[Standing]) -> str:
        """Return the address of a user whose first sign-in a go-live waits for; empty if none."""
        for standing in standings:
            progress = standing.progress
            if standing.go_live_id and progress and progress.wait is Wait.FIRST_SIGN_IN:
                with open_sessions(self._engine).begin() as session:
                    return queries.first_wave_addresses(session, standing.go_live_id)[0]
        return ""

    async def report(self, began: float) -> Report:
        """Return the results of the demo."""
        return Report(
            [await organisation_report(self._engine, self._client, slug) for slug in EXPECTED],
            time.monotonic() - began,
            self.first_live - began if self.first_live else None,
        )


ADMINISTRATORS = {
    "alpenglow": ("grace.admin@alpenglow.example", "grace.admin@alpenglow.example"),
    "northwind": ("ada.admin@northwind.example", "ada.admin@northwind.example"),
}
"""Whose mail holds the consent link, and who consents."""


def _in_order(standing: Standing) -> int:
    return list(EXPECTED).index(standing.slug)


def screen(standings: list[Standing], stack: Stack, first_user: str, *, alone: bool) -> Group:
    """Return the live table, where things are, and what the person at the keyboard can do."""
    table = Table("Organisation", "Stage", "Waiting on", "Users moved", "Signed in", expand=True)
    for one in standings:
        progress = one.progress
        if progress is None:
            table.add_row(one.name, "starting", "", "", "")
            continue
        number = list(GoLiveStage).index(progress.stage) + 1
        table.add_row(
            one.name,
            progress.outcome.value
            if progress.outcome
            else f"{number} of 5  {sentences.STAGES[progress.stage]}",
            status.whom(progress),
            f"{progress.all_moved} of {progress.all_users}" if progress.plan_hash else "",
            str(one.signed_in) if progress.plan_hash else "",
        )
    ports = stack.ports
    lines = [
        f"Temporal UI  http://127.0.0.1:{ports.temporal_ui}",
        f"Mailbox      http://127.0.0.1:{ports.mailbox}",
        f"Login page   http://127.0.0.1:{ports.web}/login",
    ]
    if not alone:
        lines += [
            "",
            *_your_part(standings, stack, first_user),
            "",
            "Stop with Ctrl-C; make demo resumes.",
        ]
    return Group(table, Text("\n".join(lines)))


def _your_part(standings: list[Standing], stack: Stack, first_user: str) -> list[str]:
    progress = next(one.progress for one in standings if one.slug == "northwind")
    mailbox = f"http://127.0.0.1:{stack.ports.mailbox}/?to=ada.admin@northwind.example"
    login = f"http://127.0.0.1:{stack.ports.web}/login"
    match progress.wait if progress else Wait.NOTHING:
        case Wait.ADMIN_CONSENT:
            return [
                "Your turn, as Northwind's administrator. Open the mail to her:",
                f"  {mailbox}",
                "follow its consent link and sign in at the pretend Microsoft as",
                "  ada.admin@northwind.example   (any password)",
            ]
        case Wait.FIRST_SIGN_IN:
            return [
                "Your turn, as one of Northwind's first users. Enter the address",
                f"  {first_user}",
                "and choose “Login with SSO” here; at Microsoft, give the same address:",
                f"  {login}",
            ]
        case _ if progress and progress.outcome:
            return ["All done. Look around: the results are in the mailbox."]
        case _:
            return ["Nothing to do for you right now."]


async def _play(stack: Stack, *, alone: bool, began: float, console: Console) -> Report:
    # Nothing of the shell may mix with the settings of the stack.
    shield_this_process(stack.environment())
    engine = connections.database(Settings())
    client = await connections.temporal()
    demo = Demo(stack, engine, client, alone=alone)
    await demo.prepare()
    with Live(console=console, refresh_per_second=4, transient=alone) as live:
        while True:
            standings = await demo.poll()
            live.update(screen(standings, stack, demo.first_user(standings), alone=alone))
            if alone and all(one.progress and one.progress.outcome for one in standings):
                return await demo.report(began)
            if alone and time.monotonic() - began > ONCE_LIMIT:
                return await demo.report(began)
            await asyncio.sleep(POLL_SECONDS)


def _users(results: dict[str, int]) -> str:
    """Return how many users ended how, in a few words; the report has the reasons."""
    exceptions = sum(count for kind, count in results.items() if kind.startswith("exception"))
    counts = {
        "linked": results.get("link", 0),
        "invited": results.get("invite", 0),
        "not movable": exceptions,
    }
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)


def _summary(report: Report) -> Table:
    table = Table("Organisation", "Ended as", "Users", "Mails sent", "History events")
    for one in report.organisations:
        users = _users(one.get("users", {}))
        mails = sum(kind["sent"] for kind in one.get("mails", {}).values())
        table.add_row(
            one["slug"], str(one["outcome"]), users, str(mails), str(one.get("history_events", ""))
        )
    return table


def _write(report: Report, file: Path) -> None:
    try:
        file.write_text(json.dumps(report.data(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        # What went well did so in a checkout that cannot be written to, too.
        print(f"The report could not be written to {file}: {error.strerror}.", file=sys.stderr)


def main() -> int:
    """Run the demo; return 0 when everything ended as it should, or the person stopped it."""
    began = time.monotonic()
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="play every part, then end")
    parser.add_argument("--report", type=Path, help="write what became of each organisation here")
    arguments = parser.parse_args()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    console = Console()
    try:
        with stop_on_signal(), ExitStack() as closing:
            folder = chosen_state_folder()
            if arguments.once:
                folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="golive-")))
            ports = Ports.from_environment()
            stack = Stack(folder, ports, say=console.print)
            console.print("Starting Temporal, PostgreSQL, a pretend Microsoft, a mailbox, …")
            closing.enter_context(stack.running())
            report = asyncio.run(_play(stack, alone=arguments.once, began=began, console=console))
    except StopRequested:
        console.print("Stopped." if arguments.once else f"Stopped. {_GOES_ON}")
        return 0
    except LocalError as error:
        print(error, file=sys.stderr)
        if isinstance(error, PartFailedError):
            # Where the demo plays alone, its folder is gone by now.
            goes_on = "" if arguments.once else f" {_GOES_ON}"
            print(f"All parts were stopped.{goes_on}", file=sys.stderr)
        return error.exit_status
    except CommandError as error:
        print(error.words(shell.said_of), file=sys.stderr)
        return error.exit_status
    console.print(_summary(report))
    first = (
        f"; first LIVE after {report.first_live_seconds:.1f} s" if report.first_live_seconds else ""
    )
    console.print(f"{report.seconds:.1f} s in all{first}")
    if arguments.report:
        _write(report, arguments.report)
    for fault in report.faults:
        print(fault, file=sys.stderr)
    return 1 if report.faults else 0


if __name__ == "__main__":
    leave(main())

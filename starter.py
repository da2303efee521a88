"""Starts and steers go-lives from the shell."""

import asyncio
import getpass
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from commands import connections, importing, reading, setup
from commands.errors import CommandError
from commands.leaving import leave
from commands.orders import Orders
from contracts import wording
from settings import Settings, SettingsError, read_settings

app = typer.Typer(
    help="Take customer organisations live with Microsoft SSO.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
out = Console(highlight=False, soft_wrap=True)

Organisation = Annotated[str, typer.Argument(metavar="ORG", help="The organisation's slug.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print data instead of words.")]
By = Annotated[
    str | None,
    typer.Option(
        help="Your staff handle; else GOLIVE_BY, else your login name.", envvar="GOLIVE_BY"
    ),
]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit trail.")]
Result = TypeVar("Result")


@app.command("setup")
def set_up() -> None:
    """Create or update the tables, and register the search attributes at Temporal."""
    settings = read_settings()
    setup.set_up_database(connections.database(settings))
    print("The database is set up.")

    async def register() -> list[str]:
        return await setup.set_up_temporal(await connections.temporal())

    added = asyncio.run(register())
    print(f"Temporal knows every search attribute ({len(added)} new).")


@app.command("import")
def import_csv(
    organisations: Annotated[Path, typer.Argument(metavar="ORGANISATIONS.csv")],
    users: Annotated[Path, typer.Argument(metavar="USERS.csv")],
) -> None:
    """Import organisations and users; a file with any fault is not imported at all."""
    engine = connections.database(read_settings())
    imported = importing.import_files(engine, organisations, users)
    print(f"Imported {imported.organisations} organisations and {imported.users} users.")


@app.command()
def start(
    organisation: Organisation,
    by: By = None,
    aftercare_days: Annotated[
        int, typer.Option(help="Days the go-live stays open after the move.", min=0, max=365)
    ] = 14,
    as_json: AsJson = False,
) -> None:
    """Start an organisation's go-live; where one runs already, show it."""
    started = _order(by, lambda orders: orders.start(organisation, aftercare_days=aftercare_days))
    if as_json:
        _print_json(started.__dict__)
        return
    if started.already_running:
        print(f"Go-live {started.number} of {organisation} is already running:")
    else:
        print(f"Go-live {started.number} of {organisation} is started ({started.workflow_id}).")
    _print_status(organisation)


@app.command()
def status(organisation: Organisation, as_json: AsJson = False) -> None:
    """Say in five lines where a go-live stands and who moves next."""
    if as_json:
        _print_json(reading.as_data(reading.standing(_engine(), organisation)))
    else:
        _print_status(organisation)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List every organisation; what needs attention first."""
    found = reading.every_standing(_engine())
    if as_json:
        _print_json([reading.as_data(one) for one in found])
        return
    table = Table("Organisation", "Stage", "Waiting on", "Due", "Users moved", box=None)
    for one in found:
        if one.progress is None:
            table.add_row(one.slug, "not started", "", "", "")
            continue
        progress = one.progress
        table.add_row(
            one.slug,
            progress.outcome.value if progress.outcome else wording.STAGES[progress.stage],
            "needs attention" if progress.attention else wording.waiting_on(progress),
            wording.instant(progress.due_at) if progress.due_at else "",
            f"{progress.users_done} of {progress.users_total}" if progress.plan_hash else "",
        )
    out.print(table)


@app.command("confirm-entitlement")
def confirm_entitlement(organisation: Organisation, by: By = None, reason: Reason = "") -> None:
    """Say that SSO is in the subscription agreement; the go-live goes on."""
    _order(by, lambda orders: orders.confirm_entitlement(organisation, reason))
    print(f"{organisation}: the entitlement is confirmed; the go-live goes on.")


@app.command("decline-entitlement")
def decline_entitlement(organisation: Organisation, by: By = None, reason: Reason = "") -> None:
    """Say that SSO is not in the subscription agreement; the go-live ends."""
    _order(by, lambda orders: orders.decline_entitlement(organisation, reason))
    print(f"{organisation}: the entitlement is declined; the go-live ends as not entitled.")


def _engine(settings: Settings | None = None) -> Any:
    return connections.database(settings or read_settings())


def _order(by: str | None, give: Callable[[Orders], Awaitable[Result]]) -> Result:
    settings = read_settings()

    async def run() -> Result:
        client = await connections.temporal()
        return await give(Orders(_engine(settings), client, by or getpass.getuser()))

    return asyncio.run(run())


def _print_status(organisation: str) -> None:
    for name, words in reading.five_lines(reading.standing(_engine(), organisation)):
        out.print(f"[bold]{name:<10}[/bold]{words}", markup=True)


def _print_json(data: object) -> None:
    print(json.dumps(data, default=str, indent=2, ensure_ascii=False))


def main() -> int:
    """Run one command and return its exit status."""
    try:
        app(standalone_mode=False)
    except typer.Exit as ending:
        return ending.exit_code
    except typer.Abort:
        return 1
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    except CommandError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


if __name__ == "__main__":
    leave(main())

"""Starts and steers go-lives from the shell."""

import asyncio
import getpass
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer
from rich.console import Console
from rich.text import Text

from bootstrap import connections
from bootstrap.exit import leave
from commands import (
    domains,
    erasure,
    imports,
    migration,
    registration,
    rehearsal,
    resending,
    setup,
    signing_keys,
    staff_addresses,
    staff_bindings,
    standings,
    terminal,
    user_decisions,
)
from commands.errors import CommandError, UsageError
from commands.orders import Orders
from commands.people_in_charge import PeopleChangeResult, PeopleInCharge, signal_people_changed
from commands.resending import Resent
from contracts import rules
from contracts.clock import wall_clock
from contracts.clouds import NAMES, Cloud, cloud_of
from contracts.links import LinkSigner
from contracts.orders import ORDER_RULES, Order
from contracts.problems import Problem
from database import grants as database_grants
from database.engine import MIGRATIONS, open_sessions
from graph.client import GraphClient
from settings import Settings, SettingsError, read_settings
from wording import registration as words_of_registration
from wording import rehearsal as words_of_rehearsal
from wording import shell
from wording.durations import in_words

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
OrderId = Annotated[
    UUID | None,
    typer.Option(
        "--order-id",
        metavar="ID",
        help="Repeats an order that got no answer; nothing is done twice.",
        show_default=False,
    ),
]
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="The person's e-mail address.")]
Result = TypeVar("Result")


def _why(order: Order) -> Any:
    """Return the option for the reason of an order, which says whether the order needs one."""
    needed = "needed, and " if ORDER_RULES[order].needs_reason else ""
    return typer.Option(help=f"Why; {needed}kept in the audit trail.")


@app.command("setup")
def set_up(
    grants: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE",
            help="Only print the SQL that lets another database role serve, which owns nothing.",
        ),
    ] = None,
    replace_secret_key: Annotated[
        bool,
        typer.Option(
            "--replace-secret-key",
            help="Go on without the key that signed the links in people's mail; it is lost.",
        ),
    ] = False,
) -> None:
    """Create or update the tables, and register the search attributes at Temporal."""
    settings = read_settings()
    engine = connections.database(settings, MIGRATIONS)
    if grants is not None:
        print(database_grants.script(engine.url.database or "", grants), end="")
        return
    setup.set_up_database(engine)
    print(shell.SET_UP_DATABASE)
    signing_keys.check(
        open_sessions(engine), LinkSigner(settings.secret_keys), replace=replace_secret_key
    )

    async def register() -> list[str]:
        client = await connections.temporal(settings)
        # First what needs no more than the right to work here: the rest may need somebody else.
        await setup.set_up_digest(client)
        print(shell.SET_UP_DIGEST)
        return await setup.set_up_temporal(client)

    added = asyncio.run(register())
    print(shell.search_attributes_known(len(added)))


@app.command("check-settings")
def check_settings() -> None:
    """Check every setting, and the files they name; ask no server."""
    read_settings()
    print(shell.SETTINGS_ARE_GOOD)


@app.command("verify-registration")
def verify_registration(
    tenant: Annotated[
        str | None,
        typer.Option(
            metavar="TENANT", help="Its id or a domain; else your own (GOLIVE_STAFF_TENANT_ID)."
        ),
    ] = None,
    sign_in: Annotated[
        bool,
        typer.Option(
            "--sign-in", help="Sign in by a browser, too: app roles and optional claims show then."
        ),
    ] = False,
    transcript: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write what Microsoft answered, for a developer: no token, secret or person.",
        ),
    ] = None,
) -> None:
    """Check our app registration at Microsoft as a go-live uses it; change nothing."""
    settings = read_settings()
    named = tenant or settings.staff_tenant_id
    if named is None:
        raise UsageError(Problem.NO_TENANT_NAMED)
    with connections.http(settings) as http:
        entra = connections.entra_client(settings, http)
        graph = GraphClient(http, settings.graph_url, entra)
        checked = registration.check(
            connections.registration_settings(settings),
            http,
            entra,
            graph,
            named,
            partial(terminal.ask_for_sign_in, settings.public_url) if sign_in else None,
        )
    if transcript is not None:
        registration.write_transcript(checked, transcript)
    names = {
        "tenant": named,
        "client_id": settings.client_id,
        "authority": settings.entra_authority,
        "cloud": NAMES[cloud_of(settings.entra_authority) or Cloud.WORLDWIDE],
        "public_url": settings.public_url,
    }
    _print_lines(words_of_registration.lines(checked.results, names, out.width))
    if not checked.is_good:
        raise typer.Exit(1)


@app.command("import")
def import_csv(
    organisations: Annotated[Path, typer.Argument(metavar="ORGANISATIONS.csv")],
    users: Annotated[Path, typer.Argument(metavar="USERS.csv")],
    by: By = None,
) -> None:
    """Import organisations and users; a file with any fault is not imported at all."""
    settings = read_settings()
    engine = connections.database(settings)
    imported = imports.import_files(engine, organisations, users, _name(by))
    print(shell.imported(imported.organisations, imported.users))

    async def signal_go_lives() -> None:
        client = await connections.temporal(settings)
        for one in imported.handed_over:
            await signal_people_changed(client, one.slug, one.owner)
            print(shell.go_live_handed_over(one.slug, one.owner))

    if imported.handed_over:
        asyncio.run(signal_go_lives())


@app.command()
def start(
    organisation: Organisation,
    by: By = None,
    aftercare_days: Annotated[
        int,
        typer.Option(
            help="Days the go-live stays open after the move.", min=0, max=rules.MOST_AFTERCARE_DAYS
        ),
    ] = rules.AFTERCARE_DAYS,
    as_json: AsJson = False,
) -> None:
    """Start an organisation's go-live; where one runs already, show it."""
    started = _order(by, lambda orders: orders.start(organisation, aftercare_days=aftercare_days))
    if as_json:
        _print_json(started.__dict__)
        return
    if started.resumed_after is not None:
        print(started.resumed_after)
    else:
        print(
            shell.started(
                organisation,
                started.number,
                started.workflow_id,
                already_running=started.already_running,
            )
        )
    terminal.status(_engine(), organisation, out)


@app.command()
def status(organisation: Organisation, as_json: AsJson = False) -> None:
    """Say in five lines where a go-live stands and who moves next."""
    if as_json:
        found = standings.standing(_engine(), organisation)
        refused = [
            asdict(one)
            | {
                "words": shell.mail_refused(
                    organisation, one.address, one.whose, one.ask, one.unclear
                )
            }
            for one in standings.refused_mail(_engine(), found)
        ]
        _print_json(
            standings.as_data(found)
            | domains.as_data(_engine(), organisation)
            | {"refused_mail": refused}
        )
    else:
        terminal.status(_engine(), organisation, out)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List every organisation; what needs attention first."""
    found = standings.every_standing(_engine())
    if as_json:
        _print_json([standings.as_data(one) for one in found])
        return
    out.print(terminal.listed(found, out))


@app.command()
def explain(organisation: Organisation, as_json: AsJson = False) -> None:
    """Say in sentences where a go-live stands, whose turn it is and what comes by itself."""
    found = standings.standing(_engine(), organisation)
    if as_json:
        _print_json({"organisation": found.slug, "explanation": standings.explanation(found)})
    else:
        out.print(standings.explanation(found))


@app.command()
def watch(organisation: Organisation) -> None:
    """Show a go-live as it goes, until it ends or Ctrl-C."""
    terminal.watch(_engine(), organisation, Console(highlight=False))


@app.command()
def rehearse(organisation: Organisation, as_json: AsJson = False) -> None:
    """Print every mail and date of an organisation's own schedule; nothing is sent."""
    rehearsed = rehearsal.rehearse(_engine(), organisation, wall_clock())
    if as_json:
        _print_json(rehearsal.as_data(rehearsed))
    else:
        print("\n".join(words_of_rehearsal.lines(rehearsed)))


# --- orders ---------------------------------------------------------------------------------------


@app.command("confirm-entitlement")
def confirm_entitlement(
    organisation: Organisation,
    by: By = None,
    reason: Annotated[str, _why(Order.CONFIRM_ENTITLEMENT)] = "",
    order_id: OrderId = None,
) -> None:
    """Say that SSO is in the subscription agreement; the go-live goes on."""
    _order(by, lambda orders: orders.confirm_entitlement(organisation, reason, order_id=order_id))
    print(shell.ordered(organisation, Order.CONFIRM_ENTITLEMENT))


@app.command("decline-entitlement")
def decline_entitlement(
    organisation: Organisation,
    by: By = None,
    reason: Annotated[str, _why(Order.DECLINE_ENTITLEMENT)] = "",
    order_id: OrderId = None,
) -> None:
    """Say that SSO is not in the subscription agreement; the go-live ends."""
    _order(by, lambda orders: orders.decline_entitlement(organisation, reason, order_id=order_id))
    print(shell.ordered(organisation, Order.DECLINE_ENTITLEMENT))


@app.command()
def acknowledge(
    organisation: Organisation,
    move_at: Annotated[
        str | None, typer.Option(help="When users move: a day or an hour, such as 2026-12-31T09:00")
    ] = None,
    by: By = None,
    reason: Annotated[str, _why(Order.ACKNOWLEDGE_IT)] = "",
    order_id: OrderId = None,
) -> None:
    """Say for customer IT that it has read the pack, and when its users may move."""
    progress = _order(
        by, lambda orders: orders.acknowledge(organisation, move_at, reason, order_id=order_id)
    )
    print(shell.acknowledged(organisation, move_at, progress))


@app.command()
def pause(
    organisation: Organisation,
    by: By = None,
    reason: Annotated[str, _why(Order.PAUSE)] = "",
    order_id: OrderId = None,
) -> None:
    """Hold reminders and moves until resumed; a consent that arrives still counts."""
    _order(by, lambda orders: orders.pause(organisation, reason, order_id=order_id))
    print(shell.ordered(organisation, Order.PAUSE))


@app.command()
def resume(
    organisation: Organisation,
    by: By = None,
    reason: Annotated[str, _why(Order.RESUME)] = "",
    order_id: OrderId = None,
) -> None:
    """Go on after a pause; dates from before it move by it, those chosen during it stay."""
    progress = _order(by, lambda orders: orders.resume(organisation, reason, order_id=order_id))
    print(shell.resumed(organisation, progress))


@app.command()
def retry(
    organisation: Organisation,
    by: By = None,
    reason: Annotated[str, _why(Order.RETRY)] = "",
    order_id: OrderId = None,
) -> None:
    """Try again what needs attention."""
    _order(by, lambda orders: orders.retry(organisation, reason, order_id=order_id))
    print(shell.ordered(organisation, Order.RETRY))


@app.command()
def skip(
    organisation: Organisation,
    by: By = None,
    reason: Annotated[str, _why(Order.SKIP)] = "",
    order_id: OrderId = None,
) -> None:
    """Go on without the IT team's acknowledgement, or without a mail that cannot be delivered."""
    _order(by, lambda orders: orders.skip(organisation, reason, order_id=order_id))
    print(shell.ordered(organisation, Order.SKIP))


@app.command()
def extend(
    organisation: Organisation,
    until: Annotated[str | None, typer.Option(help="A day or an hour, such as 2026-12-31")] = None,
    days: Annotated[
        int,
        typer.Option(
            min=1, max=rules.MOST_EXTENSION_DAYS, help="How much later, where no date is given."
        ),
    ] = rules.EXTENSION_DAYS,
    by: By = None,
    reason: Annotated[str, _why(Order.EXTEND_DEADLINE)] = "",
    order_id: OrderId = None,
) -> None:
    """Move the deadline of the present wait."""
    progress = _order(
        by,
        lambda orders: orders.extend(
            organisation, until, days=days, reason=reason, order_id=order_id
        ),
    )
    print(shell.extended(organisation, progress))


@app.command("roll-back")
def roll_back(
    organisation: Organisation,
    by: By = None,
    reason: Annotated[str, _why(Order.ROLL_BACK)] = "",
    order_id: OrderId = None,
) -> None:
    """Undo everything and end; people log in as before."""
    _order(by, lambda orders: orders.roll_back(organisation, reason, order_id=order_id))
    print(shell.ordered(organisation, Order.ROLL_BACK))


@app.command("confirm-consent")
def confirm_consent(
    organisation: Organisation,
    by: By = None,
    reason: Annotated[str, _why(Order.CONFIRM_CONSENT)] = "",
    order_id: OrderId = None,
) -> None:
    """Accept a consent that stood before this go-live; it is checked at Microsoft all the same."""
    _order(by, lambda orders: orders.confirm_consent(organisation, reason, order_id=order_id))
    print(shell.ordered(organisation, Order.CONFIRM_CONSENT))


@app.command("close-declined")
def close_declined(
    organisation: Organisation,
    by: By = None,
    reason: Annotated[str, _why(Order.CLOSE_DECLINED)] = "",
    order_id: OrderId = None,
) -> None:
    """End a go-live whose customer declined the consent for good."""
    _order(by, lambda orders: orders.close_declined(organisation, reason, order_id=order_id))
    print(shell.ordered(organisation, Order.CLOSE_DECLINED))


@app.command()
def confirm(
    organisation: Organisation,
    order_id: Annotated[UUID, typer.Argument(metavar="ORDER_ID", help="As the shell said it.")],
    by: By = None,
) -> None:
    """Confirm what another member of staff ordered, within an hour, so that it is given."""
    settings = read_settings()
    engine = _engine(settings)
    if user_decisions.is_link_to_confirm(engine, order_id):
        with connections.microsoft(settings) as graph:
            user_decisions.confirm_link(engine, graph, _name(by), organisation, order_id)
    else:
        _order(by, lambda orders: orders.confirm(organisation, order_id))
    print(shell.confirmed(organisation))


# --- who looks after it ---------------------------------------------------------------------------


@app.command("hand-over")
def hand_over(
    organisation: Organisation,
    handle: Annotated[str, typer.Argument(metavar="HANDLE", help="Whose it is from now on.")],
    by: By = None,
    reason: Reason = "",
) -> None:
    """Hand an organisation and its go-live to another customer success manager."""
    _change(by, lambda people: people.change_owner(organisation, handle, reason))
    print(shell.handed_over(organisation, handle))


@app.command("staff-address")
def staff_address(
    handle: Annotated[str, typer.Argument(metavar="HANDLE", help="Whose address changes.")],
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The new one.")],
    by: By = None,
    reason: Annotated[str, typer.Option(help="Why; needed, and kept in the audit trail.")] = "",
) -> None:
    """Change the address of one of us; the old address is told first."""
    settings = read_settings()
    with connections.mailer(settings) as mailer:
        changed = staff_addresses.change(
            _engine(settings),
            mailer,
            connections.branding(settings),
            settings.mail_from,
            by=_name(by),
            handle=handle,
            address=address,
            reason=reason,
        )
    print(
        shell.address_changed(
            handle, address, changed.old_address, old_was_told=changed.old_was_told
        )
    )


@app.command()
def contact(
    organisation: Organisation,
    person: Annotated[
        str, typer.Argument(metavar="CONTACT", help='Written "Ira Tee <ira.tee@acme.example>".')
    ],
    instead_of: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Who leaves: no mail, and their links die.")
    ] = "",
    first: Annotated[bool, typer.Option("--first", help="Ask this one before the others.")] = False,
    by: By = None,
    reason: Reason = "",
) -> None:
    """Name an IT contact, in somebody's stead or besides the others; corrects a name, too."""
    changed = _change(
        by,
        lambda people: people.name_contact(
            organisation, person, instead_of=instead_of, first=first, reason=reason
        ),
    )
    print(shell.contact_named(organisation, person))
    if changed.pack_sent:
        print(shell.PACK_SENT)
    if instead_of:
        print(shell.contact_left(instead_of))


@app.command("remove-contact")
def remove_contact(
    organisation: Organisation, address: Address, by: By = None, reason: Reason = ""
) -> None:
    """Write to an IT contact no more; the links sent there no longer work."""
    _change(by, lambda people: people.remove_contact(organisation, address, reason))
    print(shell.contact_left(address, organisation))


@app.command()
def resend(
    organisation: Organisation,
    all_refused: Annotated[
        bool, typer.Option("--all-refused", help="Those to users, too, however many.")
    ] = False,
    by: By = None,
    reason: Reason = "",
) -> None:
    """Send mails again that were refused: those to contacts and to us."""
    settings = read_settings()

    async def run() -> Resent:
        client = await connections.temporal()
        return await resending.resend(
            _engine(settings), client, _name(by), organisation, reason, to_users=all_refused
        )

    resent = asyncio.run(run())
    print(shell.resent(organisation, resent.mails, signalled=resent.signalled))


# --- moving users ---------------------------------------------------------------------------------


@app.command()
def plan(
    organisation: Organisation,
    csv_file: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write every user into this file; - prints."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say who would move and who could not, by the Microsoft directory of now; change nothing."""
    settings = read_settings()
    with (
        connections.microsoft(settings) as microsoft,
        migration.dry_run(
            _engine(settings), microsoft, organisation, everyone=csv_file is not None
        ) as found,
    ):
        if csv_file is not None:
            terminal.write_csv(found.decisions, csv_file)
        if csv_file == terminal.STANDARD_OUTPUT:
            return
        if as_json:
            _print_json(migration.plan_data(found))
        else:
            _print_lines(migration.plan_lines(found))


@app.command()
def exceptions(
    organisation: Organisation,
    csv_file: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write all of them into this file; - prints."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List whom the plan cannot move: why, what to do, and who does it."""
    with migration.exceptions(_engine(), organisation) as (counts, users):
        if csv_file is not None:
            terminal.write_csv(users, csv_file)
        elif as_json:
            listed = [migration.row(one) for one in users]
            _print_json({"organisation": organisation, "counts": counts, "exceptions": listed})
        else:
            _print_lines(migration.exception_lines("exceptions", organisation, counts, users))


@app.command(
    help="Approve exactly this plan; refused with the difference if it has changed since.\n\n"
    f"Where the plan is more than {in_words(rules.PLAN_LIFE)} old, the directory is read once more "
    "before anyone moves, and again after a long wait for the first sign-in. If the plan is still "
    "the same, users move by it; otherwise the new one waits for approval, unless it keeps to the "
    "threshold."
)
def approve(
    organisation: Organisation,
    plan_hash: Annotated[
        str, typer.Option("--plan", metavar="HASH", help="The plan's hash, or 8 characters of it.")
    ],
    by: By = None,
    reason: Annotated[str, _why(Order.APPROVE_MIGRATION)] = "",
    order_id: OrderId = None,
) -> None:
    """Approve exactly this plan."""

    async def give(orders: Orders) -> None:
        await migration.approve(
            orders, _engine(), organisation, plan_hash, reason, order_id=order_id
        )

    _order(by, give)
    print(shell.approved(organisation, plan_hash))


@app.command()
def replan(
    organisation: Organisation,
    by: By = None,
    reason: Annotated[str, _why(Order.REPLAN)] = "",
    order_id: OrderId = None,
) -> None:
    """Read the Microsoft directory again and move who became possible."""
    _order(by, lambda orders: orders.replan(organisation, reason, order_id=order_id))
    print(shell.ordered(organisation, Order.REPLAN))


@app.command()
def link(
    organisation: Organisation,
    address: Address,
    object_id: Annotated[str, typer.Argument(metavar="OBJECT_ID", help="Microsoft's object id.")],
    by: By = None,
    reason: Reason = "",
    order_id: OrderId = None,
) -> None:
    """Decide that a user is this Microsoft account; for one who has moved, at once.

    Where the user has signed in with another account, another member of staff confirms it first.
    """
    settings = read_settings()
    engine = _engine(settings)
    with connections.microsoft(settings) as graph:
        effect = user_decisions.link(
            engine, graph, _name(by), organisation, address, object_id, reason, order_id=order_id
        )
    print(shell.linked(organisation, address, effect))


@app.command()
def exclude(
    organisation: Organisation, address: Address, by: By = None, reason: Reason = ""
) -> None:
    """Decide that a user is left out of the move and keeps the password."""
    effect = user_decisions.exclude(_engine(), _name(by), organisation, address, reason)
    print(shell.excluded(organisation, address, effect))


@app.command()
def include(
    organisation: Organisation, address: Address, by: By = None, reason: Reason = ""
) -> None:
    """Take an earlier link or exclude back."""
    effect = user_decisions.include(_engine(), _name(by), organisation, address, reason)
    print(shell.included(organisation, address, effect))


@app.command("remove-domain")
def remove_domain(
    organisation: Organisation, domain: str, by: By = None, reason: Reason = ""
) -> None:
    """Take a wrong e-mail domain off an organisation's list; import only adds."""
    domains.remove(_engine(), organisation, domain, _name(by), reason)
    print(shell.domain_removed(organisation, domain))


@app.command("unbind-staff")
def unbind_staff(
    handle: Annotated[str, typer.Argument(metavar="HANDLE", help="Whose binding is undone.")],
    by: By = None,
    reason: Reason = "",
) -> None:
    """Undo which Microsoft account a member of staff is; the next sign-in binds anew."""
    was_bound = staff_bindings.unbind(_engine(), handle, by=_name(by), reason=reason)
    print(shell.unbound(handle, was_bound=was_bound))


@app.command()
def forget(
    organisation: Organisation,
    user: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Only the person with this address.")
    ] = None,
    by: By = None,
    reason: Reason = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; it cannot be undone.")] = False,
) -> None:
    """Remove an organisation's people for good; a go-live must not be open."""
    if not yes and not typer.confirm(shell.ask_to_forget(organisation, user)):
        raise CommandError(Problem.NOT_CONFIRMED)
    done = erasure.erase_people(_engine(), organisation, user, _name(by), reason)
    print("\n".join(erasure.lines(organisation, user, done)))


def _print_lines(lines: list[str]) -> None:
    for line in lines:
        out.print(Text(line))


# --- small things ---------------------------------------------------------------------------------


def _engine(settings: Settings | None = None) -> Any:
    return connections.database(settings or read_settings())


def _order(by: str | None, give: Callable[[Orders], Awaitable[Result]]) -> Result:
    settings = read_settings()

    async def run() -> Result:
        client = await connections.temporal(settings)
        return await give(Orders(_engine(settings), client, _name(by), settings.public_url))

    return asyncio.run(run())


def _change(
    by: str | None, change: Callable[[PeopleInCharge], Awaitable[PeopleChangeResult]]
) -> PeopleChangeResult:
    settings = read_settings()

    async def run() -> PeopleChangeResult:
        client = await connections.temporal(settings)
        return await change(PeopleInCharge(_engine(settings), client, _name(by)))

    return asyncio.run(run())


def _name(by: str | None) -> str:
    return by or getpass.getuser()


def _print_json(data: object) -> None:
    print(json.dumps(data, default=str, indent=2, ensure_ascii=False))


def main() -> int:
    """Run one command and return its exit status."""
    try:
        app()
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 1
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    except CommandError as error:
        print(error.words(shell.said_of), file=sys.stderr)
        return error.exit_status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


if __name__ == "__main__":
    leave(main())

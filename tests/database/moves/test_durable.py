"""What the workflow is told has moved is on the disk, though no batch waited for it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.directory import DirectoryActivities
from contracts.directory import Wave, WaveToMove
from database.engine import migrate, open_engine, open_sessions
from graph.client import GraphClient
from graph.credentials import ClientSecret
from graph.tokens import EntraClient
from graph.transport import open_http
from local.ports import free_port
from local.postgresql import NAME, postgresql_part, url
from local.supervisor import Supervisor
from tests.database.customers import AT, account, customer

USERS = 30
NOWHERE = "http://127.0.0.1:9"
"""Microsoft is not asked while users move."""


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[tuple[Supervisor, str]]:
    """A PostgreSQL as in production, but slow to write on its own accord what did not wait."""
    port = free_port()
    part = postgresql_part(tmp_path / "pg", port)
    slow = replace(part, command=(*part.command, "-c", "wal_writer_delay=10s"))
    supervisor = Supervisor(tmp_path / "logs")
    with supervisor.running(slow):
        yield supervisor, url(port)


def test_whoever_is_said_to_have_moved_has_though_postgresql_is_killed_at_once(
    killed: tuple[Supervisor, str],
) -> None:
    supervisor, database = killed
    engine = open_engine(database)
    migrate(engine)
    sessions = open_sessions(engine)
    addresses = [f"user{number}@acme.example" for number in range(USERS)]
    with sessions.begin() as session:
        made = customer(session, "acme.example")
        for address in addresses:
            made.user(address, group_name="pilot")
        made.stage([account(address) for address in addresses])
        plan = made.plan()
    with open_http() as http:
        entra = EntraClient(
            authority=NOWHERE,
            client_id="11111111-2222-3333-4444-555555555555",
            credential=ClientSecret("a-secret-for-tests"),
            http=http,
            clock=AT.timestamp,
        )
        rooms = DirectoryActivities(sessions, GraphClient(http, NOWHERE, entra), http, NOWHERE)
        order = WaveToMove(str(made.go_live_id), plan.plan_hash, Wave.FIRST, AT, 14)
        moved = ActivityEnvironment().run(rooms.move_wave, order)
    supervisor.kill(NAME)
    assert moved.moved == USERS
    engine.dispose()
    supervisor.restart(NAME)
    with sessions.begin() as session:
        kept = session.execute(
            text(
                "SELECT count(*), (SELECT count(*) FROM golive.mail WHERE go_live_id = :g), "
                "(SELECT count(*) FROM golive.audit_entry WHERE go_live_id = :g) "
                "FROM golive.user_move WHERE go_live_id = :g AND moved_at IS NOT NULL"
            ),
            {"g": made.go_live_id},
        ).one()
    engine.dispose()
    assert tuple(kept) == (USERS, USERS, USERS)

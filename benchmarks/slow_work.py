"""How long somebody else's log-in takes beside slow work of many others, and who is turned away.

The whole product runs as separate processes on this machine. For each kind of slow work, rounds
without and with it take turns, so that whatever else the machine does weighs on both alike; a ratio
is the slowest twentieth (p95) of all log-ins beside the work by that of all quiet ones. Each log-in
beside it begins when all of the work has just been asked for at once, and the next one comes when
all of that has its answer.
Run: `python -m benchmarks slow_work`, or `python -m benchmarks.slow_work passwords documents`.
"""

import asyncio
import json
import multiprocessing
import os
import re
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import Engine, text
from sqlmodel import select

from activities.mail_content import PACK_FILE
from benchmarks import slow_work_load
from benchmarks.fairness import LARGE, Scene, found, seed_of
from benchmarks.slow_work_load import Work
from bootstrap import connections
from bootstrap.exit import leave
from contracts.clock import wall_clock
from contracts.orders import Role
from database.engine import open_engine, open_sessions
from database.models import Staff
from database.people import staff
from local import loopback
from local.ports import HOST, Ports
from local.stack import Stack

DIRECTORY = 10_000
"""Accounts that a dry run reads; as many users of ours."""
EXCEPTIONS = 30_000
"""Users of the list that nobody reads: 6 MB, more than lies on its way in the network."""
ROUNDS, LOG_INS = 4, 10
"""Rounds of each kind, half of them quiet, and log-ins of each half."""
STAFF_TOKEN = secrets.token_urlsafe(32)
WORDS = "correct horse battery staple"
_FORM_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


@dataclass
class LogIns:
    """Log-ins of one half of the rounds."""

    seconds: list[float] = field(default_factory=list)
    turned_away: int = 0

    def p95(self) -> float:
        """Return what one of twenty took at least."""
        return statistics.quantiles(self.seconds, n=20)[-1]


class Visitor:
    """Somebody who logs in by a password, each time as another user from another place."""

    def __init__(self, web: str) -> None:
        """Come to this web."""
        self._http = loopback.client(base_url=web, timeout=120)
        self._numbers = count()

    def log_in(self, into: LogIns) -> None:
        """Open the login page and send the right password."""
        number = next(self._numbers)
        self._http.cookies.clear()
        began = time.perf_counter()
        form = _FORM_TOKEN.search(self._http.get("/login").text)
        fields = {"email": f"user{number % DIRECTORY}@{LARGE}.example", "password": WORDS}
        answer = self._http.post(
            "/login/password",
            data={"form_token": form.group(1) if form else "", **fields},
            headers={"X-Forwarded-For": f"198.18.{number // 250}.{number % 250 + 1}"},
        )
        into.seconds.append(time.perf_counter() - began)
        if answer.status_code == 503:
            into.turned_away += 1
        elif answer.status_code != 303:
            raise SystemExit(f"A log-in was answered by {answer.status_code}.")


def measure(chosen: list[str] | None = None) -> dict[str, float]:
    """Return every figure of this benchmark by its key in `results.json`."""
    with tempfile.TemporaryDirectory(prefix="golive-slow-work-") as folder:
        seed = Path(folder) / "seed.json"
        seed.write_text(json.dumps(seed_of(DIRECTORY)))
        stack = Stack(Path(folder) / "state", Ports.free(), seed=seed)
        with stack.running():
            os.environ.update(stack.environment())
            engine = open_engine(os.environ["GOLIVE_DATABASE_URL"])
            asyncio.run(_prepare(stack, engine, Path(folder)))
            figures = _measure(stack, engine, chosen or [*Work])
            engine.dispose()
            return figures


def _measure(stack: Stack, engine: Engine, chosen: list[str]) -> dict[str, float]:
    web = f"http://{HOST}:{stack.ports.web}"
    mailbox = f"http://{HOST}:{stack.ports.mailbox}"
    visitor = Visitor(web)
    visitor.log_in(LogIns())
    figures: dict[str, float] = {}
    for work in map(Work, chosen):
        what = _link_to_pack(web, mailbox) if work is Work.DOCUMENTS else ""
        quiet, beside = LogIns(), LogIns()
        for number in range(ROUNDS):
            print(f"{work}: round {number + 1} of {ROUNDS}", flush=True)
            for _ in range(LOG_INS):
                visitor.log_in(quiet)
            with _BESIDE.get(work, _load)(web, work, number, what, engine) as at_once:
                for _ in range(LOG_INS):
                    with at_once():
                        visitor.log_in(beside)
        turned_away = beside.turned_away / len(beside.seconds)
        print(
            f"{work}: quiet p95 {quiet.p95() * 1000:.0f} ms, beside {beside.p95() * 1000:.0f} ms "
            f"(median {statistics.median(quiet.seconds) * 1000:.0f} and "
            f"{statistics.median(beside.seconds) * 1000:.0f}), {turned_away:.0%} turned away",
            flush=True,
        )
        figures[f"beside_{work}_ratio"] = round(beside.p95() / quiet.p95(), 2)
        figures[f"beside_{work}_p95_ms"] = round(beside.p95() * 1000)
        figures["beside_turned_away"] = max(
            figures.get("beside_turned_away", 0), round(turned_away, 3)
        )
    return figures


@contextmanager
def _load(
    web: str, work: Work, number: int, what: str, engine: Engine
) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Give what has all of this work done at once, by another process, beside a block."""
    del engine
    context = multiprocessing.get_context("spawn")
    line, its_end = context.Pipe()
    process = context.Process(
        target=slow_work_load.main, args=(web, work, number, what, STAFF_TOKEN, its_end)
    )
    process.start()
    its_end.close()
    begun = False

    @contextmanager
    def at_once() -> Iterator[None]:
        nonlocal begun
        if work is not Work.LISTS:
            line.send(True)
            time.sleep(0.05)
            yield
            line.recv()
            return
        if not begun:
            line.send(True)
            line.recv()
        begun = True
        yield

    try:
        line.recv()
        yield at_once
    finally:
        process.kill()
        process.join()


@contextmanager
def _undeliverable(
    web: str, work: Work, number: int, what: str, engine: Engine
) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Lay an entry that no run can take before ten others, all of which must leave."""
    del web, work, number, what
    with engine.begin() as connection:
        for argument, many in (({"unknown": 1}, 1), ({"by": "contact:x", "number": 1}, 10)):
            connection.execute(text(_OUTBOX), {"argument": json.dumps(argument), "many": many})
    yield nullcontext
    give_up = time.monotonic() + 120
    left = "SELECT count(*) FROM golive.outbox WHERE set_aside_because IS NULL"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while connection.execute(text(left)).scalar_one():
            if time.monotonic() > give_up:
                raise SystemExit("Later entries of the outbox wait behind one that cannot leave.")
            time.sleep(0.2)


_BESIDE: dict[Work, Callable[..., Any]] = {Work.OUTBOX: _undeliverable}
_OUTBOX = (
    "INSERT INTO golive.outbox (go_live_id, signal, argument, enqueued_at) "
    "SELECT g.id, 'it_acknowledged', CAST(:argument AS jsonb), now() - interval '1 hour' "
    "FROM golive.go_live g, generate_series(1, :many)"
)


def _link_to_pack(web: str, mailbox: str) -> str:
    address = f"it@{LARGE}.example"
    for one in loopback.get(f"{mailbox}/api/messages", params={"to": address}).json():
        words = loopback.get(f"{mailbox}/api/messages/{one['id']}").json()["text"]
        if link := re.search(rf"{re.escape(web)}/setup/\S+", words):
            return f"{link.group()}/{PACK_FILE}"
    raise SystemExit("The IT pack has no link.")


async def _prepare(stack: Stack, engine: Engine, folder: Path) -> None:
    """Bring one large organisation to its move, with a long list of exceptions."""
    await asyncio.to_thread(found, engine, folder, DIRECTORY)
    await Scene(stack, engine, await connections.temporal()).to_its_date(LARGE)
    with open_sessions(engine).begin() as session:
        for statement in _ROWS:
            session.execute(
                text(statement),
                {"hash": PasswordHasher().hash(WORDS), "exceptions": EXCEPTIONS, "slug": LARGE},
            )
        dana = session.exec(select(Staff.id).where(Staff.handle == "dana")).one()
        staff.open_session(session, dana, STAFF_TOKEN, Role.MANAGER, wall_clock())
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


_ROWS = (
    "INSERT INTO pulse.password (user_id, argon2) SELECT id, :hash FROM pulse.app_user",
    "INSERT INTO pulse.app_user (id, organisation_id, address, address_key, display_name, status, "
    "sign_in_method, group_name) SELECT gen_random_uuid(), o.id, a, a, 'Ghost', 'active', "
    "'password', '' FROM pulse.organisation o, (SELECT 'ghost' || k || '@large.example' AS a "
    "FROM generate_series(1, :exceptions) k) named WHERE o.slug = :slug",
    "INSERT INTO golive.user_move (go_live_id, user_id, position, move_class, reason, wave, "
    "prior_sign_in_method, prior_status) SELECT g.id, u.id, row_number() OVER (), 'exception', "
    "'no_match', 'rest', 'password', 'active' FROM golive.go_live g JOIN pulse.app_user u "
    "ON u.organisation_id = g.organisation_id WHERE u.display_name = 'Ghost'",
    "UPDATE golive.go_live SET plan_hash = repeat('0', 64)",
)

if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1:]), indent=2))
    leave(0)

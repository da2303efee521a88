"""How fast the login page and the console's list are, against a bare page as large.

Run: `python -m benchmarks.web_pages`. Each side is one process; both are asked in turns over one
kept connection, and the best round of each counts. The list holds 1,000 organisations.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
from sqlalchemy import text

from benchmarks import web_floor
from commands import setup
from contracts.orders import Role
from database.engine import open_engine, open_sessions
from database.models import GoLive, Organisation, OrganisationDomain, Preference, Staff
from database.people import staff
from local.ports import Ports
from local.postgresql import running_postgresql

ORGANISATIONS = 1_000
REQUESTS = 150
ROUNDS = 5


@contextmanager
def served(*command: str, port: int, environment: dict[str, str]) -> Iterator[str]:
    """Run a web process until the block ends; gives its address."""
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        [sys.executable, *command, "--port", str(port)], env={**os.environ, **environment}
    ) as process:
        try:
            give_up = time.monotonic() + 30
            while time.monotonic() < give_up:
                try:
                    if httpx2.get(f"{address}/health", trust_env=False).is_success:
                        break
                except httpx2.TransportError:
                    time.sleep(0.05)
            yield address
        finally:
            process.terminate()


def requests_per_second(client: httpx2.Client, path: str) -> float:
    """Ask for one page again and again, one after the other."""
    start = time.perf_counter()
    for _ in range(REQUESTS):
        if client.get(path).status_code != 200:
            raise RuntimeError(f"{path} did not answer")
    return REQUESTS / (time.perf_counter() - start)


def filled(url: str) -> str:
    """Make the tables and 1,000 organisations; return the token of a console session."""
    engine, token = open_engine(url), secrets.token_urlsafe(32)
    setup.set_up_database(engine)
    at = datetime.now(UTC)
    with open_sessions(engine).begin() as session:
        dana = Staff(handle="dana", address="d@example.com", address_key="d@example.com")
        made = [
            Organisation(slug=f"org-{number}", name=f"Organisation {number}")
            for number in range(ORGANISATIONS)
        ]
        session.add_all([dana, *made])
        session.flush()
        for number, one in enumerate(made):
            session.add(Preference(organisation_id=one.id, owner_id=dana.id))
            session.add(OrganisationDomain(domain=f"{one.slug}.example", organisation_id=one.id))
            session.add(
                GoLive(
                    organisation_id=one.id,
                    number=1,
                    owner_id=dana.id,
                    started_at=at,
                    stage="admin_consent_awaited",
                    wait="admin_consent",
                    since=at,
                    due_at=at + timedelta(days=9),
                    attention="mail_refused" if number % 10 == 7 else None,
                )
            )
        staff.open_session(session, dana.id, token, Role.MANAGER, at)
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    engine.dispose()
    return token


def measure() -> dict[str, float]:
    """Every figure of this benchmark by its key in `results.json`."""
    ports = Ports.free()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(running_postgresql(folder / "pg", ports.postgresql))
        token = filled(url)
        settings = {
            "GOLIVE_DATABASE_URL": url,
            "GOLIVE_CLIENT_ID": "11111111-2222-3333-4444-555555555555",
            "GOLIVE_CLIENT_SECRET": "benchmark",
            "GOLIVE_SMTP_URL": "smtp://127.0.0.1:1",
            "GOLIVE_MAIL_FROM": "sso@example.com",
            "GOLIVE_SUPPORT_ADDRESS": "support@example.com",
            "GOLIVE_PUBLIC_URL": f"http://127.0.0.1:{ports.web}",
            "GOLIVE_SECRET_KEY": secrets.token_hex(),
        }
        ours = stack.enter_context(served("-m", "web", port=ports.web, environment=settings))
        bare = stack.enter_context(
            served("-m", web_floor.__name__, port=ports.simulator, environment={})
        )
        client = stack.enter_context(
            httpx2.Client(
                base_url=ours, trust_env=False, cookies={"pulse_staff": token}, timeout=30
            )
        )
        floor = stack.enter_context(httpx2.Client(base_url=bare, trust_env=False, timeout=30))
        figures: dict[str, float] = {}
        for name, path in (("login", "/login"), ("console", "/console")):
            page = f"/page/{len(client.get(path).content)}"
            rounds = [
                (requests_per_second(client, path), requests_per_second(floor, page))
                for _ in range(ROUNDS)
            ]
            best, best_floor = (max(one) for one in zip(*rounds, strict=True))
            figures[f"web_{name}_requests_per_second"] = round(best)
            figures[f"web_{name}_floor_requests_per_second"] = round(best_floor)
            figures[f"web_{name}_ratio"] = round(best / best_floor, 3)
            figures[f"web_{name}_milliseconds"] = round(1000 / best, 1)
        return figures


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))

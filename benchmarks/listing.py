"""How fast the Graph client lists a directory, side by side with bare HTTP and JSON.

Run: `python -m benchmarks.listing`. Starts its own simulator with 100,000 users. Both sides list
the same directory in turns over the same kind of connection, and the best round of each counts,
because on a busy machine every other round measures the neighbours. Memory is measured apart.
"""

import json
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from benchmarks.listing_floor import list_users
from benchmarks.listing_naive import read_users
from graph.client import GraphClient
from graph.credentials import ClientSecret
from graph.tokens import EntraClient
from graph.transport import open_http

USERS = 100_000
SMALL = 10_000
ROUNDS = 5
SAMPLE = 300
CLIENT_ID = "33333333-3333-4333-8333-333333333333"
LARGE_TENANT = "11111111-1111-4111-8111-111111111111"
SMALL_TENANT = "22222222-2222-4222-8222-222222222222"


def tenant(tenant_id: str, domain: str, users: int) -> dict[str, object]:
    """A seeded tenant with generated users and a full grant."""
    return {
        "id": tenant_id,
        "display_name": domain,
        "domains": [{"name": domain, "is_default": True, "is_initial": False, "is_verified": True}],
        "users": [],
        "generated": {"count": users, "domain": domain, "seed": 1},
        "grants": [
            {
                "client_id": CLIENT_ID,
                "application": ["User.Read.All", "Organization.Read.All"],
                "delegated": [],
                "all_principals": True,
            }
        ],
    }


@contextmanager
def simulator(tenants: list[dict[str, object]] | None = None) -> Iterator[str]:
    """A simulator process, by default with one large and one small tenant; gives its base URL."""
    seed = {
        "applications": [
            {
                "client_id": CLIENT_ID,
                "client_secret": "benchmark",
                "display_name": "Benchmark",
                "redirect_uris": [],
                "application_permissions": ["User.Read.All", "Organization.Read.All"],
                "delegated_permissions": [],
                "home_tenant": LARGE_TENANT,
            }
        ],
        "tenants": tenants
        or [
            tenant(LARGE_TENANT, "large.example", USERS),
            tenant(SMALL_TENANT, "small.example", SMALL),
        ],
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seed.json"
        path.write_text(json.dumps(seed))
        command = [sys.executable, "-m", "simulator", "--port", "0", "--seed", str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None  # noqa: S101
                yield process.stdout.readline().rsplit(" ", 1)[-1].strip()
            finally:
                process.terminate()


def seconds(work: Callable[[], int], expected: int) -> float:
    """How long one piece of work takes; it must have done all of it."""
    start = time.perf_counter()
    done = work()
    taken = time.perf_counter() - start
    if done != expected:
        raise RuntimeError(f"{done} users instead of {expected}")
    return taken


def measure() -> dict[str, float]:
    """Every figure of this benchmark by its key in `results.json`."""
    with simulator() as base, open_http() as http, open_http() as bare:
        entra = EntraClient(
            authority=base,
            client_id=CLIENT_ID,
            credential=ClientSecret("benchmark"),
            http=http,
            clock=time.time,
        )
        client = GraphClient(http, f"{base}/graph/v1.0", entra)
        token = entra.app_token(LARGE_TENANT)

        def with_client(tenant_id: str = LARGE_TENANT) -> int:
            return sum(len(page.users) for page in client.user_pages(tenant_id))

        def with_floor() -> int:
            return list_users(bare, f"{base}/graph/v1.0", token)

        ids = [str(uuid5(NAMESPACE_URL, f"{LARGE_TENANT}/1/{k}")) for k in range(SAMPLE)]
        seconds(with_floor, USERS)
        floor, ours = [], []
        for _ in range(ROUNDS):
            floor.append(seconds(with_floor, USERS))
            ours.append(seconds(with_client, USERS))
        naive = seconds(lambda: read_users(bare, f"{base}/graph/v1.0", token, ids), SAMPLE)
        peaks = []
        for tenant_id in (SMALL_TENANT, LARGE_TENANT):
            tracemalloc.start()
            with_client(tenant_id)
            peaks.append(tracemalloc.get_traced_memory()[1] / 1e6)
            tracemalloc.stop()
    return {
        "graph_listing_users_per_second": round(USERS / min(ours)),
        "graph_listing_floor_users_per_second": round(USERS / min(floor)),
        "graph_listing_vs_floor_ratio": round(min(floor) / min(ours), 3),
        "graph_listing_vs_one_by_one": round(naive * USERS / SAMPLE / min(ours), 1),
        "graph_listing_peak_mb_10k": round(peaks[0], 2),
        "graph_listing_peak_mb_100k": round(peaks[1], 2),
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))

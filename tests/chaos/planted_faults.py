"""Changes what a go-live has left, for as long as it is checked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.chaos import checker
from tests.chaos.audit_trail import ActionLog
from tests.chaos.checker import Delivery, Found
from tests.cluster import Cluster, Organisation


def mails(cluster: Cluster) -> list[Delivery]:
    return checker.deliveries(cluster.folder / "mailbox")


@contextmanager
def planted(cluster: Cluster, *statements: str, **values: Any) -> Iterator[psycopg.Connection[Any]]:
    """The database with something changed, for as long as the block lasts."""
    url = cluster.owner_url.replace("+psycopg", "")
    with psycopg.connect(url) as database:
        # Past the trigger that keeps the audit trail as it is.
        database.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            changed = database.execute(statement, values)
            assert changed.rowcount > 0, "nothing was planted"
        yield database
        database.rollback()


def differences(
    cluster: Cluster,
    alike: list[Organisation],
    database: psycopg.Connection[Any],
    actions: ActionLog | None = None,
) -> Found:
    """What the second lacks, or has too often, beside the first."""
    found, action_logs = Found(), (ActionLog(), actions or ActionLog())
    first, second = (
        checker.picture(database, one.slug, mails(cluster), remembered)
        for one, remembered in zip(alike, action_logs, strict=True)
    )
    checker.compare(alike[1].slug, second, first, found)
    return found

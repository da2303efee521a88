"""What PostgreSQL really did for the statements of a test: which tables it read, and how often."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session


def explained(session: Session, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """Note of every statement that the session executes from now on how it was carried out."""
    seen: dict[str, dict[str, Any]] = {}
    execute = session.execute

    def noting(statement: Any, keys: Any = None) -> Any:
        words = str(statement).strip()
        if words.startswith(("WITH", "INSERT", "UPDATE", "SELECT min", "SELECT m.id", "DELETE")):
            execute(text("SAVEPOINT before_it"))
            (answer,) = execute(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {words}"), keys).scalars()
            execute(text("ROLLBACK TO before_it"))
            tree = answer if isinstance(answer, list) else json.loads(answer)
            seen[words] = tree[0]["Plan"]
        return execute(statement, keys)

    monkeypatch.setattr(session, "execute", noting)
    return seen


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def reads_all(node: dict[str, Any]) -> bool:
    """Whether a node reads all of something.

    An index that is read without a condition is read from end to end, too.
    """
    kind = node["Node Type"]
    return kind in {"Seq Scan", "CTE Scan", "Subquery Scan"} or (
        kind.startswith("Index") and "Index Cond" not in node
    )


OF_NO_USER = {"organisation", "go_live", "staff", "contact", "pause_time", "sso_connection"}
"""Tables that hold as much however many users there are."""


def reads_a_tiny_table(node: dict[str, Any]) -> bool:
    """Whether one of these was read whole, and holds a row or two.

    PostgreSQL does so with a table of one page as soon as it has been analysed, which autovacuum
    does when it likes.
    """
    looked_at = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return node.get("Relation Name") in OF_NO_USER and reads_all(node) and looked_at <= 10


def full_reads(plan: dict[str, Any]) -> list[tuple[str, int]]:
    """Every read of all of something in a plan, with how often it happened."""
    return [
        (node.get("Relation Name") or node.get("CTE Name") or "?", node["Actual Loops"])
        for node in nodes(plan)
        if reads_all(node) and not reads_a_tiny_table(node)
    ]


def most_rows_read(plan: dict[str, Any]) -> float:
    """The rows of a table that the busiest node of a plan looked at."""
    return max(
        (
            (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
            for node in nodes(plan)
            if "Relation Name" in node
            and node["Node Type"].endswith("Scan")
            and not reads_a_tiny_table(node)
        ),
        default=0,
    )

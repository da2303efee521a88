"""A go-live under attack, and a look at whether anything of it has moved."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from contracts.go_live import Wait
from tests.administrators import CLIENT
from tests.cluster import Cluster, Organisation, Person


@pytest.fixture(autouse=True)
def _forgiven(cluster: Cluster) -> Iterator[None]:
    yield
    cluster.control("DELETE", "/faults")


@dataclass
class Target:
    """An organisation whose administrator has not consented yet."""

    organisation: Organisation

    async def assert_nothing_moved(self) -> None:
        """No signal came, no tenant is connected, nobody's sign-in has changed."""
        assert await self.organisation.signals() == []
        assert self.organisation.progress.wait is Wait.ADMIN_CONSENT
        for table in ("golive.consent_evidence e", "golive.authorization_request e"):
            evidence = "AND e.evidence_id IS NOT NULL" if "authorization_request" in table else ""
            assert self._rows(f"SELECT 1 FROM {table} WHERE e.go_live_id = :g {evidence}") == []
        assert self.organisation.user("anna")["object_id"] is None

    def take_grant_back(self) -> None:
        """Nothing is granted, whatever an earlier attack was accepted at Microsoft for."""
        path = f"/tenants/{self.organisation.tenant_id}/grants/{CLIENT}"
        self.organisation.cluster.control("DELETE", path, missing_ok=True)

    def audited(self, since: int) -> list[tuple[str, str]]:
        """What was refused since a line of the audit trail: action and reason."""
        rows = self.organisation.cluster.rows(
            "SELECT action, reason FROM golive.audit_entry WHERE id > :since "
            "AND action LIKE '%refused' ORDER BY id",
            since=since,
        )
        return [(row.action, row.reason) for row in rows]

    def newest_line(self) -> int:
        (row,) = self.organisation.cluster.rows(
            "SELECT coalesce(max(id), 0) AS id FROM golive.audit_entry"
        )
        return int(row.id)

    def _rows(self, statement: str) -> list[Any]:
        standing = self.organisation.standing()
        return self.organisation.cluster.rows(statement, g=standing.go_live_id)


@pytest_asyncio.fixture(scope="session")
async def target(cluster: Cluster) -> Target:
    organisation = cluster.create_organisation(Person("anna"), Person("stranger", status=None))
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    return Target(organisation)


@pytest_asyncio.fixture(scope="session")
async def moved(cluster: Cluster) -> Organisation:
    """An organisation whose users sign in with Microsoft."""
    organisation = cluster.create_organisation(Person("anna"), Person("stranger", status=None))
    await organisation.come_to_the_move(aftercare_days=14)
    await organisation.until(Wait.AFTERCARE)
    return organisation

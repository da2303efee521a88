"""Keeps the grants that administrators gave in a file, so that a restart forgets no consent."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from simulator import seed_files
from simulator.state import Simulation


class Memory:
    """Middleware: whatever may have changed a grant is followed by a look at all of them."""

    def __init__(self, app: ASGIApp, simulation: Simulation, file: Path) -> None:
        self._app = app
        self._simulation = simulation
        self._file = file
        self._kept = self._grants()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, then keep what changed."""
        try:
            await self._app(scope, receive, send)
        finally:
            if scope["type"] == "http" and _may_change_grants(scope):
                self._keep()

    def _keep(self) -> None:
        grants = self._grants()
        if grants != self._kept:
            unfinished = self._file.with_suffix(".unfinished")
            unfinished.write_text(json.dumps(grants), encoding="utf-8")
            os.replace(unfinished, self._file)
            self._kept = grants

    def _grants(self) -> dict[str, list[dict[str, Any]]]:
        return {
            tenant_id: [asdict(grant) for grant in tenant.grants.values()]
            for tenant_id, tenant in self._simulation.tenants.items()
        }


def _may_change_grants(scope: Scope) -> bool:
    path: str = scope["path"]
    return scope["method"] not in {"GET", "HEAD"} and (
        path.endswith(("/adminconsent", "/authorize")) or path.startswith("/_control/")
    )


def remember(simulation: Simulation, file: Path) -> None:
    """Bring back the grants of an earlier process; tenants that are no longer seeded are left.

    Raises:
        SeedError: The file is not one that this module wrote.
    """
    if not file.exists():
        return
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        for tenant_id, grants in kept.items():
            if tenant_id in simulation.tenants:
                simulation.tenants[tenant_id].grants = {
                    one["client_id"]: seed_files.grant(one) for one in grants
                }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise seed_files.SeedError(f"{file} holds no kept grants: {error}") from None

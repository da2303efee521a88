"""Checks our own app registration at Microsoft, and writes what was answered for a developer."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx2

from commands.errors import CommandError
from contracts.clouds import cloud_of
from contracts.problems import Problem
from contracts.registration import (
    RegistrationResult,
    RegistrationSettings,
    RegistrationVerdict,
    SignInFacts,
)
from graph.client import GraphClient
from graph.exchanges import Exchange, ExchangeRecorder
from graph.registration import RegistrationCheck
from graph.tokens import EntraClient

FORMAT = 1
"""Of a transcript."""


@dataclass(frozen=True)
class CheckedRegistration:
    """What was found, and by which answers."""

    settings: RegistrationSettings
    tenant_id: str
    """Empty where there is no such tenant."""
    results: tuple[RegistrationResult, ...]
    exchanges: tuple[Exchange, ...]
    sign_in: SignInFacts | None
    """None where nobody signed in."""

    @property
    def is_good(self) -> bool:
        """Whether nothing is to be mended and everything was checked."""
        return all(
            one.verdict in (RegistrationVerdict.RIGHT, RegistrationVerdict.LOOK)
            for one in self.results
        )

    def transcript(self) -> dict[str, Any]:
        """Return all of it as JSON-ready data that names nobody and admits nobody.

        It holds facts of closed sets only: no tenant, address, person, secret or token.
        """
        staff_tenant_id = self.settings.staff_tenant_id
        return {
            "format": FORMAT,
            "settings": {
                "cloud": cloud_of(self.settings.authority),
                "own_tenant": None
                if staff_tenant_id is None
                else self.tenant_id == staff_tenant_id,
                "credential_days_left": self.settings.credential_days_left,
            },
            "exchanges": [asdict(one) for one in self.exchanges],
            "sign_in": asdict(self.sign_in) if self.sign_in else None,
            "findings": [asdict(one) for one in self.results],
        }


def check(
    settings: RegistrationSettings,
    http: httpx2.Client,
    entra: EntraClient,
    graph: GraphClient,
    tenant: str,
    ask: Callable[[str], str] | None,
) -> CheckedRegistration:
    """Check the registration in a tenant; nothing is changed anywhere.

    Args:
        settings: what our settings say of it.
        http: the client that `entra` and `graph` send through; from now on it is recorded.
        entra: the application as a go-live uses it.
        graph: the directory as a go-live reads it.
        tenant: an id or a domain.
        ask: shows somebody the address to sign in at, and returns where that led; None = nobody
            signs in.
    """
    recorder = ExchangeRecorder(settings.authority, settings.redirect_uris)
    http.event_hooks = {"response": [recorder.note]}
    checking = RegistrationCheck(settings, http, entra, graph, recorder)
    results = checking.run(
        tenant, None if ask is None else lambda tenant_id: checking.sign_in(tenant_id, ask)
    )
    return CheckedRegistration(
        settings=settings,
        tenant_id=recorder.tenant_id,
        results=tuple(results),
        exchanges=tuple(recorder.exchanges),
        sign_in=checking.sign_in_facts,
    )


def write_transcript(checked: CheckedRegistration, path: Path) -> None:
    """Write the transcript as JSON.

    Raises:
        CommandError: the file cannot be written.
    """
    text = json.dumps(checked.transcript(), indent=2)
    try:
        path.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(
            Problem.FILE_CANNOT_BE_WRITTEN, path=path, error=error.strerror
        ) from None

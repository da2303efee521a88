"""Registrations of our application at the simulator, right and wrong in many ways."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from commands.registration import CheckedRegistration, check
from contracts.registration import REDIRECT_PATHS, SIGN_IN_PATH, RegistrationSettings
from graph.client import GraphClient
from graph.credentials import ClientSecret
from graph.tokens import EntraClient
from graph.transport import open_http
from local import loopback
from tests.graph.scripted import SteppedClock
from tests.graph.simulated import CALLBACK, CLIENT_ID, HOME, PERMISSIONS, SECRET, Browser, tenant
from tests.simulator.pretend import running

PUBLIC_URL = CALLBACK.removesuffix(SIGN_IN_PATH)
EXPIRED = "33333333-3333-4333-8333-333333333334"
WITHOUT_REDIRECT = "33333333-3333-4333-8333-333333333335"
WITHOUT_CLAIM = "33333333-3333-4333-8333-333333333336"
STRANGER = "33333333-3333-4333-8333-333333333339"
IN_ANOTHER_CLOUD = "aaaaaaaa-0000-4000-8000-000000000007"
CUSTOMER = "aaaaaaaa-0000-4000-8000-000000000008"


def _seed() -> dict[str, Any]:
    delegated = ["openid", "profile", "email"]
    application = {
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "display_name": "Clientshare Pulse",
        "redirect_uris": [f"{PUBLIC_URL}{path}" for path in REDIRECT_PATHS],
        "application_permissions": PERMISSIONS,
        "delegated_permissions": delegated,
        "optional_claims": ["acct"],
        "home_tenant": HOME,
    }
    every = [CLIENT_ID, EXPIRED, WITHOUT_REDIRECT, WITHOUT_CLAIM]
    grants = [
        {"client_id": one, "application": PERMISSIONS, "delegated": delegated} for one in every
    ]
    roles = {"dana": {one: ["CustomerSuccess.Lead", "Something.Else"] for one in every}}
    users = [
        {
            "userPrincipalName": f"{name}@home.example",
            "mail": f"{name}@home.example",
            "displayName": name.title(),
            "app_roles": roles.get(name, {}),
        }
        for name in ("dana", "norman")
    ]
    return {
        "applications": [
            application,
            application | {"client_id": EXPIRED, "secret_ended": True},
            application | {"client_id": WITHOUT_REDIRECT, "redirect_uris": [CALLBACK]},
            application | {"client_id": WITHOUT_CLAIM, "optional_claims": []},
        ],
        "tenants": [
            tenant(HOME, "home", granted=None, users=users, grants=grants),
            tenant(CUSTOMER, "customer", granted=None),
            tenant(
                IN_ANOTHER_CLOUD,
                "agency",
                granted=None,
                authority="https://login.microsoftonline.us",
            ),
        ],
    }


class Registrations:
    """The simulator with good and broken registrations, and one check of them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.control = loopback.client(base_url=f"{url}/_control/")

    def order(self, method: str, path: str, body: Any = None) -> None:
        assert self.control.request(method, path, json=body).is_success

    def check(
        self,
        *,
        client_id: str = CLIENT_ID,
        secret: str = SECRET,
        named: str = HOME,
        signs_in: str | None = None,
        days_left: int | None = 400,
    ) -> CheckedRegistration:
        settings = RegistrationSettings(
            authority=self.url,
            redirect_uris={path: f"{PUBLIC_URL}{path}" for path in REDIRECT_PATHS},
            staff_tenant_id=HOME,
            credential_days_left=days_left,
        )
        clock = SteppedClock()
        browser = Browser()

        def ask(url: str) -> str:
            query = browser.until_callback(url, login=f"{signs_in}@home.example")
            return f"{CALLBACK}?{urlencode(query)}\n"

        with open_http() as http:
            entra = EntraClient(
                authority=self.url,
                client_id=client_id,
                credential=ClientSecret(secret),
                http=http,
                clock=time.time,
            )
            graph = GraphClient(
                http, f"{self.url}/graph/v1.0", entra, pause=clock.pause, clock=clock
            )
            found = check(settings, http, entra, graph, named, ask if signs_in else None)
        browser.close()
        return found


@contextmanager
def registrations_at_simulator(folder: Path) -> Iterator[Registrations]:
    """A simulator of its own, until the end."""
    seed = folder / "seed.json"
    seed.write_text(json.dumps(_seed()), encoding="utf-8")
    with running("--seed", str(seed)) as url:
        found = Registrations(url)
        yield found
        found.control.close()

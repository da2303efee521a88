"""The real simulator as its own process, and a browser for its pages."""

import json
import os
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2

from graph.client import GraphClient
from graph.credentials import Credential
from graph.directory import DirectoryUser
from graph.tokens import EntraClient
from local import loopback
from tests.bounds import LONGEST_WAIT

ROOT = Path(__file__).parents[2]
CLIENT_ID = "33333333-3333-4333-8333-333333333333"
SECRET = "a-secret-for-tests"
CALLBACK = "http://127.0.0.1:8080/auth/microsoft/callback"
CONTOSO = "aaaaaaaa-0000-4000-8000-000000000001"
FABRIKAM = "aaaaaaaa-0000-4000-8000-000000000002"
LARGE = "aaaaaaaa-0000-4000-8000-000000000003"
HOME = "aaaaaaaa-0000-4000-8000-000000000009"
FABRIKAM_ADMINISTRATOR = "bbbbbbbb-0000-4000-8000-000000000101"
ADA = "bbbbbbbb-0000-4000-8000-000000000001"
LARGE_SIZE = 2500
PERMISSIONS = ["User.Read.All", "Organization.Read.All"]


def user(number: int, name: str, **fields: Any) -> dict[str, Any]:
    address = f"{name}@contoso.example"
    return {
        "id": f"bbbbbbbb-0000-4000-8000-{number:012}",
        "userPrincipalName": address,
        "mail": address,
        "displayName": name.title(),
        "proxyAddresses": [f"SMTP:{address}"],
        "userType": "Member",
        "accountEnabled": True,
        "roles": [],
        "app_roles": {},
        **fields,
    }


def tenant(
    tenant_id: str, name: str, *, granted: list[str] | None, **fields: Any
) -> dict[str, Any]:
    grants = (
        []
        if granted is None
        else [
            {
                "client_id": CLIENT_ID,
                "application": granted,
                "delegated": ["openid", "profile", "email"],
                "all_principals": True,
            }
        ]
    )
    return {
        "id": tenant_id,
        "display_name": name.title(),
        "domains": [
            {
                "name": f"{name}.example",
                "is_default": True,
                "is_initial": False,
                "is_verified": True,
            }
        ],
        "users": [],
        "grants": grants,
        "admin_consent_workflow": False,
        **fields,
    }


def contoso() -> dict[str, Any]:
    return tenant(
        CONTOSO,
        "contoso",
        granted=PERMISSIONS,
        users=[
            user(1, "ada", roles=["Global Administrator"]),
            user(
                2,
                "grace",
                proxyAddresses=["SMTP:grace@contoso.example", "smtp:G.Hopper@contoso.example"],
            ),
            user(3, "without-mail", mail=None, proxyAddresses=[]),
            user(4, "left", accountEnabled=False),
            user(
                5,
                "guest",
                userPrincipalName="guest_home.example#EXT#@contoso.example",
                mail="guest@home.example",
                proxyAddresses=[],
                userType="Guest",
            ),
        ],
    )


def seed(certificate: str) -> dict[str, Any]:
    return {
        "applications": [
            {
                "client_id": CLIENT_ID,
                "client_secret": SECRET,
                "certificates": [certificate],
                "display_name": "Clientshare Pulse",
                "redirect_uris": [CALLBACK],
                "application_permissions": PERMISSIONS,
                "delegated_permissions": ["openid", "profile", "email"],
                "home_tenant": HOME,
            }
        ],
        "tenants": [
            contoso(),
            tenant(
                FABRIKAM,
                "fabrikam",
                granted=None,
                users=[
                    {
                        "id": FABRIKAM_ADMINISTRATOR,
                        "userPrincipalName": "root@fabrikam.example",
                        "mail": "root@fabrikam.example",
                        "displayName": "Root",
                        "roles": ["Global Administrator"],
                    }
                ],
            ),
            tenant(
                LARGE,
                "large",
                granted=PERMISSIONS,
                generated={"count": LARGE_SIZE, "domain": "large.example", "seed": 1},
            ),
            tenant(HOME, "home", granted=None),
        ],
    }


class Simulator:
    """One simulator process and its control."""

    def __init__(self, folder: Path, certificate: str) -> None:
        path = folder / "seed.json"
        path.write_text(json.dumps(seed(certificate)))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "--port", "0", "--seed", str(path)],
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().rsplit(" ", 1)[-1].strip()
        assert self.url.startswith("http://127.0.0.1:")
        self._control = loopback.client(base_url=f"{self.url}/_control/")

    @property
    def graph_url(self) -> str:
        return f"{self.url}/graph/v1.0"

    def close(self) -> None:
        self._control.close()
        self._process.terminate()
        self._process.wait(LONGEST_WAIT)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def order(self, method: str, path: str, body: Any = None) -> Any:
        response = self._control.request(method, path, json=body)
        assert response.is_success, response.text
        return response.json() if response.content else None

    def reset(self) -> None:
        self.order("POST", "reset")
        self.order("DELETE", "faults")
        self.order("DELETE", "requests")

    def fault(self, kind: str, path: str = "/graph/v1.0/users", **parameters: Any) -> None:
        order = {"match": {"path": path}, "kind": kind, "times": 1, **parameters}
        self.order("POST", "faults", order)

    def grant(self, tenant_id: str, **fields: Any) -> None:
        granted = {
            "application": PERMISSIONS,
            "delegated": ["openid", "profile", "email"],
            "all_principals": True,
            "enabled": True,
            **fields,
        }
        self.order("PUT", f"tenants/{tenant_id}/grants/{CLIENT_ID}", granted)

    def charged(self) -> int:
        """Resource units that Graph has charged since the log was last cleared."""
        logged = self.order("GET", "requests")["requests"]
        return sum(entry["units"] for entry in logged)

    def requests(self, ending: str) -> list[dict[str, Any]]:
        logged: list[dict[str, Any]] = self.order("GET", "requests")["requests"]
        return [entry for entry in logged if entry["path"].endswith(ending)]


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given.get("action", "")
        if tag == "input" and "name" in given and given.get("type") != "checkbox":
            self.fields[given["name"]] = given.get("value", "")


class Browser:
    """Opens a page, fills its form and follows it until the application's own address comes up."""

    def __init__(self) -> None:
        self._http = loopback.client()

    def close(self) -> None:
        self._http.close()

    def until_callback(self, url: str, **answers: str) -> dict[str, str]:
        """The query of the redirect to the callback."""
        response = self._http.get(url)
        for _ in range(8):
            while response.is_redirect:
                url = urljoin(url, response.headers["Location"])
                if url.startswith(CALLBACK):
                    return {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
                response = self._http.get(url)
            assert response.status_code == 200, response.text
            form = _Form()
            form.feed(response.text)
            url = urljoin(str(response.url), form.action)
            known = {"login", "action", "consent_on_behalf"} & answers.keys()
            filled = {**form.fields, **{name: answers[name] for name in known}}
            response = self._http.post(url, data=filled)
        raise AssertionError("the pages never led back to the application")


def entra_with(simulator: Simulator, http: httpx2.Client, credential: Credential) -> EntraClient:
    return EntraClient(
        authority=simulator.url,
        client_id=CLIENT_ID,
        credential=credential,
        http=http,
        clock=time.time,
    )


def listed(client: GraphClient, tenant_id: str) -> list[DirectoryUser]:
    return [user for page in client.user_pages(tenant_id) for user in page.users]

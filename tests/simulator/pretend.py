"""The simulator as its own process, and a browser for its pages."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2

from tests.bounds import LONGEST_WAIT

ROOT = Path(__file__).parents[2]
CLIENT = "10000000-0000-4000-8000-000000000001"
OTHER_CLIENT = "10000000-0000-4000-8000-000000000002"
EXPIRED_CLIENT = "10000000-0000-4000-8000-000000000003"
SECRET = "a-secret-for-tests"
CALLBACK = "http://127.0.0.1:8080/auth/microsoft/callback"
CONSENT_CALLBACK = "http://127.0.0.1:8080/consent/callback"
CONTOSO = "20000000-0000-4000-8000-000000000001"
FABRIKAM = "20000000-0000-4000-8000-000000000002"
BIG = "20000000-0000-4000-8000-000000000003"
HOME = "20000000-0000-4000-8000-000000000009"
ADMIN, USER, GUEST = "ada@contoso.example", "bob@contoso.example", "gus@fabrikam.example"
APPLICATION = ["User.Read.All", "Organization.Read.All"]
DELEGATED = ["openid", "profile", "email"]
GRAPH_SCOPE = "https://graph.microsoft.com/.default"
BIG_COUNT = 2_500


def seed(certificate: str) -> dict[str, Any]:
    application = {
        "client_id": CLIENT,
        "client_secret": SECRET,
        "certificates": [certificate],
        "display_name": "Pulse",
        "redirect_uris": [CALLBACK, CONSENT_CALLBACK, "https://pulse.example/auth"],
        "application_permissions": APPLICATION,
        "delegated_permissions": DELEGATED,
        "home_tenant": HOME,
    }
    other = application | {
        "client_id": OTHER_CLIENT,
        "display_name": "Other",
        "optional_claims": ["acct", "login_hint"],
    }
    expired = application | {"client_id": EXPIRED_CLIENT, "secret_ended": True}
    contoso = [
        {
            "userPrincipalName": ADMIN,
            "mail": ADMIN,
            "displayName": "Ada",
            "roles": ["Global Administrator"],
        },
        {"userPrincipalName": USER, "mail": USER, "displayName": "Bob"},
        {
            "userPrincipalName": "gus_fabrikam.example#EXT#@contoso.example",
            "mail": GUEST,
            "userType": "Guest",
        },
        {"userPrincipalName": "dora@contoso.example", "accountEnabled": False},
        {
            "userPrincipalName": "cleo@contoso.example",
            "mail": "cleo@contoso.example",
            "roles": ["Cloud Application Administrator"],
        },
        {
            "userPrincipalName": "o'neil@contoso.example",
            "mail": "Shay.O'Neil@contoso.example",
            "proxyAddresses": ["SMTP:Shay.O'Neil@contoso.example", "smtp:shay@contoso.example"],
        },
    ]
    grant = {"client_id": CLIENT, "application": APPLICATION, "delegated": DELEGATED}
    return {
        "applications": [application, other, expired],
        "tenants": [
            {
                "id": CONTOSO,
                "display_name": "Contoso",
                "domains": [
                    {"name": "contoso.example", "is_default": True},
                    {"name": "unproven.example", "is_verified": False},
                ],
                "users": contoso,
            },
            {
                "id": FABRIKAM,
                "display_name": "Fabrikam",
                "domains": [{"name": "fabrikam.example", "is_default": True}],
                "users": [
                    {
                        "userPrincipalName": "fay@fabrikam.example",
                        "mail": "fay@fabrikam.example",
                        "roles": ["Global Administrator"],
                    },
                    {"userPrincipalName": GUEST, "mail": GUEST},
                ],
                "wids": False,
                "admin_consent_workflow": True,
            },
            {
                "id": BIG,
                "display_name": "Big",
                "domains": [{"name": "big.example", "is_default": True}],
                "generated": {"count": BIG_COUNT, "domain": "big.example", "seed": 7},
                "grants": [grant],
            },
            {
                "id": HOME,
                "display_name": "Vendor",
                "domains": [{"name": "vendor.example", "is_default": True}],
                "users": [
                    {
                        "userPrincipalName": "dana@vendor.example",
                        "mail": "dana@vendor.example",
                        "app_roles": {CLIENT: ["CustomerSuccess"]},
                    }
                ],
                "grants": [{"client_id": CLIENT, "delegated": DELEGATED}],
            },
        ],
    }


class _Form(HTMLParser):
    """The one form of a page: where it goes and what it holds."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.count = 0
        self.action = ""
        self.fields: dict[str, str] = {}
        self.checkboxes: list[str] = []
        self.buttons: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.count += 1
            self.action = named["action"]
        elif tag == "input" and named.get("type") == "checkbox":
            self.checkboxes.append(named["name"])
        elif tag == "input" and "name" in named:
            self.fields[named["name"]] = named.get("value", "")
        elif tag == "button" and "value" in named:
            self.buttons.append(named["value"])


@dataclass
class Browser:
    """Somebody's browser: it keeps cookies and shows one page at a time."""

    base: str
    http: httpx2.Client = field(default_factory=httpx2.Client)
    answer: Any = None

    def open(self, path: str, **query: str) -> Self:
        self.answer = self.http.get(self.base + path, params=query)
        return self

    def submit(self, **fields: str) -> Self:
        form = self.form
        url = urljoin(str(self.answer.url), form.action)
        self.answer = self.http.post(url, data={**form.fields, **fields})
        return self

    @property
    def form(self) -> _Form:
        form = _Form(self.answer.text)
        assert form.count == 1, self.answer.text
        return form

    @property
    def title(self) -> str:
        return self.answer.text.partition("<title>")[2].partition("</title>")[0]

    @property
    def back(self) -> dict[str, str]:
        """The parameters with which the browser was sent back to the application."""
        assert self.answer.status_code == 302, self.answer.text
        query = parse_qs(urlsplit(self.answer.headers["location"]).query)
        assert all(len(values) == 1 for values in query.values())
        return {name: values[0] for name, values in query.items()}


@dataclass
class Pretend:
    """A running simulator."""

    base: str
    http: httpx2.Client
    browsers: list[Browser] = field(default_factory=list)

    def control(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = self.http.request(method, f"{self.base}/_control{path}", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def browser(self) -> Self:
        self.browsers.append(Browser(self.base))
        return self.browsers[-1]

    def close(self) -> None:
        for browser in self.browsers:
            browser.http.close()

    def authorize(self, tenant: str = CONTOSO, **changed: str | None) -> tuple[str, dict[str, str]]:
        """Path and query of a sign-in request."""
        query = {
            "client_id": CLIENT,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid profile email",
            "state": "the-state",
            "nonce": "the-nonce",
        }
        values = {k: v for k, v in {**query, **changed}.items() if v is not None}
        return f"/{tenant}/oauth2/v2.0/authorize", values

    def admin_consent(self, tenant: str = CONTOSO, **changed: str) -> tuple[str, dict[str, str]]:
        """Path and query of an admin consent request."""
        query = {
            "client_id": CLIENT,
            "scope": GRAPH_SCOPE,
            "redirect_uri": CONSENT_CALLBACK,
            "state": "the-state",
        }
        return f"/{tenant}/v2.0/adminconsent", {**query, **changed}

    def consent(self, tenant: str = CONTOSO, login: str = ADMIN) -> dict[str, str]:
        """An administrator consents for the organisation."""
        path, query = self.admin_consent(tenant)
        browser = self.browser().open(path, **query).submit(login=login)
        return browser.submit(action="accept").back

    def token(self, tenant: str = CONTOSO, **changed: str | None) -> httpx2.Response:
        """What the token endpoint says to the application itself."""
        form = {
            "grant_type": "client_credentials",
            "client_id": CLIENT,
            "client_secret": SECRET,
            "scope": GRAPH_SCOPE,
        }
        data = {k: v for k, v in {**form, **changed}.items() if v is not None}
        return self.http.post(f"{self.base}/{tenant}/oauth2/v2.0/token", data=data)

    def bearer(self, tenant: str = CONTOSO) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(tenant).json()['access_token']}"}

    def grant(self, *permissions: str, tenant: str = CONTOSO) -> dict[str, str]:
        """Grant application permissions behind everybody's back, and take a token with them."""
        body = {"application": list(permissions), "delegated": DELEGATED}
        self.control("PUT", f"/tenants/{tenant}/grants/{CLIENT}", body)
        return self.bearer(tenant)

    def graph(
        self, path: str, headers: Mapping[str, str], method: str = "GET", body: Any = None
    ) -> httpx2.Response:
        url = path if path.startswith("http") else f"{self.base}/graph/v1.0{path}"
        return self.http.request(method, url, headers=dict(headers), json=body)

    def fault(self, kind: str, path: str | None = None, **fields: Any) -> None:
        match = {"path": path} if path else {}
        self.control("POST", "/faults", {"match": match, "kind": kind, **fields})


@contextmanager
def running(*arguments: str) -> Iterator[str]:
    """A simulator as a program of its own; yields its address."""
    with started(*arguments) as (base, _process):
        yield base


@contextmanager
def started(*arguments: str) -> Iterator[tuple[str, int]]:
    """Start the program, wait for its line, stop it at the end; yields address and process id."""
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "--port", "0", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("simulator listening on http://127.0.0.1:")
        yield line.split()[-1], process.pid
    finally:
        process.terminate()
        process.wait(timeout=LONGEST_WAIT)
        assert process.stdout is not None
        process.stdout.close()

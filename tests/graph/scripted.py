"""A Microsoft on a loopback socket that answers exactly what a test tells it, lies included."""

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

TENANT = "11111111-1111-4111-8111-111111111111"
OTHER_TENANT = "22222222-2222-4222-8222-222222222222"
CLIENT_ID = "33333333-3333-4333-8333-333333333333"
PERSON = "44444444-4444-4444-8444-444444444444"


@dataclass
class Answer:
    """What goes over the wire."""

    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Request:
    """What came over the wire."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {key: values[0] for key, values in parse_qs(self.body.decode()).items()}


class SteppedClock:
    """Seconds that pass only while somebody pauses."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


class ScriptedMicrosoft:
    """Discovery, keys and tokens that work, until a test puts something else in a path."""

    def __init__(self, key: rsa.RSAPrivateKey, clock: SteppedClock) -> None:
        self.key = key
        self.clock = clock
        self.key_id = "published-1"
        self.extra_keys: list[dict[str, Any]] = []
        self.requests: list[Request] = []
        self.routes: dict[str, Callable[[Request], Answer]] = {}
        self.id_token: Callable[[str], str] = self.genuine
        self.nonce = ""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body in one segment; otherwise each answer takes 40 ms.
            wbufsize = -1

            def do_GET(self) -> None:
                self._answer(b"")

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers["Content-Length"])))

            def _answer(self, body: bytes) -> None:
                parts = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                headers = dict(self.headers)
                request = Request(self.command, parts.path, query, headers, body)
                outer.requests.append(request)
                answer = outer.answer(request)
                content = answer.encoded()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in answer.headers:
                    self.send_header("Content-Length", str(len(content)))
                else:
                    self.close_connection = True
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def count(self, ending: str) -> int:
        return sum(request.path.endswith(ending) for request in self.requests)

    def answer(self, request: Request) -> Answer:
        for ending, route in self.routes.items():
            if request.path.endswith(ending):
                return route(request)
        tenant = request.path.split("/")[1]
        if request.path.endswith("/openid-configuration"):
            return Answer(body=self.document(tenant))
        if request.path.endswith("/keys"):
            return Answer(body={"keys": [self.public_key(), *self.extra_keys]})
        if request.path.endswith("/token"):
            body = {"token_type": "Bearer", "expires_in": 3599, "access_token": "app-token"}
            if request.form["grant_type"] == "authorization_code":
                body["id_token"] = self.id_token(self.nonce)
            if request.form["grant_type"] == "refresh_token":
                claims = self.claims("")
                del claims["nonce"]
                body["id_token"] = self.sign(claims | {"roles": ["Reader"]})
                body["refresh_token"] = "the next one"
            return Answer(body=body)
        return Answer(404, {"error": {"code": "NotFound", "message": ""}})

    def document(self, tenant: str) -> dict[str, Any]:
        return {
            "issuer": f"{self.url}/{tenant}/v2.0",
            "authorization_endpoint": f"{self.url}/{tenant}/oauth2/v2.0/authorize",
            "token_endpoint": f"{self.url}/{tenant}/oauth2/v2.0/token",
            "jwks_uri": f"{self.url}/{tenant}/discovery/v2.0/keys",
        }

    def public_key(self) -> dict[str, Any]:
        algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
        published: dict[str, Any] = algorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {**published, "kid": self.key_id, "use": "sig"}

    def claims(self, nonce: str) -> dict[str, Any]:
        return {
            "iss": f"{self.url}/{TENANT}/v2.0",
            "aud": CLIENT_ID,
            "iat": int(self.clock.now),
            "nbf": int(self.clock.now),
            "exp": int(self.clock.now) + 3600,
            "nonce": hashlib.sha256(nonce.encode()).hexdigest(),
            "tid": TENANT,
            "oid": PERSON,
            "sub": "subject",
            "name": "Ada Example",
            "preferred_username": "ada@contoso.example",
            "ver": "2.0",
        }

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        return jwt.encode(
            claims, self.key, algorithm="RS256", headers={"kid": self.key_id, **headers}
        )

    def genuine(self, nonce: str) -> str:
        return self.sign(self.claims(nonce))

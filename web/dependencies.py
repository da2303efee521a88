"""What pages need from outside: one container, made when the application starts to serve."""

import hashlib
import hmac
from dataclasses import dataclass

from sqlalchemy import Engine
from temporalio.client import Client

from contracts.links import LinkSigner
from database.engine import Sessions
from graph.client import GraphClient
from graph.tokens import EntraClient
from settings import Settings
from web.slow_work import SlowWorkPlaces


@dataclass(frozen=True)
class Dependencies:
    """Everything the pages need from outside; one for the life of the process."""

    settings: Settings
    engine: Engine
    sessions: Sessions
    entra: EntraClient
    graph: GraphClient
    temporal: Client
    signer: LinkSigner
    slow_work: SlowWorkPlaces

    def url(self, path: str) -> str:
        """Return the outside address of one of our paths."""
        return f"{self.settings.public_url}{path}"

    @property
    def is_secure(self) -> bool:
        """Whether cookies are sent over TLS only; a demo on the loopback address has no TLS."""
        return self.settings.public_url.startswith("https://")

    def cookie_name(self, name: str) -> str:
        """Return the name a cookie has in browsers.

        Over TLS it is one that browsers take from this very host alone: a page of another host of
        our domain can then plant neither a session nor what binds forms to a browser.
        """
        return f"__Host-{name}" if self.is_secure else name

    def form_token(self, browser: str) -> str:
        """Return what a form of this browser must carry, so that no other site can send it."""
        return _form_token(self.settings.secret_keys[0], browser)

    def is_form_token(self, given: str, browser: str) -> bool:
        """Tell whether a form of this browser carries what one of our pages gave it."""
        return any(
            hmac.compare_digest(given.encode(), _form_token(key, browser).encode())
            for key in self.settings.secret_keys
        )


def _form_token(key: bytes, browser: str) -> str:
    return hmac.new(key, f"form:{browser}".encode(), hashlib.sha256).hexdigest()

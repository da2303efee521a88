"""Which addresses an application may be sent back to.

Source: Microsoft Learn, *Redirect URI (reply URL) restrictions and limitations*, read 2026-11-23.
"""

from urllib.parse import urlsplit

from simulator.directory import Application
from simulator.entra_errors import EntraError, missing_parameter

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def allowed(application: Application, redirect_uri: str) -> bool:
    """Whether an address is registered; on this machine's own hosts the port does not matter."""
    if redirect_uri in application.redirect_uris:
        return True
    try:
        asked = urlsplit(redirect_uri)
        if asked.hostname not in _LOOPBACK or asked.fragment or asked.username:
            return False
        return any(
            (known := urlsplit(registered)).hostname in _LOOPBACK
            and (known.scheme, known.path, known.query) == (asked.scheme, asked.path, asked.query)
            for registered in application.redirect_uris
        )
    except ValueError:
        return False


def check(application: Application, redirect_uri: str | None) -> str:
    """The address to send the browser back to.

    Raises:
        EntraError: None was given, or it is not registered.
    """
    if not redirect_uri:
        raise missing_parameter("redirect_uri")
    if not allowed(application, redirect_uri):
        raise EntraError(
            "invalid_request",
            50011,
            f"The redirect URI '{redirect_uri}' specified in the request does not match the "
            f"redirect URIs configured for the application '{application.client_id}'. Make sure "
            "the redirect URI sent in the request matches one added to your application in the "
            "Azure portal.",
        )
    return redirect_uri

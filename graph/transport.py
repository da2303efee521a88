"""The one HTTP client of this room, and the form in which MSAL uses it.

MSAL insists on https. When the configured authority is plain http on a loopback host (a simulator),
the adapter sends MSAL's https requests for exactly that host over http; nowhere else is http ever
used.
"""

import ipaddress
import json
import logging
import math
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx2

from graph.causes import Cause, Endpoint, cause_of_answer
from graph.errors import (
    ForeignLinkError,
    MicrosoftUnreachableError,
    TenantUnknownError,
    ThrottledError,
    UnexpectedAnswerError,
)
from graph.spans import call_span

_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 15.0
"""The longest silence within an answer."""
_WHOLE_ANSWER_SECONDS = 30.0
"""One request in all, however it trickles: half of what an activity has for its calls."""
_MOST_BYTES = 32 * 1024 * 1024
"""Of one answer: a page of 999 users has about one million."""
_LONGEST_DOCUMENT_AGE = 3600.0
_DEFAULT_RETRY_AFTER = 10.0
_SHORTEST_RETRY_AFTER = 0.1
_LONGEST_RETRY_AFTER = 3600.0


def open_http(ca_bundle: str | None = None, proxy: str | None = None) -> httpx2.Client:
    """Open the HTTP client through which all calls to Microsoft go; the caller closes it.

    Redirects are not followed and no proxy or certificate variable of the environment is read, so
    that the configured hosts are the only ones that ever get a token; a proxy passes it on
    encrypted. Idle connections are dropped before usual servers drop them. `httpx2` would log the
    URL of each request at INFO; that is switched off for the process, because page links of Graph
    can spell out an account's name.

    Args:
        ca_bundle: path of a PEM file with the certificate authorities to trust instead of the
            usual ones.
        proxy: address of an HTTP proxy through which every https address is reached.
    """
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    verify = ssl.create_default_context(cafile=ca_bundle) if ca_bundle else True
    limits = httpx2.Limits(max_connections=40, max_keepalive_connections=20, keepalive_expiry=3.0)
    through = proxy and httpx2.HTTPTransport(
        verify=verify, trust_env=False, limits=limits, proxy=httpx2.Proxy(proxy)
    )
    return httpx2.Client(
        verify=verify,
        # Plain http leads to this machine alone, and needs no proxy.
        mounts={"https://": through} if through else None,
        trust_env=False,
        follow_redirects=False,
        timeout=httpx2.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS, pool=_ANSWER_SECONDS),
        limits=limits,
    )


def is_loopback(host: str | None) -> bool:
    """Tell whether a host name or address can only mean this machine."""
    if host is None:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked_endpoint(url: str) -> str:
    """Return a configured base URL without its trailing slash.

    Raises:
        ValueError: it is neither https nor http on a loopback host, or carries a query or
            credentials.
    """
    parts = urlsplit(url)
    allowed = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    if not allowed or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError(
            "A Microsoft endpoint must be an https address such as "
            "https://login.microsoftonline.com (http is allowed on a loopback host only)."
        )
    return url.rstrip("/")


def same_origin(url: str, base: str) -> bool:
    """Tell whether two URLs share scheme, host and port, and the first has no credentials."""
    try:
        one, other = urlsplit(url), urlsplit(base)
        return (
            one.username is None
            and one.password is None
            and (one.scheme, one.hostname, one.port) == (other.scheme, other.hostname, other.port)
        )
    except ValueError:
        return False


def retry_after(raw: str | None, sent: str | None = None) -> float | None:
    """Read a `Retry-After` header, possibly fractional (`2.128`); None when there is none.

    In seconds, at most an hour: a caller that should wait longer asks again after an hour. A date
    is counted from `sent`, the answer's own `Date`, so no clock of ours matters. Nonsense counts
    as ten seconds.

    Source: Microsoft Learn, *Microsoft Graph throttling guidance*, read 2026-11-23; RFC 9110,
    section 10.2.3.
    """
    if raw is None:
        return None
    try:
        seconds = float(raw)
    except ValueError:
        seconds = _seconds_until(raw, sent)
    if not (math.isfinite(seconds) and seconds >= 0):
        return _DEFAULT_RETRY_AFTER
    # Zero would turn a waiting loop into a busy one.
    return min(max(_SHORTEST_RETRY_AFTER, seconds), _LONGEST_RETRY_AFTER)


def _seconds_until(date: str, sent: str | None) -> float:
    """Return the seconds to an HTTP date: 0 if it has passed, NaN if it cannot be read."""
    try:
        wait = parsedate_to_datetime(date) - parsedate_to_datetime(sent or "")
    except (TypeError, ValueError, OverflowError):
        # A date without a zone cannot be taken from one that has it.
        return math.nan
    return max(0.0, wait.total_seconds())


def send(
    http: httpx2.Client,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    redirect_expected: bool = False,
) -> httpx2.Response:
    """Send one request and return any answer below 500 except 429.

    No redirect is followed; one is returned only where it is expected.

    Raises:
        MicrosoftUnreachableError: network failure, timeout, cut answer, redirect or 5xx; an answer
            that is not whole after half a minute, or larger than any that Microsoft gives.
        ThrottledError: 429, or a 5xx that says when to come back.
        ForeignLinkError: the URL cannot be read.
    """
    with call_span(method, url) as span:
        try:
            response = _whole(http, http.build_request(method, url, headers=headers, data=form))
        except httpx2.ProxyError:
            raise MicrosoftUnreachableError(
                "The proxy in GOLIVE_MICROSOFT_PROXY does not let us through to Microsoft."
            ) from None
        except httpx2.HTTPError:
            raise MicrosoftUnreachableError(
                "Microsoft could not be reached, or its answer was cut."
            ) from None
        except httpx2.InvalidURL:
            raise ForeignLinkError from None
        status = response.status_code
        span.set_attribute("http.response.status_code", status)
    if status == 429 or status >= 500:
        wait = retry_after(response.headers.get("Retry-After"), response.headers.get("Date"))
        if status == 429 or wait is not None:
            raise ThrottledError(_DEFAULT_RETRY_AFTER if wait is None else wait)
        raise MicrosoftUnreachableError(f"Microsoft answered with status {status}.")
    if 300 <= status < 400 and not redirect_expected:
        raise MicrosoftUnreachableError(
            "Microsoft answered with a redirect where none is expected."
        )
    return response


def _whole(http: httpx2.Client, request: httpx2.Request) -> httpx2.Response:
    """Send a request and read its answer within bounds: the client's own are for each read only.

    Raises:
        MicrosoftUnreachableError: the answer passed one of them.
        httpx2.HTTPError: As usual.
    """
    until = time.monotonic() + _WHOLE_ANSWER_SECONDS
    response = http.send(request, stream=True)
    chunks: list[bytes] = []
    size = 0
    try:
        for chunk in response.iter_bytes():
            chunks.append(chunk)
            size += len(chunk)
            if size > _MOST_BYTES:
                raise MicrosoftUnreachableError("Microsoft's answer was larger than any should be.")
            if time.monotonic() > until:
                raise MicrosoftUnreachableError(
                    "Microsoft's answer did not come to its end in time."
                )
    finally:
        response.close()
    # The body is decoded by now, so what described it on the way no longer does.
    kept = response.headers.copy()
    for description in ("Content-Encoding", "Content-Length", "Transfer-Encoding"):
        kept.pop(description, None)
    return httpx2.Response(response.status_code, headers=kept, content=b"".join(chunks))


def json_object(response: httpx2.Response) -> dict[str, Any]:
    """Return the answer's JSON object.

    Raises:
        MicrosoftUnreachableError: it is not JSON or not an object: a malformed answer is a broken
            one.
    """
    try:
        # Bytes straight into the parser: decoding to text first costs a third of the time.
        answer = json.loads(response.content)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise MicrosoftUnreachableError("Microsoft's answer was malformed.")
    return answer


def discovery_document(response: httpx2.Response) -> dict[str, Any]:
    """Return the discovery document in an answer.

    Only 404 and a 400 that says so mean that there is no tenant. Microsoft answers passing faults
    with 400 as well, and a customer must not be told of those that its domain is not there.

    Raises:
        TenantUnknownError: no tenant has this name or id.
        UnexpectedAnswerError: a status that discovery does not have.
        MicrosoftUnreachableError: any other 400, or a malformed answer: worth asking again.
    """
    status = response.status_code
    if status == 404:
        raise TenantUnknownError
    if status == 400:
        if cause_of_answer(Endpoint.DISCOVERY, json_object(response)) is Cause.TENANT_UNKNOWN:
            raise TenantUnknownError
        raise MicrosoftUnreachableError("Microsoft could not answer a tenant discovery now.")
    if status != 200:
        raise UnexpectedAnswerError(f"Tenant discovery was answered with {status}.")
    return json_object(response)


@dataclass(frozen=True)
class MsalResponse:
    """An answer in the shape of `requests`, which is what MSAL reads."""

    status_code: int
    text: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)

    def raise_for_status(self) -> None:
        """Never needed: statuses that MSAL would raise for have become our own errors before."""


class NoHttpCache(dict[str, Any]):
    """A mapping that stores nothing, for MSAL's `http_cache`.

    MSAL 1.39 keeps HTTP 400 answers of the token endpoint for 60 seconds, so that a caller who
    polls for a consent would make no call for a minute. Measured; see
    `msal/throttled_http_client.py`.
    """

    def __setitem__(self, key: str, value: object) -> None:
        """Store nothing."""

    def pop(self, _key: str, *default: Any) -> Any:
        """Return the default: nothing is stored, and asking for it is no error."""
        return default[0] if default else None


class MsalHttp:
    """The `http_client` that MSAL gets: our client, one host, our errors.

    It sends nothing to any other origin than the authority's, so a forged discovery document cannot
    obtain our secret. It turns every failure that is not an OAuth answer into an error of this room
    before MSAL sees, logs or caches it. Discovery documents are kept for an hour; only good ones
    are.
    """

    def __init__(self, http: httpx2.Client, authority: str, clock: Callable[[], float]) -> None:
        """Serve one authority; `clock` gives seconds since the epoch."""
        self._http = http
        self._authority = checked_endpoint(authority)
        self._plain = self._authority.startswith("http://")
        self._clock = clock
        self._documents: dict[str, tuple[float, dict[str, Any]]] = {}
        self._lock = threading.Lock()

    @property
    def msal_authority(self) -> str:
        """The authority as MSAL accepts it: always https."""
        return self._over_tls(self._authority)

    def document(self, tenant_id: str) -> dict[str, Any]:
        """Return the tenant's OpenID configuration.

        Raises:
            TenantUnknownError: Microsoft does not know the tenant.
            ForeignLinkError: it names another host than the authority's.
            MicrosoftUnreachableError, ThrottledError: as usual.
        """
        return self._document(
            f"{self._authority}/{tenant_id}/v2.0/.well-known/openid-configuration"
        )

    def fetch(self, url: str) -> dict[str, Any]:
        """GET one JSON object below the authority, for example the signing keys."""
        return json_object(send(self._http, "GET", self._reachable(url)))

    def get(
        self, url: str, params: Mapping[str, str] | None = None, **_ignored: object
    ) -> MsalResponse:
        """Answer MSAL's GET: it asks for discovery documents only."""
        if params:
            raise ForeignLinkError
        document = dict(self._document(self._reachable(url)))
        if isinstance(document.get("token_endpoint"), str):
            # MSAL refuses a token endpoint that is not https. The page that a person opens stays as
            # it is.
            document["token_endpoint"] = self._over_tls(document["token_endpoint"])
        return MsalResponse(200, json.dumps(document), {})

    def post(
        self,
        url: str,
        data: Mapping[str, str | bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        **_ignored: object,
    ) -> MsalResponse:
        """Answer MSAL's POST, which goes to the token endpoint."""
        # A client assertion comes as bytes; the rest is text and numbers.
        form = {
            key: value.decode("ascii") if isinstance(value, bytes) else str(value)
            for key, value in (data or {}).items()
        }
        response = send(self._http, "POST", self._reachable(url), headers=headers, form=form)
        json_object(response)
        return MsalResponse(response.status_code, response.text, dict(response.headers))

    def close(self) -> None:
        """Do nothing: the code that opened the HTTP client closes it."""

    def _document(self, url: str) -> dict[str, Any]:
        now = self._clock()
        with self._lock:
            kept = self._documents.get(url)
        if kept and 0 <= now - kept[0] < _LONGEST_DOCUMENT_AGE:
            return kept[1]
        document = discovery_document(send(self._http, "GET", url))
        for member in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not isinstance(document.get(member), str):
                raise MicrosoftUnreachableError("Microsoft's discovery document was incomplete.")
            if not same_origin(document[member], self._authority):
                raise ForeignLinkError
        with self._lock:
            self._documents[url] = (now, document)
        return document

    def _over_tls(self, url: str) -> str:
        return f"https://{url.removeprefix('http://')}" if self._plain else url

    def _reachable(self, url: str) -> str:
        if self._plain and url.startswith("https://"):
            url = f"http://{url.removeprefix('https://')}"
        if not same_origin(url, self._authority):
            raise ForeignLinkError
        return url

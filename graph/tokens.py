"""Microsoft Entra ID: app-only tokens, the consent address, and people signing in, by MSAL."""

import hmac
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx2
import msal

from contracts.clouds import WORLDWIDE_SCOPE
from graph.causes import codes_of, oauth_error
from graph.credentials import Credential
from graph.discovery import is_tenant_id
from graph.errors import (
    IdTokenRefusal,
    IdTokenRefusedError,
    MicrosoftUnreachableError,
    SignInRefusedError,
    UnexpectedAnswerError,
)
from graph.id_tokens import SigningKeys, usable_keys, validate_id_token
from graph.permissions import DELEGATED_PERMISSIONS
from graph.refusals import token_refusal
from graph.transport import MsalHttp, NoHttpCache

_ADDED_BY_MSAL = frozenset({"openid", "profile", "offline_access"})
_SCOPES = [p.name for p in DELEGATED_PERMISSIONS if p.name not in _ADDED_BY_MSAL]
"""What MSAL is to ask for besides what it adds by itself."""

_MSAL_CANNOT_READ = (ValueError, IndexError, KeyError, TypeError, AttributeError)
"""MSAL decodes a token to file it away, and fails in one of these ways on one that is none."""


_NO_DIRECTORY_ROLE = "b79fbf4d-3ef9-4689-8143-76b194e85509"
"""What `wids` names of people without any role. Source: Microsoft Learn, *Access token claims
reference* and *Configure group claims and app roles in tokens*."""

OPTIONAL_CLAIMS = ("acct", "wids")
"""What our registration asks for in ID tokens and `SignedInPerson` reads: guest or member, and
directory roles."""


@dataclass(frozen=True)
class SignInRequest:
    """A prepared sign-in: where to send the browser, and what to keep until it comes back."""

    url: str = field(repr=False)
    """Microsoft's page for this sign-in."""
    state: str = field(repr=False)
    """Comes back in the query; bind it to this browser."""
    flow: dict[str, Any] = field(repr=False)
    """To keep on the server and hand to `complete_sign_in`: JSON only; holds the nonce and the
    PKCE secret."""


@dataclass(frozen=True)
class SignedInPerson:
    """A person whose ID token has been validated."""

    tenant_id: str
    """The proven tenant, a GUID; together with `object_id` the only key a person is known by."""
    object_id: str
    """The person's object in that tenant, a GUID."""
    display_name: str = field(repr=False)
    """For showing; may be empty. Never a key."""
    preferred_username: str = field(repr=False)
    """For showing; changes over time and may be empty. Never a key."""
    roles: tuple[str, ...]
    """Our application's roles that the tenant gave this person (console access in the vendor's own
    tenant)."""
    hinted_guest: bool
    """Whether the person seems to be a guest in this tenant, whose home is elsewhere: such a person
    neither consents for it nor works in the console. Microsoft may leave the hint out, so its
    absence proves nothing."""
    hinted_administrator: bool = False
    """Whether the token names a directory role (`wids`). It does so only where the registration
    asks for directory roles in tokens, so its absence proves nothing."""
    refresh_token: str | None = field(default=None, repr=False)
    """What `renew_sign_in` takes; None unless the sign-in began `renewable`."""
    optional_claims: tuple[str, ...] = ()
    """Of `OPTIONAL_CLAIMS`, those that the token had."""


class EntraClient:
    """One application of ours, in every customer's tenant; safe to use from many threads.

    Tokens live in memory only. MSAL application objects are kept per tenant for their token cache;
    their HTTP cache stores nothing, because MSAL would otherwise repeat a refusal for a minute.
    """

    def __init__(
        self,
        *,
        authority: str,
        client_id: str,
        credential: Credential,
        http: httpx2.Client,
        clock: Callable[[], float],
        graph_scope: str = WORLDWIDE_SCOPE,
    ) -> None:
        """Send nothing yet.

        Args:
            authority: `https://login.microsoftonline.com`, or http on a loopback host.
            client_id: our application's id.
            credential: certificate (preferred) or secret.
            http: from `graph.transport.open_http`.
            clock: seconds since the epoch; judges ID tokens and the age of keys.
            graph_scope: everything granted for Graph, as `contracts.clouds.graph_scope` names it.

        Raises:
            ValueError: the authority is neither https nor http on a loopback host.
        """
        self._authority = authority.rstrip("/")
        self._client_id = client_id
        self._credential = credential
        self._clock = clock
        self._graph_scope = graph_scope
        self._wire = MsalHttp(http, authority, clock)
        self._keys = SigningKeys(self._wire.fetch, clock)
        self._applications: dict[str, Any] = {}
        self._lock = threading.Lock()

    def app_token(self, tenant_id: str, *, fresh: bool = False) -> str:
        """Return an app-only token for Graph in one tenant.

        Args:
            tenant_id: the customer's tenant.
            fresh: ask Microsoft, past every cache. A token issued before a consent took
                effect lacks its roles and stays valid for an hour, so a caller that waits for a
                consent asks for a fresh one each time.

        Raises:
            ConsentNotVisibleError: Microsoft does not know our application in that tenant (yet).
            TenantUnknownError, ApplicationDisabledError, CredentialRefusedError: as named.
            MicrosoftUnreachableError, ThrottledError, UnexpectedAnswerError: as named.
        """
        application = None if fresh else self._applications.get(tenant_id)
        if application is None:
            application = self._application(tenant_id)
        try:
            answer = application.acquire_token_for_client(scopes=[self._graph_scope])
        except _MSAL_CANNOT_READ:
            raise MicrosoftUnreachableError("Microsoft's answer was malformed.") from None
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str):
            self.discard_token(tenant_id)
            raise token_refusal(answer if isinstance(answer, dict) else {})
        if not (token.isascii() and token.isprintable()):
            # It could not stand in a header, and the HTTP client's error would quote it.
            raise MicrosoftUnreachableError("Microsoft's answer was malformed.")
        with self._lock:
            self._applications[tenant_id] = application
        return token

    def discard_token(self, tenant_id: str) -> None:
        """Discard the kept tokens of a tenant; the next call asks Microsoft again."""
        with self._lock:
            self._applications.pop(tenant_id, None)

    def admin_consent_url(self, tenant_id: str, redirect_uri: str, state: str) -> str:
        """Return the page on which that tenant's administrator consents for the organisation.

        Source: Microsoft Learn, *Admin consent on the Microsoft identity platform*, read
        2026-11-23.

        Raises:
            ValueError: the tenant id is not a GUID: people are sent to the tenant we discovered,
                and to no other.
        """
        query = {
            "client_id": self._client_id,
            "scope": self._graph_scope,
            "redirect_uri": redirect_uri,
            "state": state,
        }
        return f"{self._authority}/{_checked(tenant_id)}/v2.0/adminconsent?{urlencode(query)}"

    def published_keys(self, tenant_id: str) -> int:
        """Return how many keys Microsoft publishes that could sign for this tenant.

        Raises:
            MicrosoftUnreachableError, ThrottledError, ForeignLinkError: they cannot be read.
            TenantUnknownError: as named.
        """
        document = self._wire.document(_checked(tenant_id))
        return usable_keys(self._wire.fetch(document["jwks_uri"]), document["issuer"], tenant_id)

    def silent_sign_in_url(self, tenant_id: str, redirect_uri: str) -> str:
        """Return the address that asks for a sign-in without showing a page.

        Asked as nobody, Microsoft sends a browser back with an error, and only to an address that
        is registered. Source: Microsoft Learn, *OAuth 2.0 authorization code flow* (`prompt`).
        """
        query = {
            "client_id": self._client_id,
            "response_type": "code",
            "response_mode": "query",
            "redirect_uri": redirect_uri,
            "scope": " ".join(permission.name for permission in DELEGATED_PERMISSIONS),
            "prompt": "none",
        }
        page = self._wire.document(_checked(tenant_id))["authorization_endpoint"]
        return f"{page}?{urlencode(query)}"

    def begin_sign_in(
        self,
        tenant_id: str,
        redirect_uri: str,
        *,
        login_hint: str | None = None,
        domain_hint: str | None = None,
        prompt: str | None = None,
        renewable: bool = False,
    ) -> SignInRequest:
        """Prepare one sign-in by authorization code with state, nonce and PKCE.

        Args:
            tenant_id: the only tenant whose people are accepted.
            redirect_uri: where Microsoft sends the browser back to; registered for our application.
            login_hint: the directory's own sign-in name (user principal name), to be filled in on
                Microsoft's page. Microsoft need not know any other address of the person.
            domain_hint: a domain of the organisation, which leads to its own login page.
            prompt: `select_account`, `login` or `consent`; None leaves it to Microsoft.
            renewable: ask for a refresh token as well (`offline_access`, which Microsoft adds to
                what is granted already).

        Raises:
            ValueError: the tenant id is not a GUID.
            TenantUnknownError, MicrosoftUnreachableError, ThrottledError: as named.
        """
        flow = self._application(tenant_id, renewable=renewable).initiate_auth_code_flow(
            scopes=_SCOPES,
            redirect_uri=redirect_uri,
            login_hint=login_hint,
            domain_hint=domain_hint,
            prompt=prompt,
            response_mode="form_post",
        )
        # MSAL warns about anything but form_post. That would come back as a cross-site POST, for
        # which browsers withhold SameSite=Lax cookies, so the browser could not be recognised. In
        # a query the code is bound to this browser by state and PKCE, and good for one use.
        url = flow["auth_uri"].replace("response_mode=form_post", "response_mode=query")
        # The address holds the login hint, which is somebody's; nothing that is kept needs it.
        kept = {name: value for name, value in flow.items() if name != "auth_uri"}
        kept["tenant_id"] = tenant_id
        return SignInRequest(url=url, state=flow["state"], flow=kept)

    def complete_sign_in(
        self, flow: Mapping[str, Any], query_parameters: Mapping[str, str]
    ) -> SignedInPerson:
        """Turn Microsoft's authorization response into a proven person.

        Works once per flow: Microsoft accepts a code a single time. Tokens are dropped, only the
        claims stay, and the refresh token of a sign-in that began `renewable`.

        Args:
            flow: as kept from `begin_sign_in`.
            query_parameters: the callback's query, exactly as received.

        Raises:
            SignInRefusedError: no person came back; `error` says why.
            IdTokenRefusedError: the ID token must not be believed.
            ConsentNotVisibleError, ApplicationDisabledError, CredentialRefusedError: as named.
            MicrosoftUnreachableError, ThrottledError: as named; the code may still be good for a
                few minutes.
        """
        kept = dict(flow)
        tenant_id, nonce = _checked(kept.pop("tenant_id", "")), kept.get("nonce")
        state = kept.get("state")
        if (
            not isinstance(nonce, str)
            or not isinstance(state, str)
            or not kept.get("code_verifier")
        ):
            raise SignInRefusedError("state_mismatch")
        if not hmac.compare_digest(state.encode(), query_parameters.get("state", "").encode()):
            raise SignInRefusedError("state_mismatch")
        if query_parameters.get("error"):
            raise _sign_in_refusal(query_parameters)
        if not query_parameters.get("code"):
            raise SignInRefusedError("no_answer")
        application = self._application(tenant_id)
        returned = {"state": state, "code": query_parameters["code"]}
        return self._person(
            tenant_id,
            nonce,
            lambda: application.acquire_token_by_auth_code_flow(kept, returned),
        )

    def renew_sign_in(self, tenant_id: str, refresh_token: str) -> SignedInPerson:
        """Ask Microsoft once more about a person who signed in, with the roles of now.

        Args:
            tenant_id: the tenant that the person signed in to.
            refresh_token: of the sign-in, or of the last renewal; the new one takes its place.

        Raises:
            SignInRefusedError: Microsoft does not stand for the person any more, or asks for a new
                sign-in; `error` and `codes` say why.
            IdTokenRefusedError: the ID token must not be believed.
            ConsentNotVisibleError, ApplicationDisabledError, CredentialRefusedError: as named.
            TenantUnknownError, MicrosoftUnreachableError, ThrottledError: as named.
        """
        application = self._application(_checked(tenant_id), renewable=True)
        return self._person(
            tenant_id,
            None,
            lambda: application.acquire_token_by_refresh_token(refresh_token, _SCOPES),
        )

    def _person(
        self, tenant_id: str, nonce: str | None, redeem: Callable[[], dict[str, Any]]
    ) -> SignedInPerson:
        answer = _redeemed(redeem)
        document = self._wire.document(tenant_id)
        claims = validate_id_token(
            answer["id_token"],
            tenant_id=tenant_id,
            issuer=document["issuer"],
            keys_url=document["jwks_uri"],
            client_id=self._client_id,
            nonce=nonce,
            keys=self._keys,
            now=self._clock(),
        )
        return _person(claims, answer.get("refresh_token"))

    def _application(self, tenant_id: str, *, renewable: bool = False) -> Any:
        return msal.ConfidentialClientApplication(
            self._client_id,
            client_credential=self._credential.for_msal(),
            authority=f"{self._wire.msal_authority}/{_checked(tenant_id)}",
            instance_discovery=False,
            http_client=self._wire,
            http_cache=NoHttpCache(),
            exclude_scopes=None if renewable else ["offline_access"],
        )


def _redeemed(redeem: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return Microsoft's answer with an ID token, or raise what it means."""
    try:
        answer = redeem()
    except RuntimeError:
        # MSAL compares the nonce and nothing else; its text repeats both, so it goes no further.
        raise IdTokenRefusedError(IdTokenRefusal.NONCE) from None
    except _MSAL_CANNOT_READ:
        raise IdTokenRefusedError(IdTokenRefusal.MALFORMED) from None
    if "error" in answer:
        refusal = token_refusal(answer)
        raise _sign_in_refusal(answer) if isinstance(refusal, UnexpectedAnswerError) else refusal
    if not isinstance(answer.get("id_token"), str):
        raise IdTokenRefusedError(IdTokenRefusal.MALFORMED)
    return answer


def _checked(tenant_id: object) -> str:
    if not isinstance(tenant_id, str) or not is_tenant_id(tenant_id):
        raise ValueError("A tenant id is a GUID in lower case.")
    return tenant_id


def _sign_in_refusal(answer: Mapping[str, Any]) -> SignInRefusedError:
    subcode = answer.get("error_subcode")
    return SignInRefusedError(
        oauth_error(answer.get("error")),
        codes_of(answer),
        oauth_error(subcode) if subcode else None,
        _guid(answer.get("trace_id")),
        _guid(answer.get("correlation_id")),
    )


def _guid(value: object) -> str:
    try:
        return str(UUID(value)) if isinstance(value, str) else ""
    except ValueError:
        return ""


def _person(claims: Mapping[str, Any], refresh_token: object) -> SignedInPerson:
    listed_roles, home = claims.get("roles"), claims.get("idp")
    directory_roles = claims.get("wids")
    return SignedInPerson(
        tenant_id=claims["tid"],
        object_id=claims["oid"],
        display_name=_text(claims.get("name")),
        preferred_username=_text(claims.get("preferred_username")),
        roles=tuple(r for r in listed_roles if isinstance(r, str))
        if isinstance(listed_roles, list)
        else (),
        hinted_guest=claims.get("acct") == 1
        # Named only when it differs from the issuer, or names the same tenant in another form.
        or (isinstance(home, str) and claims["tid"] not in home),
        hinted_administrator=isinstance(directory_roles, list)
        and any(isinstance(one, str) and one != _NO_DIRECTORY_ROLE for one in directory_roles),
        refresh_token=refresh_token if isinstance(refresh_token, str) else None,
        optional_claims=tuple(name for name in OPTIONAL_CLAIMS if name in claims),
    )


def _text(value: object) -> str:
    # A token can hold half of a letter (a lone surrogate), which nothing else takes.
    return value.encode("utf-8", "ignore").decode() if isinstance(value, str) else ""

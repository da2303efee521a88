"""Checks our own app registration: everything that a go-live will ask of Microsoft, read-only.

It goes through the same clients as a go-live. What Microsoft answers is recorded as exchanges, and
every finding follows from those and from what is said of our settings, so that tests come to the
same findings from a recording.
"""

from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import httpx2

from contracts import rules
from contracts.orders import APP_ROLES
from contracts.registration import (
    SIGN_IN_PATH,
    RegistrationFinding,
    RegistrationPart,
    RegistrationResult,
    RegistrationSettings,
    SignInFacts,
)
from graph.causes import Cause, Endpoint, cause_of
from graph.client import GraphClient
from graph.discovery import discover_tenant_named
from graph.errors import (
    ApplicationDisabledError,
    ConsentNotVisibleError,
    CredentialRefusedError,
    DomainInAnotherCloudError,
    DomainNotOnEntraError,
    GraphError,
    IdTokenRefusedError,
    RetryableError,
    SignInRefusedError,
    TenantUnknownError,
    UnexpectedAnswerError,
)
from graph.exchanges import HERE, AnsweredBy, ExchangeRecorder, oauth_word
from graph.permissions import APPLICATION_PERMISSIONS
from graph.tokens import OPTIONAL_CLAIMS, EntraClient
from graph.transport import send

_APPLICATION_NOT_FOUND = 700016
_NO_SUCH_REDIRECT = frozenset({50011, 500113})
_OF_CREDENTIAL = {
    7000215: RegistrationFinding.SECRET_WRONG,
    7000222: RegistrationFinding.CREDENTIAL_ENDED,
    1000502: RegistrationFinding.CREDENTIAL_ENDED,
    700027: RegistrationFinding.CERTIFICATE_MISSING,
    700024: RegistrationFinding.CLOCK_WRONG,
}
"""What Microsoft's numbers say of our own credential; others mean that it is refused somehow."""
_OURS = frozenset({"state_mismatch", "no_answer"})
"""What a sign-in ends with where what came back is not Microsoft's answer to it."""
_ONLY_A_PERSON_SEES = (
    RegistrationFinding.LOOK_AT_ACCOUNT_TYPES,
    RegistrationFinding.LOOK_AT_PERMISSIONS,
    RegistrationFinding.LOOK_AT_PUBLISHER,
)
"""To read the registration itself we would need `Application.Read.All`, which we do not ask for."""

Results = list[RegistrationResult]


class RegistrationCheck:
    """One check of the registration, from discovery to a sign-in."""

    def __init__(
        self,
        settings: RegistrationSettings,
        http: httpx2.Client,
        entra: EntraClient,
        graph: GraphClient,
        recorder: ExchangeRecorder,
    ) -> None:
        """Send nothing yet.

        Args:
            settings: what the settings say.
            http: the client that both others send through, with `recorder.note` as its hook.
            entra: the application as a go-live uses it.
            graph: the directory as a go-live reads it.
            recorder: hears every answer.
        """
        self._settings = settings
        self._http = http
        self._entra = entra
        self._graph = graph
        self._recorder = recorder
        self.sign_in_facts: SignInFacts | None = None
        """None until somebody signed in."""

    def run(self, tenant: str, sign_in: Callable[[str], SignInFacts] | None = None) -> Results:
        """Return everything that was found, then what only a person can look at.

        Args:
            tenant: the id or a domain of the tenant to check in.
            sign_in: lets somebody sign in to the tenant with this id; None = nobody does.
        """
        found = self._tenant(tenant)
        tenant_id = self._recorder.tenant_id
        found += self._within(tenant_id, sign_in) if tenant_id else self._without_tenant()
        return found + [RegistrationResult(one) for one in _ONLY_A_PERSON_SEES]

    def _without_tenant(self) -> Results:
        parts = [one for one in RegistrationPart if one is not RegistrationPart.TENANT]
        return [
            result
            for part in parts
            for result in (
                self._end() if part is RegistrationPart.CREDENTIAL_END else [_not_checked(part)]
            )
        ]

    def _within(self, tenant_id: str, sign_in: Callable[[str], SignInFacts] | None) -> Results:
        found = self._asked(RegistrationPart.KEYS, lambda: self._keys(tenant_id))
        found += self._asked(RegistrationPart.REDIRECTS, lambda: self._redirects(tenant_id))
        token = self._asked(RegistrationPart.TOKEN, lambda: self._token(tenant_id))
        found += token + self._end()
        if not _all(token, RegistrationFinding.TOKEN_GIVEN):
            needs_token = (
                RegistrationPart.PERMISSIONS,
                RegistrationPart.DIRECTORY,
                RegistrationPart.SIGN_IN,
            )
            return found + [_not_checked(one) for one in needs_token]
        granted = self._asked(RegistrationPart.PERMISSIONS, lambda: self._permissions(tenant_id))
        found += granted
        if _all(granted, RegistrationFinding.PERMISSION_GRANTED):
            found += self._asked(RegistrationPart.DIRECTORY, lambda: self._directory(tenant_id))
        else:
            found.append(_not_checked(RegistrationPart.DIRECTORY))
        if sign_in is None:
            return [*found, RegistrationResult(RegistrationFinding.LOOK_AT_SIGN_IN)]
        self.sign_in_facts = sign_in(tenant_id)
        return found + self._signed_in(tenant_id, self.sign_in_facts)

    def sign_in(self, tenant_id: str, ask: Callable[[str], str]) -> SignInFacts:
        """Let somebody sign in by a browser, and return what that showed.

        It is the sign-in of a go-live: authorization code with PKCE, so the address that the
        browser comes back with is good for nothing outside this call. Tokens are dropped.

        Args:
            tenant_id: whose people may sign in.
            ask: shows somebody the address to open, and returns the address that Microsoft sent the
                browser back to.
        """
        try:
            asked = self._entra.begin_sign_in(
                tenant_id, self._settings.redirect_uris[SIGN_IN_PATH], prompt="select_account"
            )
            person = self._entra.complete_sign_in(asked.flow, _query(ask(asked.url)))
        except SignInRefusedError as error:
            ours = error.error in _OURS
            word = error.error if ours else oauth_word(error.error)
            return SignInFacts(error=word, numbers=error.codes)
        except IdTokenRefusedError as error:
            return SignInFacts(id_token_refused=error.kind)
        except CredentialRefusedError as error:
            return SignInFacts(credential_refused=True, numbers=error.codes)
        except GraphError as error:
            return SignInFacts(unreachable=True, numbers=getattr(error, "codes", ()))
        return SignInFacts(
            roles=tuple(role for role in person.roles if role in APP_ROLES),
            claims=person.optional_claims,
            guest=person.hinted_guest,
        )

    def _tenant(self, name: str) -> Results:
        try:
            self._recorder.tenant_id = discover_tenant_named(
                self._http, self._settings.authority, name
            )
        except DomainNotOnEntraError:
            return [RegistrationResult(RegistrationFinding.TENANT_UNKNOWN)]
        except DomainInAnotherCloudError as error:
            return [RegistrationResult(RegistrationFinding.OTHER_CLOUD, error.cloud)]
        except GraphError:
            return [_unreachable(RegistrationPart.TENANT)]
        return [RegistrationResult(RegistrationFinding.TENANT_FOUND)]

    def _asked(self, part: RegistrationPart, check: Callable[[], Results]) -> Results:
        """Check one part; what no check foresees is said of the part as a whole."""
        try:
            return check()
        except GraphError as error:
            return [_unreachable(part, getattr(error, "codes", ()))]

    def _keys(self, tenant_id: str) -> Results:
        try:
            usable = self._entra.published_keys(tenant_id)
        except (RetryableError, UnexpectedAnswerError):
            return [RegistrationResult(RegistrationFinding.KEYS_UNREADABLE)]
        good = (
            RegistrationFinding.KEYS_GOOD if usable else RegistrationFinding.KEYS_OF_ANOTHER_CLOUD
        )
        return [RegistrationResult(good)]

    def _redirects(self, tenant_id: str) -> Results:
        found: Results = []
        for path, address in self._settings.redirect_uris.items():
            url = self._entra.silent_sign_in_url(tenant_id, address)
            send(self._http, "GET", url, redirect_expected=True)
            facts = self._recorder.last(AnsweredBy.AUTHORIZE)
            numbers = tuple(facts.get("numbers", ()))
            if facts.get("back_to") == HERE:
                found.append(RegistrationResult(RegistrationFinding.REDIRECT_REGISTERED, path))
            elif _APPLICATION_NOT_FOUND in numbers:
                # The token says so as well, and of no application can an address be registered.
                return [_not_checked(RegistrationPart.REDIRECTS)]
            elif _NO_SUCH_REDIRECT.isdisjoint(numbers):
                found.append(
                    RegistrationResult(RegistrationFinding.REDIRECT_UNCLEAR, path, numbers)
                )
            else:
                found.append(
                    RegistrationResult(RegistrationFinding.REDIRECT_MISSING, path, numbers)
                )
        return found

    def _token(self, tenant_id: str) -> Results:
        try:
            self._entra.app_token(tenant_id, fresh=True)
        except CredentialRefusedError as error:
            known = (_OF_CREDENTIAL[one] for one in error.codes if one in _OF_CREDENTIAL)
            finding = next(known, RegistrationFinding.CREDENTIAL_REFUSED)
            return [RegistrationResult(finding, numbers=error.codes)]
        except ApplicationDisabledError as error:
            return [
                RegistrationResult(RegistrationFinding.APPLICATION_DISABLED, numbers=error.codes)
            ]
        except ConsentNotVisibleError as error:
            at_home = tenant_id == self._settings.staff_tenant_id
            finding = (
                RegistrationFinding.APPLICATION_UNKNOWN
                if at_home and _APPLICATION_NOT_FOUND in error.codes
                else RegistrationFinding.NOT_IN_TENANT
            )
            return [RegistrationResult(finding, numbers=error.codes)]
        except TenantUnknownError:
            return [RegistrationResult(RegistrationFinding.TENANT_UNKNOWN)]
        except UnexpectedAnswerError as error:
            return [RegistrationResult(RegistrationFinding.TOKEN_REFUSED, numbers=error.codes)]
        return [RegistrationResult(RegistrationFinding.TOKEN_GIVEN)]

    def _end(self) -> Results:
        days = self._settings.credential_days_left
        if days is None:
            return [RegistrationResult(RegistrationFinding.END_UNKNOWN)]
        if days < 0:
            return [RegistrationResult(RegistrationFinding.END_PAST)]
        near = days < rules.CREDENTIAL_ENDS_SOON.days
        finding = RegistrationFinding.END_NEAR if near else RegistrationFinding.END_FAR
        return [RegistrationResult(finding, str(days))]

    def _permissions(self, tenant_id: str) -> Results:
        refused = self._graph.refused_permissions(tenant_id)
        return [
            RegistrationResult(
                RegistrationFinding.PERMISSION_MISSING
                if one.name in refused
                else RegistrationFinding.PERMISSION_GRANTED,
                one.name,
            )
            for one in APPLICATION_PERMISSIONS
        ]

    def _directory(self, tenant_id: str) -> Results:
        domains = self._graph.organization(tenant_id).verified_domains
        page = next(self._graph.user_pages(tenant_id))
        found = [RegistrationResult(RegistrationFinding.DOMAINS_READ, str(len(domains)))]
        with_field = self._recorder.last(AnsweredBy.USERS).get("with", {})
        # Another permission than ours lists users as well, without what tells guests apart.
        absent = [one for one in ("accountEnabled", "userType") if not with_field.get(one)]
        if page.users and absent:
            incomplete = RegistrationFinding.USERS_INCOMPLETE
            return [*found, RegistrationResult(incomplete, ", ".join(absent))]
        users = RegistrationResult(RegistrationFinding.USERS_READ, str(len(page.users)))
        return [*found, users]

    def _signed_in(self, tenant_id: str, facts: SignInFacts) -> Results:
        if facts.unreachable:
            return [_unreachable(RegistrationPart.SIGN_IN, facts.numbers)]
        if facts.credential_refused:
            return [RegistrationResult(RegistrationFinding.CREDENTIAL_REFUSED, "", facts.numbers)]
        if facts.id_token_refused:
            return [
                RegistrationResult(RegistrationFinding.ID_TOKEN_REFUSED, facts.id_token_refused)
            ]
        if facts.error in _OURS:
            return [RegistrationResult(RegistrationFinding.ADDRESS_OF_ANOTHER_SIGN_IN)]
        if facts.error:
            cause = cause_of(Endpoint.AUTHORIZE, facts.error, facts.numbers)
            known = "" if cause is Cause.UNKNOWN else cause
            return [RegistrationResult(RegistrationFinding.SIGN_IN_REFUSED, known, facts.numbers)]
        found = [RegistrationResult(RegistrationFinding.SIGN_IN_WORKS)]
        if facts.guest:
            found.append(RegistrationResult(RegistrationFinding.GUEST_SIGNED_IN))
        found += [
            RegistrationResult(
                RegistrationFinding.CLAIM_THERE
                if name in facts.claims
                else RegistrationFinding.CLAIM_MISSING,
                name,
            )
            for name in OPTIONAL_CLAIMS
        ]
        if self._settings.staff_tenant_id is None:
            found.append(RegistrationResult(RegistrationFinding.LOOK_AT_STAFF_TENANT))
        elif tenant_id != self._settings.staff_tenant_id:
            found.append(RegistrationResult(RegistrationFinding.LOOK_AT_ROLES))
        elif facts.roles:
            found += [
                RegistrationResult(RegistrationFinding.ROLE_GIVEN, one) for one in facts.roles
            ]
        else:
            found.append(RegistrationResult(RegistrationFinding.ROLE_MISSING))
        return found


def _all(results: Results, finding: RegistrationFinding) -> bool:
    return all(one.finding is finding for one in results)


def _not_checked(part: RegistrationPart) -> RegistrationResult:
    return RegistrationResult(RegistrationFinding.NOT_CHECKED, part)


def _unreachable(part: RegistrationPart, numbers: tuple[int, ...] = ()) -> RegistrationResult:
    return RegistrationResult(RegistrationFinding.UNREACHABLE, part, numbers)


def _query(pasted: str) -> dict[str, str]:
    """Return the query of a pasted address; nothing for what is none."""
    try:
        return dict(parse_qsl(urlsplit(pasted.strip()).query, max_num_fields=20))
    except ValueError:
        return {}

"""Everything that can go wrong between us and Microsoft, as one tree.

GraphError
├── RetryableError                 the same call may succeed later
│   ├── MicrosoftUnreachableError  network, timeouts, 5xx, cut or malformed answers
│   ├── ThrottledError             Microsoft asks to wait, and says for how long
│   └── ConsentNotVisibleError     the consent is not in effect yet (or was taken back)
├── PermissionMissingError         the grant is there but lacks one permission
├── TenantUnknownError             there is no such tenant
├── DomainNotOnEntraError          the e-mail domain belongs to no Entra ID tenant
├── DomainInAnotherCloudError      the e-mail domain's tenant is in a cloud that is not served here
├── ApplicationDisabledError       the customer has disabled our application in their tenant
├── CredentialRefusedError         our own secret or certificate is wrong or has expired
├── CredentialMalformedError       our own certificate file cannot be used
├── ForeignLinkError               an answer points to a host that is not Microsoft's
├── ListingExpiredError            the page link is too old: the listing starts again
├── UnexpectedAnswerError          an answer that fits nothing we know
├── SignInRefusedError             Microsoft ended a sign-in without a person
└── IdTokenRefusedError            an ID token that we do not believe, with the reason

The text of an exception never holds a token, an address, a name or words that Microsoft sent. Code
decides by the OAuth member `error` and by HTTP statuses. Numbers of the form AADSTS650056 are kept
in `codes` for choosing words; Microsoft may change them at any time.

Source: Microsoft Learn, *Microsoft Entra authentication and authorization error codes*, read
2026-11-23.
"""

from enum import StrEnum

from contracts.clouds import Cloud


class GraphError(Exception):
    """Anything that Microsoft refused, or that went wrong on the way there."""


class RetryableError(GraphError):
    """The same call may succeed later without anyone changing anything."""


class MicrosoftUnreachableError(RetryableError):
    """The network failed, Microsoft answered 5xx, or the answer was cut or malformed."""


class ThrottledError(RetryableError):
    """Microsoft (or our own budget for this tenant) asks us to wait before the next call."""

    retry_after_seconds: float
    """How long to wait, in seconds; may be fractional."""

    def __init__(self, retry_after_seconds: float) -> None:
        """Keep the wait that was asked for, in seconds."""
        super().__init__(f"Microsoft asks us to wait {retry_after_seconds:.1f} seconds.")
        self.retry_after_seconds = retry_after_seconds


_NOT_GRANTED_CODES = frozenset({65001, 700016, 7000229})
"""The tenant has not consented, does not know our application, or holds no principal of it."""


class ConsentNotVisibleKind(StrEnum):
    """The forms in which Microsoft shows that a consent is not in effect yet."""

    TOKEN_REFUSED = "token_refused"  # noqa: S105
    """The token endpoint does not know our application in that tenant."""
    TOKEN_WITHOUT_ROLES = "token_without_roles"  # noqa: S105
    """A token was issued, and Graph answers 403 to everything."""


class ConsentNotVisibleError(RetryableError):
    """The consent is not in effect: not propagated yet, never given, or taken back.

    Microsoft gives no bound for the delay; thirty seconds to more than five minutes have been seen.
    The three causes look the same from outside, so the caller waits for a limited time and then
    asks a person.
    """

    kind: ConsentNotVisibleKind
    codes: tuple[int, ...]

    def __init__(self, kind: ConsentNotVisibleKind, codes: tuple[int, ...] = ()) -> None:
        """Keep the form that was seen and Microsoft's codes for wording."""
        super().__init__("The consent is not visible at Microsoft yet.")
        self.kind = kind
        self.codes = codes

    @property
    def is_certain(self) -> bool:
        """Whether nothing is granted for certain: not where a refusal carries no known number."""
        without_roles = self.kind is ConsentNotVisibleKind.TOKEN_WITHOUT_ROLES
        return without_roles or not _NOT_GRANTED_CODES.isdisjoint(self.codes)


class PermissionMissingError(GraphError):
    """The grant is in effect, but one permission that we ask for is not part of it."""

    permission: str
    """Microsoft's name of the permission, such as `User.Read.All`."""

    def __init__(self, permission: str) -> None:
        """Keep the permission's name."""
        super().__init__(f"The permission {permission} has not been granted.")
        self.permission = permission


class TenantUnknownError(GraphError):
    """Microsoft does not know this tenant."""

    def __init__(self) -> None:
        """Hold no facts."""
        super().__init__("Microsoft does not know this tenant.")


class DomainNotOnEntraError(GraphError):
    """No Microsoft Entra ID tenant holds this e-mail domain."""

    def __init__(self) -> None:
        """Hold no facts: the caller knows which domain it asked about."""
        super().__init__("This e-mail domain belongs to no Microsoft Entra ID tenant.")


class DomainInAnotherCloudError(GraphError):
    """The tenant of this e-mail domain is in another cloud than the configured authority."""

    cloud: Cloud

    def __init__(self, cloud: Cloud) -> None:
        """Keep which cloud it is."""
        super().__init__(f"The tenant of this domain is in another cloud: {cloud}.")
        self.cloud = cloud


class ApplicationDisabledError(GraphError):
    """The customer's administrator has disabled our application in their tenant."""

    codes: tuple[int, ...]

    def __init__(self, codes: tuple[int, ...] = ()) -> None:
        """Keep Microsoft's codes for wording."""
        super().__init__("Our application is disabled in this tenant.")
        self.codes = codes


class CredentialRefusedError(GraphError):
    """Microsoft does not accept our own client secret or certificate."""

    codes: tuple[int, ...]

    def __init__(self, codes: tuple[int, ...] = ()) -> None:
        """Keep Microsoft's codes for wording."""
        super().__init__(
            "Microsoft does not accept this product's own client secret or certificate. "
            "Whoever runs this product must check that it is right and has not expired."
        )
        self.codes = codes


class CredentialMalformedError(GraphError):
    """The file with our own certificate cannot be used; the text says why."""


class ForeignLinkError(GraphError):
    """An answer points to a host outside the configured one; it was not followed."""

    def __init__(self) -> None:
        """Hold no facts: the link itself is never repeated."""
        super().__init__("An answer pointed to a host that is not the configured one.")


class ListingExpiredError(GraphError):
    """The page link is too old to go on from: the listing must start from its first page.

    Microsoft promises no lifetime, and has refused links that were asked for a second time.
    Source: microsoftgraph/msgraph-sdk-dotnet, issue 2254.
    """

    def __init__(self) -> None:
        """Hold no facts."""
        super().__init__("The directory listing can no longer be resumed from this page.")


class UnexpectedAnswerError(GraphError):
    """An answer that fits nothing we know; waiting will not mend it."""

    codes: tuple[int, ...]

    def __init__(self, what: str, codes: tuple[int, ...] = ()) -> None:
        """Keep what was odd, in our own words, and Microsoft's codes."""
        super().__init__(what)
        self.codes = codes


class SignInRefusedError(GraphError):
    """A sign-in came back without a person: declined, not allowed, expired or not ours.

    Decide on `error`. Besides Microsoft's own values it may be `state_mismatch` (the answer
    belongs to another sign-in), `no_answer` (neither code nor error), or `unrecognised` (not an
    OAuth error word).
    """

    error: str
    """Microsoft's OAuth error, such as `access_denied` or `consent_required`."""
    subcode: str | None
    """`cancel` when the person pressed cancel; otherwise usually absent."""
    codes: tuple[int, ...]
    """Microsoft's numbers, for wording only: 65004 declined, 90094 administrator needed, and so
    on."""
    trace_id: str
    """A GUID that Microsoft's support asks for, as is the next; empty where there is none."""
    correlation_id: str

    def __init__(
        self,
        error: str,
        codes: tuple[int, ...] = (),
        subcode: str | None = None,
        trace_id: str = "",
        correlation_id: str = "",
    ) -> None:
        """Keep the error, its codes and its subcode, and what Microsoft's support asks for."""
        super().__init__(f"Microsoft ended the sign-in: {error}.")
        self.error = error
        self.codes = codes
        self.subcode = subcode
        self.trace_id = trace_id
        self.correlation_id = correlation_id


class IdTokenRefusal(StrEnum):
    """Why an ID token was not believed."""

    SIGNATURE = "signature"
    """Not signed with RS256 by a key that Microsoft publishes for this tenant."""
    ISSUER = "issuer"
    """Issued by someone other than the tenant's own issuer."""
    AUDIENCE = "audience"
    """Made for another application."""
    EXPIRED = "expired"
    """Outside its period of validity: too old, or not valid yet."""
    NONCE = "nonce"
    """Made for another sign-in."""
    TENANT = "tenant"
    """The person belongs to another tenant than the one asked."""
    MALFORMED = "malformed"
    """Not a token, or without a claim that we need."""


class IdTokenRefusedError(GraphError):
    """An ID token that must not be believed."""

    kind: IdTokenRefusal

    def __init__(self, kind: IdTokenRefusal) -> None:
        """Keep the reason."""
        super().__init__(f"The ID token was refused: {kind}.")
        self.kind = kind

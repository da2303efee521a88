"""What is said of our own app registration at Microsoft: right, to mend, or to be looked at."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from textwrap import wrap

from contracts.clouds import NAMES, Cloud
from contracts.registration import (
    RegistrationFinding,
    RegistrationPart,
    RegistrationResult,
    RegistrationVerdict,
)

_APP = "App registrations → your application →"
_RUN_AGAIN = "Then run this again."


@dataclass(frozen=True)
class FindingWords:
    """A finding in words."""

    found: str
    to_do: str = ""
    """Who does what, with Microsoft's own menu words; empty where nothing is to be done."""


WORDS: dict[RegistrationFinding, FindingWords] = {
    RegistrationFinding.TENANT_FOUND: FindingWords(
        "The tenant is there, and in the cloud of GOLIVE_ENTRA_AUTHORITY."
    ),
    RegistrationFinding.TENANT_UNKNOWN: FindingWords(
        "Microsoft knows no tenant “{tenant}”.",
        "Overview → Basic information shows the Tenant ID and the Primary domain: correct "
        "--tenant, or GOLIVE_STAFF_TENANT_ID.",
    ),
    RegistrationFinding.OTHER_CLOUD: FindingWords(
        "The tenant is in another cloud: {subject}. This installation serves {cloud}.",
        "Check in a tenant of that cloud. An installation for the US Government's cloud has both "
        "GOLIVE_ENTRA_AUTHORITY and GOLIVE_GRAPH_URL of that cloud (docs/installing.md).",
    ),
    RegistrationFinding.KEYS_GOOD: FindingWords("The keys that sign people's tokens can be read."),
    RegistrationFinding.KEYS_UNREADABLE: FindingWords(
        "The keys that sign people's tokens cannot be read, so nobody could sign in.",
        "Let this machine reach all of {authority}, not only the token endpoint: look at the "
        "firewall and at GOLIVE_MICROSOFT_PROXY. " + _RUN_AGAIN,
    ),
    RegistrationFinding.KEYS_OF_ANOTHER_CLOUD: FindingWords(
        "None of the keys that Microsoft publishes may sign for this tenant: they are marked for "
        "another cloud.",
        "Correct GOLIVE_ENTRA_AUTHORITY; if it is right, give the transcript to a developer.",
    ),
    RegistrationFinding.REDIRECT_REGISTERED: FindingWords(
        "The redirect address {address} is registered."
    ),
    RegistrationFinding.REDIRECT_MISSING: FindingWords(
        "The redirect address {address} is not registered.",
        f"{_APP} Authentication → Redirect URI configuration → Add Redirect URI → Web: exactly "
        "this address. If it is not the right one, correct GOLIVE_PUBLIC_URL.",
    ),
    RegistrationFinding.REDIRECT_UNCLEAR: FindingWords(
        "Microsoft did not say whether the redirect address {address} is registered.",
        f"{_APP} Authentication → Redirect URI configuration: it stands there for Web, exactly.",
    ),
    RegistrationFinding.TOKEN_GIVEN: FindingWords(
        "Microsoft gives our application a token: client id and credential are right."
    ),
    RegistrationFinding.APPLICATION_UNKNOWN: FindingWords(
        "Our own tenant has no application {client_id}.",
        f"{_APP} Overview → Application (client) ID: put it into GOLIVE_CLIENT_ID (not the Object "
        "ID). If it is right, GOLIVE_STAFF_TENANT_ID is not the tenant of the registration.",
    ),
    RegistrationFinding.NOT_IN_TENANT: FindingWords(
        "This tenant does not know our application {client_id}.",
        "If nobody has consented there yet, an administrator of the tenant does; to check before "
        "that, name your own tenant with --tenant. If somebody has: "
        f"{_APP} Overview → Application (client) ID is what GOLIVE_CLIENT_ID must be, and "
        "Authentication → Supported accounts must be “Multiple Entra ID tenants”, with all tenants "
        "allowed.",
    ),
    RegistrationFinding.APPLICATION_DISABLED: FindingWords(
        "Our application is switched off in this tenant.",
        "Enterprise applications → our application → Properties → Enabled for users to sign in: "
        "Yes.",
    ),
    RegistrationFinding.SECRET_WRONG: FindingWords(
        "The client secret is wrong.",
        f"{_APP} Certificates & secrets → Client secrets: GOLIVE_CLIENT_SECRET must be the Value "
        "of one, not its Secret ID. Microsoft shows a Value only once; make a new one if it is "
        "lost.",
    ),
    RegistrationFinding.CREDENTIAL_ENDED: FindingWords(
        "Our client secret or certificate has ended; nobody can go live or sign in.",
        f"{_APP} Certificates & secrets: upload a new certificate "
        "(GOLIVE_CLIENT_CERTIFICATE_PATH), or make a New client secret (GOLIVE_CLIENT_SECRET, and "
        "its end in GOLIVE_CLIENT_SECRET_EXPIRES_ON).",
    ),
    RegistrationFinding.CERTIFICATE_MISSING: FindingWords(
        "Microsoft does not know our certificate.",
        f"{_APP} Certificates & secrets → Certificates → Upload certificate: the one in "
        "GOLIVE_CLIENT_CERTIFICATE_PATH, without its private key.",
    ),
    RegistrationFinding.CLOCK_WRONG: FindingWords(
        "Microsoft says that our signature is outside its time.",
        "Set the clock of this machine. If it is right, see whether the certificate has ended.",
    ),
    RegistrationFinding.CREDENTIAL_REFUSED: FindingWords(
        "Microsoft refuses our client secret or certificate.",
        f"{_APP} Certificates & secrets: see that the one in the settings is listed and has not "
        "ended.",
    ),
    RegistrationFinding.TOKEN_REFUSED: FindingWords(
        "Microsoft refuses our application a token for a reason that we do not know.",
        "Look the number up at https://login.microsoftonline.com/error, and give the transcript to "
        "a developer.",
    ),
    RegistrationFinding.END_FAR: FindingWords("Our credential is good for {subject} more days."),
    RegistrationFinding.END_NEAR: FindingWords(
        "Our credential ends in {subject} days.",
        f"{_APP} Certificates & secrets: make a new one now, and change the settings before the "
        "old one ends.",
    ),
    RegistrationFinding.END_PAST: FindingWords(
        "By the settings our client secret has ended.",
        f"{_APP} Certificates & secrets → Client secrets → Expires: make a new one, or correct "
        "GOLIVE_CLIENT_SECRET_EXPIRES_ON.",
    ),
    RegistrationFinding.END_UNKNOWN: FindingWords(
        "Nothing says when our client secret ends.",
        f"{_APP} Certificates & secrets → Client secrets → Expires: put that day into "
        "GOLIVE_CLIENT_SECRET_EXPIRES_ON, so that alerts come before it.",
    ),
    RegistrationFinding.PERMISSION_GRANTED: FindingWords("The permission {subject} is granted."),
    RegistrationFinding.PERMISSION_MISSING: FindingWords(
        "The permission {subject} is not granted in this tenant.",
        f"{_APP} API permissions → Add a permission → Microsoft Graph → Application permissions → "
        "{subject}; then Grant admin consent. In a customer's tenant its administrator consents "
        "once more, with the link in our mail.",
    ),
    RegistrationFinding.DOMAINS_READ: FindingWords(
        "The tenant's verified domains can be read: {subject}."
    ),
    RegistrationFinding.USERS_READ: FindingWords(
        "The directory can be read; its first page has {subject} accounts."
    ),
    RegistrationFinding.USERS_INCOMPLETE: FindingWords(
        "Accounts come without {subject}, so guests and disabled accounts could not be told apart.",
        f"{_APP} API permissions: the application permission is User.Read.All, not "
        "User.ReadBasic.All; then Grant admin consent.",
    ),
    RegistrationFinding.SIGN_IN_WORKS: FindingWords(
        "A person of the tenant can sign in, and the ID token is genuine."
    ),
    RegistrationFinding.SIGN_IN_REFUSED: FindingWords(
        "Microsoft ended the sign-in{because}.",
        "Monitoring & health → Sign-in logs has the sign-in with its reason.",
    ),
    RegistrationFinding.ID_TOKEN_REFUSED: FindingWords(
        "The sign-in came to its end, and its ID token is not believed ({subject}).",
        "Sign in with an account of the tenant that is checked. If you did, look at the clock of "
        "this machine, and give the transcript to a developer.",
    ),
    RegistrationFinding.ADDRESS_OF_ANOTHER_SIGN_IN: FindingWords(
        "What was pasted is not the address that this sign-in came back to.",
        "Run this again with --sign-in, and paste the whole address from the address bar: it has "
        "code= and state= in it.",
    ),
    RegistrationFinding.GUEST_SIGNED_IN: FindingWords(
        "A guest of the tenant signed in.", "Sign in once more as a member of the tenant."
    ),
    RegistrationFinding.ROLE_GIVEN: FindingWords(
        "Who signed in has the app role {subject}, so the console lets them in."
    ),
    RegistrationFinding.ROLE_MISSING: FindingWords(
        "Who signed in has none of our app roles, so the console does not let them in.",
        f"{_APP} App roles → Create app role: CustomerSuccess.Reader, CustomerSuccess.Manager and "
        "CustomerSuccess.Lead, for Users/Groups. Then Enterprise applications → our application → "
        "Users and groups → Add user/group.",
    ),
    RegistrationFinding.CLAIM_THERE: FindingWords("The ID token has the optional claim {subject}."),
    RegistrationFinding.CLAIM_MISSING: FindingWords(
        "The ID token lacks the optional claim {subject}.", "{claim}"
    ),
    RegistrationFinding.LOOK_AT_SIGN_IN: FindingWords(
        "Only a sign-in shows whether people can, and our app roles and optional claims.",
        "Run this with --sign-in, and sign in with an account of the tenant.",
    ),
    RegistrationFinding.LOOK_AT_ROLES: FindingWords(
        "App roles are given in our own tenant, and this is another one.",
        "Run this once with --sign-in and without --tenant.",
    ),
    RegistrationFinding.LOOK_AT_STAFF_TENANT: FindingWords(
        "GOLIVE_STAFF_TENANT_ID is not set, so nobody can use the console.",
        "Overview → Basic information → Tenant ID of our own tenant is what belongs there.",
    ),
    RegistrationFinding.LOOK_AT_ACCOUNT_TYPES: FindingWords(
        "Which accounts may use our application.",
        f"{_APP} Authentication → Supported accounts: “Multiple Entra ID tenants” (“Accounts in "
        "any organizational directory” in older menus), with all tenants allowed.",
    ),
    RegistrationFinding.LOOK_AT_PERMISSIONS: FindingWords(
        "Which permissions customers are asked for.",
        f"{_APP} API permissions lists User.Read.All and Organization.Read.All as application "
        "permissions, openid, profile and email as delegated ones, and nothing else: customers are "
        "asked for all that stands there.",
    ),
    RegistrationFinding.LOOK_AT_PUBLISHER: FindingWords(
        "Whether our publisher is verified.",
        f"{_APP} Branding & properties → Publisher verification has a verified publisher. Without "
        "one, Microsoft's consent page marks us as unverified.",
    ),
    RegistrationFinding.UNREACHABLE: FindingWords(
        "Microsoft did not answer as it should about: {part}.",
        "Run this again in some minutes. If it stays so, look at the network, the firewall and "
        "GOLIVE_MICROSOFT_PROXY, and give the transcript to a developer.",
    ),
    RegistrationFinding.NOT_CHECKED: FindingWords("{part}"),
}

_CLAIMS = {
    "acct": f"{_APP} Token configuration → Add optional claim → ID → acct: it tells guests from "
    "members.",
    "wids": f"{_APP} Token configuration → Add groups claim → Directory roles: without it, an "
    "administrator's sign-in counts as that of a first user, whom Microsoft may stop.",
}

PARTS = {
    RegistrationPart.TENANT: "the tenant",
    RegistrationPart.KEYS: "the keys that sign people's tokens",
    RegistrationPart.REDIRECTS: "the redirect addresses",
    RegistrationPart.TOKEN: "our client id and credential",
    RegistrationPart.CREDENTIAL_END: "the end of our credential",
    RegistrationPart.PERMISSIONS: "the permissions",
    RegistrationPart.DIRECTORY: "the verified domains, and a page of users",
    RegistrationPart.SIGN_IN: "the sign-in, with app roles and optional claims",
}

_BECAUSE = {
    "declined": ": who signed in declined",
    "went_back": ": who signed in went back",
    "approval_requested": ": who signed in asked an administrator for approval",
    "not_an_administrator": ": an administrator of the tenant has to consent first",
    "other_directory": ": the account belongs to another directory",
    "not_assigned": ": the account is not assigned (“Assignment required?”)",
    "conditional_access": " by a policy of Conditional Access",
    "access_restricted": " by tenant restrictions or cross-tenant access settings",
    "consent_missing": ": nobody has consented in this tenant",
    "application_disabled": ": our application is switched off in this tenant",
    "our_registration": ": something in our registration is not as we ask for it",
    "passing_fault": " by a passing fault of its own",
}

HEADINGS = {
    RegistrationVerdict.RIGHT: "Right",
    RegistrationVerdict.MEND: "To mend",
    RegistrationVerdict.NOT_CHECKED: "Not checked, until that is mended",
    RegistrationVerdict.LOOK: "Look yourself (our permissions do not read it)",
}

_MENUS = "All menus are those of the Microsoft Entra admin center."

HOW_TO_SIGN_IN = """\
Open this address in a browser, and sign in with an account of the tenant:

{url}

Microsoft then leads the browser to {address}.
That page may say that it expected no sign-in, or may not open at all: both are
fine. Copy the whole address out of the address bar and paste it here. It is not
shown, is kept nowhere, and is good for nothing but this check.
"""
PASTE = "The address (not shown): "


def found_words(result: RegistrationResult, names: Mapping[str, str]) -> FindingWords:
    """Return one finding in words.

    Args:
        result: the finding.
        names: `tenant`, `client_id`, `authority`, `cloud` and `public_url`, as the settings say.
    """
    words = WORDS[result.finding]
    facts = {
        **names,
        "subject": NAMES[Cloud(result.subject)]
        if result.finding is RegistrationFinding.OTHER_CLOUD
        else result.subject,
        "address": f"{names['public_url']}{result.subject}",
        "part": PARTS.get(result.subject, ""),  # type: ignore[call-overload]
        "because": _BECAUSE.get(result.subject, ""),
        "claim": _CLAIMS.get(result.subject, ""),
    }
    numbers = ", ".join(f"AADSTS{one}" for one in result.numbers)
    said = words.found.format_map(facts)
    return FindingWords(
        f"{said.removesuffix('.')} ({numbers})." if numbers else said, words.to_do.format_map(facts)
    )


def lines(results: Iterable[RegistrationResult], names: Mapping[str, str], width: int) -> list[str]:
    """Return all findings by verdict, for a terminal of this width."""
    every = list(results)
    said = [f"App registration: {names['client_id']}", f"Checked in tenant: {names['tenant']}"]
    for verdict, heading in HEADINGS.items():
        of_verdict = [one for one in every if one.verdict is verdict]
        if of_verdict:
            said += ["", heading]
        for one in of_verdict:
            words = found_words(one, names)
            said += _wrapped(words.found, width, "- ", "  ")
            said += _wrapped(words.to_do, width, "  ", "  ")
    mended = sum(one.verdict is RegistrationVerdict.MEND for one in every)
    ending = (
        "Nothing is to be mended."
        if not mended
        else f"{mended} {'thing is' if mended == 1 else 'things are'} to be mended. {_MENUS}"
    )
    return [*said, "", *_wrapped(ending, width, "", "")]


def _wrapped(text: str, width: int, first: str, others: str) -> list[str]:
    return wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )

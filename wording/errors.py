"""What the type of an activity's error means, in a few words for the reference page."""

from contracts.errors import ErrorType

MEANING = {
    ErrorType.NOT_YET: "retried until Microsoft has applied the consent",
    ErrorType.MICROSOFT_UNREACHABLE: "retried for a day",
    ErrorType.MICROSOFT_THROTTLES: "retried after the pause Microsoft asked for",
    ErrorType.MAIL_UNAVAILABLE: "retried for a day",
    ErrorType.CREDENTIAL_REFUSED: "final: our own secret or certificate is wrong",
    ErrorType.APPLICATION_DISABLED: "final: our application is switched off in the tenant",
    ErrorType.NOTHING_GRANTED: "retried like `not_yet`: nothing is granted for everyone so far",
    ErrorType.PERMISSION_MISSING: "retried like `not_yet`: the consent lacks a permission so far",
    ErrorType.DOMAINS_NOT_VERIFIED: "final: the tenant has verified none of the domains",
    ErrorType.TENANT_UNKNOWN: "final: the organisation's domains lead to no tenant",
    ErrorType.DIFFERENT_TENANTS: "final: the organisation's domains lead to several tenants",
    ErrorType.PEOPLE_IN_ANOTHER_TENANT: "final: people here sign in with another tenant than that",
    ErrorType.UNEXPECTED_ANSWER: "final: Microsoft said something that fits nothing we know",
    ErrorType.MAIL_REFUSED: "final: the relay refuses every recipient of a message",
    ErrorType.GO_LIVE_UNKNOWN: "final: the database does not know what was asked for",
    ErrorType.RECORD_AHEAD: "final: a run that was reset knows of less than the record",
}

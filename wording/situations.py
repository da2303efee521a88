"""Words for every wait, trouble and ending: what happened, and who must do what.

`wording.sentences` puts them together; the page of a go-live that has ended reads its ending.
"""

from contracts import rules
from contracts.go_live import Attention, GoLiveOutcome, Refusal, Wait
from wording.durations import in_words
from wording.refusals import REFUSALS

WAITS = {
    Wait.NOTHING: ("This is being done now.", "Nobody has to do anything."),
    Wait.ENTITLEMENT: (
        "The subscription agreement does not include SSO today.",
        "Customer success confirms or declines the entitlement.",
    ),
    Wait.IT_ACKNOWLEDGEMENT: (
        "The customer's IT team has the go-live pack.",
        "Customer IT confirms on the set-up page that it has read the pack.",
    ),
    Wait.ADMIN_CONSENT: (
        "SSO is on the login page; passwords still work.",
        "The customer's administrator chooses “Login with SSO” and consents for the organisation.",
    ),
    Wait.MICROSOFT: (
        "Microsoft is still applying the consent; this usually takes a few minutes.",
        "Nobody has to do anything; it is checked again by itself.",
    ),
    Wait.MOVE_DATE: (
        "The consent is proven and the move is announced.",
        "Nobody has to do anything; users start to move at the announced time.",
    ),
    Wait.APPROVAL: (
        "More users than the organisation's threshold cannot be moved by this plan.",
        "Customer success reads the plan and approves it, or has the directory mended first.",
    ),
    Wait.FIRST_SIGN_IN: (
        "The first few users have moved; the others still log in as before.",
        "One of the first users, not the administrator, signs in with SSO.",
    ),
    Wait.AFTERCARE: (
        "Everyone who can be moved has moved.",
        "Nobody has to do anything; users who have not signed in yet are reminded.",
    ),
}

ATTENTION = {
    Attention.MICROSOFT_NOT_CAUGHT_UP: (
        f"Microsoft has not applied the consent after {in_words(rules.PROPAGATION)}.",
        "Customer success retries in an hour; if it stays so, the administrator consents again.",
    ),
    Attention.MICROSOFT_UNREACHABLE: (
        "Microsoft could not be reached for a long time.",
        "Customer success retries once Microsoft's service health page is green.",
    ),
    Attention.CREDENTIAL_REFUSED: (
        "Microsoft refuses our own application secret or certificate.",
        "An operator renews it and restarts worker and web.",
    ),
    Attention.MAIL_REFUSED: (
        "A mail address of the customer's contacts refuses our mail for good.",
        "Customer success names the contact's right address and retries, or skips the mail.",
    ),
    Attention.MAIL_UNAVAILABLE: (
        "Our mail relay has not taken mail for a long time.",
        "An operator mends the relay; then customer success retries.",
    ),
    Attention.DIFFERENT_TENANTS: (
        "The organisation's e-mail domains belong to different Microsoft organisations.",
        "Customer success keeps the domains of one of them in the list, then retries.",
    ),
    Attention.PEOPLE_IN_ANOTHER_TENANT: (
        "The e-mail domains now lead to another Microsoft organisation than the one that people "
        "here sign in with.",
        "Customer success corrects the list of domains and retries; or rolls back, and everyone "
        "keeps the way in they have now.",
    ),
    Attention.NO_ONE_SIGNED_IN: (
        "None of the first users has signed in with SSO.",
        "Customer success asks one of them to, or rolls back. If Microsoft does not let them in, "
        "the first suspects are two settings in the customer's Entra admin center: “Assignment "
        "required?” in the Properties of our enterprise application, and Conditional Access.",
    ),
    Attention.RECORD_AHEAD: (
        "The run was reset in Temporal to an earlier point than what is already done.",
        "Customer success retries: it goes on from what the database knows, and nothing is done "
        "twice; or rolls back.",
    ),
    Attention.UNEXPECTED: (
        "Something unexpected went wrong; the Temporal UI shows the error.",
        "An operator looks at it; then customer success retries or rolls back.",
    ),
    # The same advice, whether a page, a mail, the shell or the Temporal UI says them.
    **{
        attention: (REFUSALS[refusal].happened, REFUSALS[refusal].to_do)
        for attention, refusal in {
            Attention.APPLICATION_DISABLED: Refusal.APPLICATION_DISABLED,
            Attention.PERMISSION_MISSING: Refusal.PERMISSION_MISSING,
            Attention.DOMAINS_NOT_VERIFIED: Refusal.DOMAINS_NOT_VERIFIED,
            Attention.TENANT_UNKNOWN: Refusal.TENANT_UNKNOWN,
            Attention.SELF_ONLY: Refusal.SELF_ONLY,
        }.items()
    },
}

ENDINGS = {
    GoLiveOutcome.LIVE: "It is being closed as live.",
    GoLiveOutcome.NOT_ENTITLED: "It is being closed: SSO is not in the subscription agreement.",
    GoLiveOutcome.CONSENT_DECLINED: "It is being closed: the administrator declined.",
    GoLiveOutcome.CONSENT_EXPIRED: "It is being closed: nobody consented in time.",
    GoLiveOutcome.ROLLED_BACK: "It is being rolled back: people's way in is put back as it was.",
    GoLiveOutcome.CANCELLED: "It was cancelled: people's way in is put back as it was.",
}
"""What is said while a go-live ends; undoing and telling people may take a while."""

OUTCOMES = {
    GoLiveOutcome.LIVE: "The organisation is live on SSO.",
    GoLiveOutcome.NOT_ENTITLED: "SSO is not in the subscription agreement; nothing was changed.",
    GoLiveOutcome.CONSENT_DECLINED: "The administrator declined; people log in as before.",
    GoLiveOutcome.CONSENT_EXPIRED: "Nobody consented in time; people log in as before.",
    GoLiveOutcome.ROLLED_BACK: "Rolled back; people log in with their password again.",
    GoLiveOutcome.CANCELLED: "Cancelled and rolled back; people log in as before.",
}

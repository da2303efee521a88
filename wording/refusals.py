"""The advice on each refusal: what happened, who must do what, and the one way on."""

from dataclasses import dataclass
from datetime import timedelta

from contracts import rules
from contracts.directory import DomainsFinding
from contracts.go_live import Refusal
from wording.durations import in_words


@dataclass(frozen=True)
class Advice:
    """The advice on a refusal: what happened, who must do what, and the one way on."""

    happened: str
    to_do: str
    button: str
    """Label of the one button or link."""


_CONSENT_AGAIN = "Consent for the organisation"
_NEW_LINK = "Send me a new link"
CHOOSE_ACCOUNT = "Choose another account"
"""Where Microsoft knows the browser, it would sign the same account in without asking."""

REFUSALS = {
    Refusal.MALFORMED: Advice(
        "This is not an answer that Microsoft gives.",
        "Nothing was done. Start again from the link in our mail.",
        "Start again",
    ),
    Refusal.STATE_UNKNOWN: Advice(
        "This answer from Microsoft does not belong to a request of ours.",
        "Nothing was done. Start again from the link in our mail.",
        "Start again",
    ),
    Refusal.STATE_EXPIRED: Advice(
        "Too much time passed between our page and Microsoft's answer.",
        "Start again; it takes about two minutes.",
        "Start again",
    ),
    Refusal.STATE_USED: Advice(
        "This answer from Microsoft was already used.",
        "Nothing was done twice. Look at where the go-live stands.",
        "Show where it stands",
    ),
    Refusal.OTHER_BROWSER: Advice(
        "This answer from Microsoft belongs to another browser.",
        "Start again in the browser you want to use, with cookies allowed.",
        "Start again",
    ),
    Refusal.ERROR_WITHOUT_STATE: Advice(
        "Microsoft sent an error that does not say which request it belongs to.",
        "Nothing was changed and nobody was told. Start again; whoever may not consent hands the "
        "link to the administrator.",
        "Start again",
    ),
    Refusal.ID_TOKEN_INVALID: Advice(
        "Microsoft's sign-in answer could not be verified.",
        "Start again. If it happens again, tell the customer success manager.",
        "Start again",
    ),
    Refusal.OTHER_TENANT_SIGNED_IN: Advice(
        "The person signed in to another Microsoft organisation than the one that consented.",
        "The administrator signs in again with a work account of this organisation.",
        CHOOSE_ACCOUNT,
    ),
    Refusal.SIGN_IN_TOO_EARLY: Advice(
        "Microsoft is still applying the consent, so it could not confirm yet who signed in.",
        "Wait a minute, then start again; what was consented to stays as it is.",
        "Start again",
    ),
    Refusal.SIGN_IN_TOO_OLD: Advice(
        f"The consent was not proven within {in_words(timedelta(days=rules.EVIDENCE_DAYS))} of the "
        "administrator's sign-in.",
        "The administrator consents once more, for the organisation.",
        _CONSENT_AGAIN,
    ),
    Refusal.MICROSOFT_NOT_ASKED: Advice(
        "Microsoft could not be asked who signed in, and its answer to us is good for one try.",
        "Wait a minute, then start again. If it stays like this, write to us.",
        "Start again",
    ),
    Refusal.WRONG_TENANT: Advice(
        "The consent was given in a Microsoft organisation that is not this customer's.",
        "An administrator of the organisation's own tenant consents there.",
        _CONSENT_AGAIN,
    ),
    Refusal.DOMAINS_NOT_VERIFIED: Advice(
        "This Microsoft organisation has verified none of the customer's e-mail domains.",
        "Customer success corrects the list of domains with customer IT, then retries.",
        "Ask customer success",
    ),
    Refusal.GUEST: Advice(
        "The person signed in with a guest account.",
        "An administrator account that belongs to the organisation itself must consent.",
        CHOOSE_ACCOUNT,
    ),
    Refusal.NOT_AN_ADMINISTRATOR: Advice(
        "The account that signed in may not consent for the organisation.",
        "A Global Administrator or Privileged Role Administrator opens the consent link, or "
        "chooses “Login with SSO” on the login page.",
        "Hand this to the administrator",
    ),
    Refusal.APPROVAL_REQUESTED: Advice(
        "A request for approval went to the organisation's administrators.",
        "An administrator opens the consent link and consents; approving the request in Microsoft "
        "Entra alone does not tell us.",
        "Hand this to the administrator",
    ),
    Refusal.DECLINED: Advice(
        "The consent was declined.",
        "Nothing was changed. If this was a mistake, the administrator consents now; otherwise "
        "customer success asks what stood in the way.",
        _CONSENT_AGAIN,
    ),
    Refusal.WENT_BACK: Advice(
        "Somebody left Microsoft's page without deciding.",
        "Nothing was changed, and this does not count as a no. Start again; whoever may not "
        "consent hands the link to the administrator.",
        "Start again",
    ),
    Refusal.OTHER_DIRECTORY: Advice(
        "The account that was used belongs to another Microsoft directory.",
        "The administrator starts again and chooses the work account of this organisation.",
        CHOOSE_ACCOUNT,
    ),
    Refusal.NOT_ASSIGNED: Advice(
        "Microsoft lets only people in who are assigned to our application, and this account is "
        "not.",
        "In the Entra admin center, under Enterprise applications, the IT team opens our "
        "application: in Properties it sets “Assignment required?” to No, or in Users and groups "
        "it assigns the person. Then start again.",
        "Start again",
    ),
    Refusal.CONDITIONAL_ACCESS: Advice(
        "A rule of the organisation's Conditional Access did not let this account in.",
        "The IT team looks the sign-in up in the Entra admin center under Sign-in logs; the tab "
        "Conditional Access names the rule. Then start again from a device and a place that it "
        "allows.",
        "Start again",
    ),
    Refusal.ACCESS_RESTRICTED: Advice(
        "A rule of the organisation restricts access between Microsoft organisations: tenant "
        "restrictions or cross-tenant access.",
        "The IT team allows our application there, or starts again from another network.",
        "Start again",
    ),
    Refusal.OUR_REGISTRATION: Advice(
        "Something in our own registration at Microsoft is wrong.",
        "There is nothing for you to do: we put it right, and your link goes on working.",
        "Start again",
    ),
    Refusal.PASSING_FAULT: Advice(
        "Microsoft had a passing fault and could not finish this.",
        "Wait a few minutes, then start again; your link goes on working.",
        "Start again",
    ),
    Refusal.PROOF_HELD_UP: Advice(
        "Microsoft says that the consent was given. The sign-in after it failed because of "
        "something on our side.",
        "There is nothing for you to do now: we put it right, and what was consented to stays as "
        "it is. Your link goes on working, so that you can sign in with it later.",
        "Start again",
    ),
    Refusal.PROOF_MISSING: Advice(
        "Microsoft says that the consent was given. The sign-in after it, which proves who gave "
        "it, did not succeed.",
        "The administrator starts again and signs in. What was consented to stays as it is.",
        "Start again",
    ),
    Refusal.SELF_ONLY: Advice(
        f"After {in_words(rules.PROPAGATION)} nothing is granted for the whole organisation: the "
        "consent counts for one account only, or Microsoft needs longer than usual.",
        "The administrator consents once more, for the organisation; or customer success retries "
        "in an hour.",
        _CONSENT_AGAIN,
    ),
    Refusal.LINK_EXPIRED: Advice(
        "This link has expired.",
        "Ask for a new one; it goes to the address we have on file.",
        _NEW_LINK,
    ),
    Refusal.LINK_USED: Advice(
        "This link was already used; what it asks for is done.",
        "Nothing was done twice. Look at where the go-live stands.",
        "Show where it stands",
    ),
    Refusal.LINK_REVOKED: Advice(
        "This link was replaced by a newer one or is no longer needed.",
        "Use the newest mail from us, or ask for a new link; it goes to the address we have on "
        "file.",
        _NEW_LINK,
    ),
    Refusal.PERMISSION_MISSING: Advice(
        "The consent lacks a permission that is needed.",
        "The administrator consents once more, to everything that is asked; each permission is "
        "explained on the consent page.",
        _CONSENT_AGAIN,
    ),
    Refusal.TENANT_UNKNOWN: Advice(
        "The organisation's e-mail domains do not lead to a Microsoft organisation.",
        "Customer success corrects the list of domains with customer IT, then retries.",
        "Ask customer success",
    ),
    Refusal.NOT_CAUGHT_UP: Advice(
        "Microsoft is still applying the consent; this usually takes a few minutes.",
        "Nobody has to do anything; it is checked again by itself.",
        "Show where it stands",
    ),
    Refusal.APPLICATION_DISABLED: Advice(
        "Our application is switched off in the organisation's Microsoft directory.",
        "The administrator enables it under Enterprise applications in Microsoft Entra; then "
        "customer success retries.",
        _CONSENT_AGAIN,
    ),
    Refusal.GRANTED_BEFORE: Advice(
        "Microsoft says that the organisation has allowed this already, before this browser asked.",
        "Whoever has the link in our mail to the IT team goes on with it and signs in with an "
        "account of the organisation; or customer success confirms that the organisation wants it.",
        "Go to the login page",
    ),
    Refusal.GRANT_NOT_LOOKED_FOR: Advice(
        "Microsoft could not be asked whether the organisation has allowed this already.",
        "Nothing was changed. Wait a minute, then start again; or use the link in our mail.",
        "Start again",
    ),
    Refusal.UNPROVEN: Advice(
        "A consent was reported that no browser of ours has seen.",
        "It was not accepted. The administrator uses the link in our mail.",
        "Start again",
    ),
    Refusal.OTHER: Advice(
        "Microsoft ended the consent with an error that we do not know.",
        "The administrator tries once more; if it happens again, customer success looks at it.",
        "Start again",
    ),
}

DOMAINS = {
    DomainsFinding.ONE_TENANT: "All e-mail domains belong to one Microsoft organisation.",
    DomainsFinding.PARTLY_ON_ENTRA: "Some e-mail domains are not on Microsoft Entra ID here: "
    "people with such an address cannot be moved and keep their password.",
    DomainsFinding.NOT_ON_ENTRA: "No e-mail domain is on Microsoft Entra ID: nobody can sign in "
    "with SSO until the list of domains is corrected.",
    DomainsFinding.DIFFERENT_TENANTS: "The e-mail domains belong to different Microsoft "
    "organisations: one consent cannot cover them. Keep the domains of one.",
    DomainsFinding.ANOTHER_CLOUD: "The e-mail domains belong to a Microsoft cloud that this "
    "installation does not serve: nobody can sign in with SSO until the list of domains is "
    "corrected.",
}
"""What the tenants that were discovered mean for the go-live."""

SIGN_IN_UNCONFIRMED = (
    "The directory permissions are proven. That everyone may sign in is confirmed by the first "
    "sign-in of someone other than the administrator."
)
SIGN_IN_CONFIRMED = "Proven, and confirmed by the sign-in of someone other than the administrator."

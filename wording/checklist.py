"""What the checklist says of each stage, and of each check of a consent."""

from contracts.go_live import GoLiveStage

WHO = {
    GoLiveStage.ENTITLEMENT_CONFIRMED: "Customer success",
    GoLiveStage.IT_NOTIFIED: "Your IT team",
    GoLiveStage.SSO_ACTIVATED: "Clientshare",
    GoLiveStage.ADMIN_CONSENT_AWAITED: "Your Global Administrator",
    GoLiveStage.USERS_MIGRATED: "Clientshare, then everyone",
}
WHAT = {
    GoLiveStage.ENTITLEMENT_CONFIRMED: "Your subscription agreement includes single sign-on.",
    GoLiveStage.IT_NOTIFIED: "You have what you need to prepare your colleagues.",
    GoLiveStage.SSO_ACTIVATED: "“Login with SSO” is on the login page; passwords still work.",
    GoLiveStage.ADMIN_CONSENT_AWAITED: "An administrator allows it once for the organisation.",
    GoLiveStage.USERS_MIGRATED: "Everyone is linked to their Microsoft account and told.",
}
WAS = {
    GoLiveStage.ADMIN_CONSENT_AWAITED: "An administrator has allowed it for the organisation.",
    GoLiveStage.USERS_MIGRATED: "Everyone who can be moved is linked and was told.",
}
"""What is said instead once it is done."""

UNDONE = {
    GoLiveStage.SSO_ACTIVATED: "“Login with SSO” was taken off the login page again.",
    GoLiveStage.USERS_MIGRATED: "Whoever had moved logs in as before again.",
}
"""What is said once it was taken back; the other stages leave nothing to take back."""

CHECKS = (
    "You came back in the browser you started in",
    "Microsoft confirmed who you are",
    "You belong to this organisation's own Microsoft tenant",
    "Microsoft gives us what was consented to",
)
"""The four checks of a consent, in the order in which they are made."""

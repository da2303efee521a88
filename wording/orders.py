"""What people read where an order is refused: a sentence for each code."""

from contracts import rules
from contracts.orders import OrderRefusal
from wording.durations import in_words

REFUSED: dict[OrderRefusal, str] = {
    OrderRefusal.ENDED: "This go-live has ended or is being rolled back.",
    OrderRefusal.ENTITLEMENT_ALREADY_CONFIRMED: "The entitlement is already confirmed.",
    OrderRefusal.ENTITLEMENT_ANSWERED_OTHERWISE: (
        "The entitlement was answered the other way a moment ago."
    ),
    OrderRefusal.MOVING_ALREADY: "Users are moving already; the date can no longer be chosen.",
    OrderRefusal.NO_PLAN_WAITS: "No plan waits for approval now.",
    OrderRefusal.PLAN_HAS_CHANGED: (
        "The plan has changed since you read it; read it again, then approve."
    ),
    OrderRefusal.NOT_PAUSED: "This go-live is not paused.",
    OrderRefusal.NOTHING_NEEDS_ATTENTION: "Nothing needs attention now.",
    OrderRefusal.CANNOT_BE_SKIPPED: (
        "This cannot be skipped: entitlement, consent and migration are never skipped."
    ),
    OrderRefusal.NO_DEADLINE: "Nothing with a deadline is being waited for now.",
    OrderRefusal.NO_NEW_PLAN_NOW: (
        "A new plan can be made while a plan waits for approval or after a move."
    ),
    OrderRefusal.NO_CONSENT_AWAITED: "No consent is awaited now.",
    OrderRefusal.NOBODY_DECLINED: "Nobody has declined the consent.",
    OrderRefusal.NO_TIME_ZONE: "The date lacks a time zone.",
    OrderRefusal.DATE_IN_THE_PAST: "The chosen date lies in the past; choose a later one.",
    OrderRefusal.DATE_TOO_FAR: (
        f"The chosen date is more than {in_words(rules.FURTHEST_DATE)} away; choose an earlier one."
    ),
    OrderRefusal.REASON_MISSING: "Say why: this order is given with a reason only.",
}

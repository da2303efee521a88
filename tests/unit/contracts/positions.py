"""Positions of a go-live that decide which orders are taken, by name."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from contracts.go_live import Attention, GoLiveOutcome, GoLiveStage, Progress, Refusal, Wait
from contracts.orders import OrderPosition

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
HASH = "1a2b" * 16


def progress(stage: GoLiveStage, wait: Wait = Wait.NOTHING, **changed: object) -> Progress:
    due_at = None if wait in {Wait.NOTHING, Wait.APPROVAL} else NOW + timedelta(days=7)
    return replace(
        Progress(
            slug="acme",
            number=1,
            stage=stage,
            wait=wait,
            since=NOW,
            due_at=due_at,
            may_skip=wait is Wait.IT_ACKNOWLEDGEMENT,
            plan_hash=HASH if stage is GoLiveStage.USERS_MIGRATED else None,
        ),
        **changed,  # type: ignore[arg-type]
    )


ENTITLEMENT, NOTIFIED, ACTIVATED, CONSENT, MIGRATED = GoLiveStage
AT = OrderPosition
STUCK = Attention.MAIL_REFUSED
ROLLING_BACK, OVER = GoLiveOutcome.ROLLED_BACK, GoLiveOutcome.LIVE
NO = Refusal.DECLINED

POSITIONS = {
    "wait: entitlement": AT(progress(ENTITLEMENT, Wait.ENTITLEMENT)),
    "wait: it_acknowledgement": AT(progress(NOTIFIED, Wait.IT_ACKNOWLEDGEMENT)),
    "wait: admin_consent": AT(progress(CONSENT, Wait.ADMIN_CONSENT)),
    "wait: microsoft": AT(progress(CONSENT, Wait.MICROSOFT)),
    "wait: move_date": AT(progress(MIGRATED, Wait.MOVE_DATE)),
    "wait: approval": AT(progress(MIGRATED, Wait.APPROVAL)),
    "wait: first_sign_in": AT(progress(MIGRATED, Wait.FIRST_SIGN_IN)),
    "wait: aftercare": AT(progress(MIGRATED, Wait.AFTERCARE)),
    "working: entitlement": AT(progress(ENTITLEMENT)),
    "working: it notified": AT(progress(NOTIFIED)),
    "working: sso activated": AT(progress(ACTIVATED)),
    "working: consent": AT(progress(CONSENT)),
    "working: users migrated": AT(progress(MIGRATED)),
    "just confirmed": AT(progress(ENTITLEMENT, Wait.ENTITLEMENT), entitlement_answer=True),
    "just not entitled": AT(progress(ENTITLEMENT, Wait.ENTITLEMENT), entitlement_answer=False),
    "stuck, skippable": AT(progress(NOTIFIED, attention=STUCK, may_skip=True)),
    "stuck, not skippable": AT(progress(NOTIFIED, attention=STUCK)),
    "stuck at consent wait": AT(progress(CONSENT, Wait.ADMIN_CONSENT, attention=STUCK)),
    "paused at consent wait": AT(progress(CONSENT, Wait.ADMIN_CONSENT, paused=True)),
    "paused at approval": AT(progress(MIGRATED, Wait.APPROVAL, paused=True)),
    "declined, still asked": AT(
        progress(CONSENT, Wait.ADMIN_CONSENT, refusal=NO, consent_not_given=True)
    ),
    "declined, proof looks": AT(
        progress(CONSENT, Wait.MICROSOFT, refusal=NO, consent_not_given=True)
    ),
    "declined, proof goes on": AT(progress(CONSENT, refusal=NO, consent_not_given=True)),
    "declined, then proven": AT(
        progress(MIGRATED, Wait.MOVE_DATE, refusal=NO, consent_not_given=True)
    ),
    "wrong tenant only": AT(progress(CONSENT, Wait.ADMIN_CONSENT, refusal=Refusal.WRONG_TENANT)),
    "ending": AT(progress(MIGRATED, ending=ROLLING_BACK, consent_not_given=True)),
    "ending, stuck": AT(progress(MIGRATED, ending=ROLLING_BACK, attention=STUCK)),
    "ending, stuck, skippable": AT(
        progress(MIGRATED, ending=ROLLING_BACK, attention=STUCK, may_skip=True)
    ),
    "ended": AT(progress(MIGRATED, ending=OVER, outcome=OVER, consent_not_given=True)),
}

"""Who has to act next in a go-live: a closed set of codes, and the one for a position."""

from enum import StrEnum

from contracts.go_live import Attention, Progress, Refusal, Wait


class WaitingOn(StrEnum):
    """Who has to act next; the Temporal UI lists runs by this value."""

    NOBODY = "nobody"
    CUSTOMER_SUCCESS = "customer_success"
    OPERATORS = "operators"
    CUSTOMER_IT = "customer_it"
    ADMINISTRATOR = "administrator"
    MICROSOFT = "microsoft"
    AGREED_DATE = "agreed_date"
    FIRST_USERS = "first_users"


OF_WAIT = {
    Wait.NOTHING: WaitingOn.NOBODY,
    Wait.ENTITLEMENT: WaitingOn.CUSTOMER_SUCCESS,
    Wait.IT_ACKNOWLEDGEMENT: WaitingOn.CUSTOMER_IT,
    Wait.ADMIN_CONSENT: WaitingOn.ADMINISTRATOR,
    Wait.MICROSOFT: WaitingOn.MICROSOFT,
    Wait.MOVE_DATE: WaitingOn.AGREED_DATE,
    Wait.APPROVAL: WaitingOn.CUSTOMER_SUCCESS,
    Wait.FIRST_SIGN_IN: WaitingOn.FIRST_USERS,
    Wait.AFTERCARE: WaitingOn.NOBODY,
}
"""Who each wait is for, if nothing else is in the way."""


def waiting_on(progress: Progress) -> WaitingOn:
    """Return who has to act next."""
    if progress.outcome is not None:
        return WaitingOn.NOBODY
    if progress.attention is Attention.CREDENTIAL_REFUSED:
        return WaitingOn.OPERATORS
    if progress.attention is not None or is_declined(progress) or is_held_up(progress):
        return WaitingOn.CUSTOMER_SUCCESS
    return OF_WAIT[progress.wait]


def is_declined(progress: Progress) -> bool:
    """Tell whether the consent was declined: reminders have stopped, a consent still counts."""
    return (
        progress.outcome is None
        and progress.attention is None
        and progress.wait is Wait.ADMIN_CONSENT
        and progress.refusal is Refusal.DECLINED
    )


def is_held_up(progress: Progress) -> bool:
    """Tell whether only a pause prevents the next step."""
    return (
        progress.paused
        and progress.wait is Wait.NOTHING
        and progress.attention is None
        and progress.ending is None
        and progress.outcome is None
    )

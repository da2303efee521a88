"""What the Temporal UI can list and filter go-lives by. `starter.py setup` registers them."""

from typing import Any

from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    SearchAttributeUpdate,
    TypedSearchAttributes,
)

from contracts.go_live import GoLiveStage, Progress, StartGoLive, Wait
from contracts.waiting_on import WaitingOn, waiting_on

ORGANISATION = SearchAttributeKey.for_keyword("Organisation")
STAGE = SearchAttributeKey.for_keyword("GoLiveStage")
WAITING_ON = SearchAttributeKey.for_keyword("WaitingOn")
NEEDS_ATTENTION = SearchAttributeKey.for_bool("NeedsAttention")
OWNER = SearchAttributeKey.for_keyword("CustomerSuccessOwner")
USERS_MIGRATED = SearchAttributeKey.for_int("UsersMigrated")
USERS_TOTAL = SearchAttributeKey.for_int("UsersTotal")
CONSENT_DEADLINE = SearchAttributeKey.for_datetime("ConsentDeadline")

ALL = (
    ORGANISATION,
    STAGE,
    WAITING_ON,
    NEEDS_ATTENTION,
    OWNER,
    USERS_MIGRATED,
    USERS_TOTAL,
    CONSENT_DEADLINE,
)

_CONSENT_WAITS = {Wait.ADMIN_CONSENT, Wait.MICROSOFT}


def at_position(progress: Progress, owner: str) -> tuple[SearchAttributeUpdate[Any], ...]:
    """Return the search attributes of a run at this position."""
    deadline = progress.due_at if progress.wait in _CONSENT_WAITS else None
    return (
        ORGANISATION.value_set(progress.slug),
        OWNER.value_set(owner),
        STAGE.value_set(progress.stage),
        WAITING_ON.value_set(waiting_on(progress)),
        NEEDS_ATTENTION.value_set(progress.attention is not None),
        USERS_TOTAL.value_set(progress.all_users),
        USERS_MIGRATED.value_set(progress.all_moved),
        CONSENT_DEADLINE.value_set(deadline) if deadline else CONSENT_DEADLINE.value_unset(),
    )


def at_start(start: StartGoLive) -> TypedSearchAttributes:
    """Return the search attributes that a run starts with."""
    return TypedSearchAttributes(
        [
            SearchAttributePair(ORGANISATION, start.slug),
            SearchAttributePair(OWNER, start.owner),
            SearchAttributePair(STAGE, GoLiveStage.ENTITLEMENT_CONFIRMED.value),
            SearchAttributePair(WAITING_ON, WaitingOn.NOBODY.value),
            SearchAttributePair(NEEDS_ATTENTION, value=False),
            SearchAttributePair(USERS_TOTAL, 0),
            SearchAttributePair(USERS_MIGRATED, 0),
        ]
    )

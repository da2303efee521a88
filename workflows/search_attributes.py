"""What the Temporal UI can list and filter go-lives by. `starter.py setup` registers them."""

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from contracts.go_live import GoLiveStage, StartGoLive, Wait
from contracts.wording import WAITING_ON as WHOM

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


def at_start(start: StartGoLive) -> TypedSearchAttributes:
    """Return what a run is listed and found by from the moment it is started."""
    return TypedSearchAttributes(
        [
            SearchAttributePair(ORGANISATION, start.slug),
            SearchAttributePair(OWNER, start.owner),
            SearchAttributePair(STAGE, GoLiveStage.ENTITLEMENT_CONFIRMED.value),
            SearchAttributePair(WAITING_ON, WHOM[Wait.NOTHING]),
            SearchAttributePair(NEEDS_ATTENTION, value=False),
            SearchAttributePair(USERS_TOTAL, 0),
            SearchAttributePair(USERS_MIGRATED, 0),
        ]
    )

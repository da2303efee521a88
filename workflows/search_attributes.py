"""What the Temporal UI can list and filter go-lives by. `starter.py setup` registers them."""

from temporalio.common import SearchAttributeKey

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

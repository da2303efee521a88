"""Why a command is not carried out: a code for each reason, worded for the shell and the console.

What is said of a code stands in `wording.shell` and `wording.console`.
"""

from enum import StrEnum


class Problem(StrEnum):
    """Why a command is not carried out, where it is not the go-live that refuses an order."""

    # What was typed.
    NOT_A_DATE = "not_a_date"
    NOT_A_CONTACT = "not_a_contact"
    ADDRESS_AT_FAULT = "address_at_fault"
    NOT_AN_OBJECT_ID = "not_an_object_id"
    NOT_A_PLAN_HASH = "not_a_plan_hash"
    DEADLINE_OUT_OF_RANGE = "deadline_out_of_range"
    REASON_MISSING = "reason_missing"
    REASON_NAMES_AN_ADDRESS = "reason_names_an_address"
    REASON_NAMES_SOMEBODY = "reason_names_somebody"
    FILE_IS_NOT_UTF8 = "file_is_not_utf8"
    FILE_IS_TOO_LARGE = "file_is_too_large"
    FILE_CANNOT_BE_READ = "file_cannot_be_read"
    FILE_CANNOT_BE_WRITTEN = "file_cannot_be_written"
    FILES_HAVE_FAULTS = "files_have_faults"
    NO_IMPORT_WAITS = "no_import_waits"
    IMPORT_CHANGES_OTHERWISE = "import_changes_otherwise"
    NOT_CONFIRMED = "not_confirmed"
    NO_TENANT_NAMED = "no_tenant_named"

    # Who and what there is.
    UNKNOWN_ORGANISATION = "unknown_organisation"
    UNKNOWN_STAFF = "unknown_staff"
    UNKNOWN_SUCCESSOR = "unknown_successor"
    UNKNOWN_CONTACT = "unknown_contact"
    ONLY_CONTACT = "only_contact"
    UNKNOWN_DOMAIN = "unknown_domain"
    ONLY_DOMAIN = "only_domain"
    DOMAIN_IN_USE = "domain_in_use"
    UNKNOWN_USER = "unknown_user"
    STAFF_ADDRESS_TAKEN = "staff_address_taken"
    OLD_ADDRESS_NOT_TOLD = "old_address_not_told"
    NOTHING_REFUSED = "nothing_refused"

    # Where the go-live stands.
    NOT_RUNNING = "not_running"
    STILL_ENDING = "still_ending"
    STILL_OPEN = "still_open"
    NOT_CONSENTED = "not_consented"
    NO_PLAN = "no_plan"
    ANOTHER_PLAN_SINCE = "another_plan_since"
    UNKNOWN_PLAN = "unknown_plan"

    # Orders that were given before, or wait for a second person.
    ORDER_OF_EARLIER_GO_LIVE = "order_of_earlier_go_live"
    ID_OF_ANOTHER_ORDER = "id_of_another_order"
    REFUSED_BEFORE = "refused_before"
    REFUSED_OTHERWISE = "refused_otherwise"
    TO_BE_CONFIRMED = "to_be_confirmed"
    NOTHING_TO_CONFIRM = "nothing_to_confirm"
    OWN_ORDER = "own_order"
    ROLE_TOO_LOW = "role_too_low"
    CONFIRMED_ALREADY = "confirmed_already"
    CONFIRMED_TOO_LATE = "confirmed_too_late"

    # One user and their Microsoft account.
    MOVED_ALREADY = "moved_already"
    MOVED_BACK = "moved_back"
    LINKED_ELSEWHERE = "linked_elsewhere"
    ACCOUNT_TAKEN = "account_taken"
    ACCOUNT_MISSING = "account_missing"
    ACCOUNT_IS_GUEST = "account_is_guest"
    ACCOUNT_IS_DISABLED = "account_is_disabled"

    # Microsoft.
    CONSENT_NOT_IN_EFFECT = "consent_not_in_effect"
    MICROSOFT_ASKS_TO_WAIT = "microsoft_asks_to_wait"
    MICROSOFT_UNREACHABLE = "microsoft_unreachable"
    PERMISSION_MISSING = "permission_missing"
    APPLICATION_DISABLED = "application_disabled"
    TENANT_UNKNOWN = "tenant_unknown"
    CREDENTIAL_REFUSED = "credential_refused"
    MICROSOFT_ANSWER_UNKNOWN = "microsoft_answer_unknown"

    # Temporal.
    TEMPORAL_AWAY = "temporal_away"
    TEMPORAL_UNKNOWN_HOST = "temporal_unknown_host"
    TEMPORAL_NO_TLS = "temporal_no_tls"
    TEMPORAL_NOT_TRUSTED = "temporal_not_trusted"
    TEMPORAL_ELSEWHERE = "temporal_elsewhere"
    TEMPORAL_KEY_REFUSED = "temporal_key_refused"
    TEMPORAL_UNKNOWN_NAMESPACE = "temporal_unknown_namespace"
    TEMPORAL_SILENT = "temporal_silent"
    TEMPORAL_REFUSES = "temporal_refuses"
    START_NOT_TAKEN = "start_not_taken"
    ORDER_NOT_TAKEN = "order_not_taken"
    NO_WORKER_ANSWERS = "no_worker_answers"
    CHANGE_NOT_SIGNALLED = "change_not_signalled"
    PACK_NOT_SIGNALLED = "pack_not_signalled"
    SEARCH_ATTRIBUTES_MISSING = "search_attributes_missing"
    SEARCH_ATTRIBUTE_OF_OTHER_TYPE = "search_attribute_of_other_type"
    SEARCH_ATTRIBUTES_NOT_ALLOWED = "search_attributes_not_allowed"
    SEARCH_ATTRIBUTES_REFUSED = "search_attributes_refused"
    VERSION_IS_CURRENT = "version_is_current"

    # The database.
    DATABASE_AWAY = "database_away"
    DATABASE_UNKNOWN_HOST = "database_unknown_host"
    DATABASE_SILENT = "database_silent"
    DATABASE_STARTING = "database_starting"
    DATABASE_READ_ONLY = "database_read_only"
    DATABASE_FULL = "database_full"
    DATABASE_TOO_MANY_CONNECTIONS = "database_too_many_connections"
    DATABASE_LOCKED = "database_locked"
    DATABASE_TOO_SLOW = "database_too_slow"
    DATABASE_LOGIN_REFUSED = "database_login_refused"
    DATABASE_NOT_ADMITTED = "database_not_admitted"
    DATABASE_MISSING = "database_missing"
    DATABASE_NO_TLS = "database_no_tls"
    DATABASE_NOT_TRUSTED = "database_not_trusted"
    DATABASE_BEHIND_POOLER = "database_behind_pooler"
    DATABASE_NOT_ALLOWED = "database_not_allowed"
    DATABASE_OF_ANOTHER_ENCODING = "database_of_another_encoding"
    DATABASE_NOT_SET_UP = "database_not_set_up"
    DATABASE_REFUSES = "database_refuses"
    TABLES_OF_ANOTHER_RELEASE = "tables_of_another_release"
    SECRET_KEY_IS_ANOTHER = "secret_key_is_another"  # noqa: S105  (a code)


class SecondContactRefusal(StrEnum):
    """Why the IT team cannot name somebody as its second contact."""

    IS_THE_FIRST = "is_the_first"
    TOO_MANY = "too_many"
    FOREIGN_DOMAIN = "foreign_domain"
    TOO_OFTEN = "too_often"

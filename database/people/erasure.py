"""Erases the personal data of an organisation's people, or of one person; only ids remain."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from contracts.addresses import address_key
from database.go_live import records
from database.mail import ledger
from database.models import Organisation

ERASED = "people_erased"
"""Action of the audit entry."""

REMOVED = "[removed]"
"""Replaces what people typed in the audit trail; a trigger knows this text, too."""


class GoLiveOpenError(Exception):
    """The organisation's go-live is open and needs its people until it ends."""


class NamesSomeoneError(Exception):
    """The reason, which stays in the audit trail, names one of the people to erase."""


@dataclass(frozen=True)
class Erased:
    """How much was removed."""

    users: int = 0
    contacts: int = 0
    texts: int = 0
    """Reasons in the audit trail."""

    @property
    def anybody(self) -> bool:
        """Whether there was anybody to erase."""
        return bool(self.users or self.contacts)


# In this order: referring rows before the rows that they refer to. `gone_user` and `gone_contact`
# hold the ids of the people to erase.
_OF_PEOPLE = (
    "DELETE FROM golive.exception_decision WHERE user_id IN (SELECT id FROM gone_user)",
    "DELETE FROM golive.directory_link WHERE user_id IN (SELECT id FROM gone_user)",
    "DELETE FROM golive.user_move WHERE user_id IN (SELECT id FROM gone_user)",
    "DELETE FROM pulse.app_session WHERE user_id IN (SELECT id FROM gone_user)",
    "DELETE FROM pulse.failed_login WHERE subject_sha256 IN (SELECT subject FROM gone_user)",
    # An authorization request may hold the address that was typed.
    "DELETE FROM golive.authorization_request WHERE organisation_id = :o "
    "OR go_live_id IN (SELECT id FROM golive.go_live WHERE organisation_id = :o) "
    "OR tenant_id IN (SELECT tenant_id FROM golive.go_live WHERE organisation_id = :o) "
    "OR tenant_id IN (SELECT tenant_id FROM golive.sso_connection WHERE organisation_id = :o)",
    # An upload that waits for its confirmation holds whole files.
    "DELETE FROM golive.file_import WHERE done_at IS NULL",
    "DELETE FROM golive.outbox WHERE go_live_id IN "
    "(SELECT id FROM golive.go_live WHERE organisation_id = :o)",
    "CREATE TEMPORARY TABLE gone_link ON COMMIT DROP AS SELECT id FROM golive.personal_link "
    "WHERE user_id IN (SELECT id FROM gone_user) OR contact_id IN (SELECT id FROM gone_contact)",
    "UPDATE golive.mail SET link_id = NULL WHERE link_id IN (SELECT id FROM gone_link)",
    "UPDATE golive.consent_evidence SET link_id = NULL WHERE link_id IN (SELECT id FROM gone_link)",
    "DELETE FROM golive.personal_link WHERE id IN (SELECT id FROM gone_link)",
    # What is still to be told about the account of somebody who goes, and what waits to be ordered.
    "UPDATE golive.mail m SET state = 'withdrawn' FROM golive.audit_entry a, gone_user g "
    "WHERE m.state = 'queued' AND m.message = ANY(:of_accounts) "
    "AND a.id = CAST(m.idempotency_key AS bigint) AND a.subject = 'user:' || g.id",
    "DELETE FROM golive.order_request WHERE argument ->> 'user_id' IN "
    "(SELECT id::text FROM gone_user)",
    # A relay's reply may hold anything.
    "UPDATE golive.mail SET reply = NULL WHERE reply IS NOT NULL AND recipient_id IN "
    "(SELECT id FROM gone_user UNION ALL SELECT id FROM gone_contact)",
    # What is only counted so far may be about the account of somebody who goes.
    "DELETE FROM golive.repeated_event WHERE organisation_id = :o",
    "DELETE FROM pulse.app_user WHERE id IN (SELECT id FROM gone_user)",
    "DELETE FROM golive.contact WHERE id IN (SELECT id FROM gone_contact)",
)

_OF_THE_ORGANISATION = (
    "DELETE FROM golive.consent_evidence WHERE go_live_id IN "
    "(SELECT id FROM golive.go_live WHERE organisation_id = :o)",
    "DELETE FROM golive.sso_connection WHERE organisation_id = :o",
    "DELETE FROM golive.verified_domain WHERE organisation_id = :o",
    "UPDATE golive.go_live SET prior_connection = NULL WHERE organisation_id = :o",
    "UPDATE pulse.organisation SET sso_offered = false WHERE id = :o",
)
"""In addition, when everybody is erased: who consented, and the connection that is now unused."""

_STAGED = ("golive.directory_entry", "golive.directory_snapshot")


def erase(
    session: Session,
    organisation: Organisation,
    address: str | None,
    *,
    by: str,
    reason: str,
    at: datetime,
) -> Erased:
    """Erase an organisation's people, or the one with this address, and record it.

    Ids stay in the ledger and in the audit trail, where they lead to nobody; text that people typed
    there is removed (all of it, or what names this person). A second run finds nobody and changes
    nothing.

    Raises:
        GoLiveOpenError: a go-live is open.
        NamesSomeoneError: the reason names one of them.
    """
    keys: dict[str, Any] = {
        "o": organisation.id,
        "key": address_key(address) if address else None,
        "removed": REMOVED,
        "erased": ERASED,
        "of_accounts": list(ledger.OF_ACCOUNTS),
    }
    # Starting a go-live needs this row, so none can start before the commit.
    session.get_one(Organisation, organisation.id, with_for_update=True)
    if records.open_go_live(session, organisation.id) is not None:
        raise GoLiveOpenError
    newest = records.latest_go_live(session, organisation.id)
    names = _mark(session, keys)
    if not names:
        return Erased()
    if any(word in reason.casefold() for word in names):
        raise NamesSomeoneError
    users, contacts = (
        session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
        for table in ("gone_user", "gone_contact")
    )
    texts = _remove_typed_texts(session, keys, names)
    for statement in _OF_PEOPLE + (() if address else _OF_THE_ORGANISATION):
        session.execute(text(statement), keys)
    for table in _STAGED:
        session.execute(
            text(
                f"DELETE FROM {table} WHERE go_live_id IN "
                "(SELECT id FROM golive.go_live WHERE organisation_id = :o)"
            ),
            keys,
        )
    records.write_audit(
        session,
        at,
        by,
        ERASED,
        go_live=newest,
        organisation_id=organisation.id,
        subject=f"users:{users} contacts:{contacts}",
        reason=reason,
    )
    return Erased(users, contacts, texts)


def _mark(session: Session, keys: dict[str, Any]) -> set[str]:
    """Collect whom to erase, and return their addresses and names, case-folded."""
    for statement in (
        "CREATE TEMPORARY TABLE gone_user ON COMMIT DROP AS SELECT id, address, "
        "display_name AS name, encode(sha256(convert_to('address:' || address_key, 'UTF8')), "
        "'hex') AS subject FROM pulse.app_user WHERE organisation_id = :o "
        "AND (CAST(:key AS text) IS NULL OR address_key = :key)",
        "CREATE TEMPORARY TABLE gone_contact ON COMMIT DROP AS SELECT id, address, name "
        "FROM golive.contact WHERE organisation_id = :o "
        "AND (CAST(:key AS text) IS NULL OR address_key = :key)",
    ):
        session.execute(text(statement), keys)
    rows = session.execute(
        text("SELECT address, name FROM gone_user UNION SELECT address, name FROM gone_contact")
    )
    return {word.casefold() for row in rows for word in row if word}


def _remove_typed_texts(session: Session, keys: dict[str, Any], names: set[str]) -> int:
    """Remove typed text; for one person, text with the address or a part of the name."""
    rows = session.execute(
        text(
            "SELECT id, reason FROM golive.audit_entry WHERE organisation_id = :o "
            "AND actor NOT IN ('system', 'workflow') AND action <> :erased "
            "AND reason NOT IN ('', :removed)"
        ),
        keys,
    ).all()
    parts = names | {part for name in names for part in name.split() if len(part) > 2}
    gone = [
        row.id
        for row in rows
        if keys["key"] is None or any(part in row.reason.casefold() for part in parts)
    ]
    session.execute(text("SELECT set_config('golive.erasing', 'on', true)"))
    session.execute(
        text("UPDATE golive.audit_entry SET reason = :removed WHERE id = ANY(:ids)"),
        {"removed": REMOVED, "ids": gone},
    )
    session.execute(
        # The ids of Microsoft accounts, which nobody typed.
        text(
            """
            UPDATE golive.audit_entry SET reason = :removed
            WHERE organisation_id = :o AND action = ANY(:of_an_account)
              AND (CAST(:key AS text) IS NULL OR reason IN (
                SELECT 'account ' || l.object_id FROM golive.directory_link l
                JOIN gone_user g ON g.id = l.user_id))
            """
        ),
        {**keys, "of_an_account": list(records.ACTIONS_OF_ACCOUNTS)},
    )
    session.execute(text("SELECT set_config('golive.erasing', '', true)"))
    return len(gone)

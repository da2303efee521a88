"""Answers of the customer's IT team on its set-up page: ready, the date, a second contact."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, func, select

from contracts import rules
from contracts.addresses import address_key
from contracts.go_live import ItAcknowledged
from contracts.problems import SecondContactRefusal
from database.go_live import outbox, records
from database.models import AuditEntry, Contact, Preference


class TooManyDatesError(Exception):
    """The date was changed as often as is allowed within a day."""

    def __init__(self, again_at: datetime) -> None:
        """Keep when it can be changed again."""
        super().__init__(again_at)
        self.again_at = again_at


def acknowledge(
    session: Session,
    go_live_id: UUID,
    contact_id: UUID,
    move_at: datetime | None,
    at: datetime,
    *,
    most_a_day: int,
) -> int | None:
    """Record that the IT team is ready, and the date it chose, and enqueue the signal.

    Returns the number of the outbox entry; None if nothing changes, because the team said so before
    and the date is the same.

    Raises:
        TooManyDatesError: its contacts made `most_a_day` changes within a day.
    """
    go_live = records.go_live_by_id(session, go_live_id, lock=True)
    before = session.exec(
        select(AuditEntry.at)
        .where(
            AuditEntry.organisation_id == go_live.organisation_id,
            AuditEntry.go_live_id == go_live_id,
            AuditEntry.action == "acknowledge_it",
            col(AuditEntry.actor).startswith("contact:"),
        )
        .order_by(col(AuditEntry.id))
    ).all()
    if before and (move_at is None or _is_same_minute(move_at, go_live.move_at)):
        return None
    again_at = [one + timedelta(days=1) for one in before[-most_a_day:]]
    if len(again_at) == most_a_day and again_at[0] > at:
        raise TooManyDatesError(again_at[0])
    by = f"contact:{contact_id}"
    number = record_acknowledgement(session, go_live_id, by, move_at, at)
    return outbox.enqueue(session, go_live_id, ItAcknowledged(by, number, move_at), at, alone=True)


def _is_same_minute(chosen: datetime, standing: datetime | None) -> bool:
    """Tell whether a date equals the present one, to the minute that the form shows."""
    if standing is None:
        return False
    return chosen.replace(second=0, microsecond=0) == standing.replace(second=0, microsecond=0)


def record_acknowledgement(
    session: Session, go_live_id: UUID, actor: str, move_at: datetime | None, at: datetime
) -> int:
    """Record that the IT team is ready, and the date it chose.

    Returns the number of the audit entry.
    """
    record_move_date(session, go_live_id, move_at)
    go_live = records.go_live_by_id(session, go_live_id)
    return records.write_audit(session, at, actor, "acknowledge_it", go_live=go_live)


def record_move_date(session: Session, go_live_id: UUID, move_at: datetime | None) -> None:
    """Record the date of the move; None keeps the present one."""
    if move_at is not None:
        go_live = records.go_live_by_id(session, go_live_id, lock=True)
        go_live.move_at = move_at.astimezone(UTC)
        session.add(go_live)


def record_announced_date(session: Session, go_live_id: UUID, move_at: datetime | None) -> None:
    """Record the date of the move that was announced to the contacts."""
    go_live = records.go_live_by_id(session, go_live_id, lock=True)
    go_live.announced_move_at = move_at
    session.add(go_live)


def name_second_contact(
    session: Session, go_live_id: UUID, *, by: Contact, name: str, address: str, at: datetime
) -> SecondContactRefusal | None:
    """Make someone the second contact, before those who come after; return why not, if not.

    The present second contact becomes the third, and so on. An address that is known already gets
    the new name; where that changes nothing, nothing is written.
    """
    go_live = records.go_live_by_id(session, go_live_id, lock=True)
    organisation_id = go_live.organisation_id
    key = address_key(address)
    contacts = session.exec(
        select(Contact)
        .where(Contact.organisation_id == organisation_id, col(Contact.left_at).is_(None))
        .with_for_update()
    ).all()
    first = min(contacts, key=lambda contact: contact.position)
    known = next((contact for contact in contacts if contact.address_key == key), None)
    if known is not None and known.id == first.id:
        return SecondContactRefusal.IS_THE_FIRST
    if known is None and len(contacts) >= rules.MOST_CONTACTS:
        return SecondContactRefusal.TOO_MANY
    if key.rpartition("@")[2] not in records.organisation_domains(session, organisation_id):
        return SecondContactRefusal.FOREIGN_DOMAIN
    if known and (known.position, known.name, known.address) == (2, name, address):
        return None
    if _contacts_named(session, go_live_id, at - timedelta(days=1)) >= (
        rules.MOST_CONTACT_CHANGES_A_DAY
    ):
        return SecondContactRefusal.TOO_OFTEN
    others = [one for one in contacts if one.position >= 2 and one is not known]
    for position, contact in enumerate(sorted(others, key=lambda one: one.position), start=3):
        contact.position = position
        session.add(contact)
    preference = session.get_one(Preference, organisation_id)
    made = session.execute(
        insert(Contact)
        .values(
            id=uuid4(),
            organisation_id=organisation_id,
            position=2,
            name=name,
            address=address,
            address_key=key,
            time_zone=preference.time_zone,
        )
        .on_conflict_do_update(
            index_elements=["organisation_id", "address_key"],
            set_={"name": name, "position": 2, "address": address, "left_at": None},
        )
        .returning(col(Contact.id))
    ).scalar_one()
    records.write_audit(
        session,
        at,
        f"contact:{by.id}",
        "second_contact_named",
        go_live=go_live,
        subject=f"contact:{made}",
    )
    return None


def _contacts_named(session: Session, go_live_id: UUID, since: datetime) -> int:
    """Return how often the IT team has named a contact in this go-live."""
    return session.exec(
        select(func.count()).where(
            AuditEntry.go_live_id == go_live_id,
            AuditEntry.action == "second_contact_named",
            AuditEntry.at > since,
        )
    ).one()

"""An organisation's owner on our side and its IT contacts; both can change during a go-live.

A contact who has left stays in the table, because mails and the audit trail refer to it, but gets
no more mail, and their personal links are revoked. Only the date of the move is taken out of their
calendar by a last one.
"""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from contracts import rules
from contracts.addresses import address_key
from contracts.go_live import GoLiveStage, MailRequested
from contracts.links import LinkPurpose
from contracts.notices import Message, RecipientKind
from database.go_live import outbox, records
from database.links import renewal
from database.links.renewal import NewLink
from database.mail import ledger
from database.mail.ledger import Recipient
from database.mail.mail_facts import contacts_of, was_date_sent
from database.models import Contact, GoLive, Organisation, Preference, Staff

_PACK_STAGES = {
    GoLiveStage.IT_NOTIFIED,
    GoLiveStage.SSO_ACTIVATED,
    GoLiveStage.ADMIN_CONSENT_AWAITED,
}
"""Stages in which a new contact gets the pack at once: after it went out, before the consent."""


class UnknownContactError(ValueError):
    """Nobody here has this address."""

    def __init__(self, address: str, known: list[str]) -> None:
        """Keep the address that was named, and those that there are."""
        super().__init__(address)
        self.address, self.known = address, known


class OnlyContactError(ValueError):
    """The last contact stays: somebody has to be written to."""

    def __init__(self, address: str) -> None:
        """Keep the contact's address."""
        super().__init__(address)
        self.address = address


def change_owner(
    session: Session,
    organisation: Organisation,
    owner: Staff,
    *,
    by: str,
    at: datetime,
    reason: str = "",
) -> None:
    """Make another member of staff the owner of an organisation and its open go-live. Idempotent.

    All mail from the next one on goes to the new owner.
    """
    preference = session.get_one(Preference, organisation.id, with_for_update=True)
    go_live = records.open_go_live(session, organisation.id)
    if preference.owner_id == owner.id and (go_live is None or go_live.owner_id == owner.id):
        return
    preference.owner_id = owner.id
    session.add(preference)
    if go_live is not None:
        go_live.owner_id = owner.id
        session.add(go_live)
    records.write_audit(
        session,
        at,
        by,
        "owner_changed",
        go_live=go_live,
        organisation_id=organisation.id,
        subject=f"staff:{owner.id}",
        reason=reason,
    )


def name_contact(
    session: Session,
    organisation: Organisation,
    *,
    name: str,
    address: str,
    instead_of: str,
    first: bool,
    by: str,
    at: datetime,
    reason: str = "",
) -> NewLink | None:
    """Add an IT contact, or replace one.

    `instead_of` is the address of the contact who leaves, empty = nobody; the new one takes their
    place in the order. `first` = asked before everyone else. An address that is known already gets
    the new name. Returns the queued pack for a new contact, None if it is not sent now.

    Raises:
        UnknownContactError: nobody here has the address `instead_of`.
    """
    key = address_key(address)
    before = contacts_of(session, organisation.id)
    leaver = _with_address(before, instead_of) if instead_of else None
    known = next((one for one in before if one.address_key == key), None)
    contact = _save(session, organisation, name, address)
    order = [one.id for one in before if one.id != contact]
    if leaver is not None and leaver.id != contact:
        order[order.index(leaver.id)] = contact
        _leave(session, organisation, leaver, by, at)
    elif first:
        order.insert(0, contact)
    elif known is not None:
        order.insert(before.index(known), contact)
    else:
        order.append(contact)
    if first and order[0] != contact:
        order.remove(contact)
        order.insert(0, contact)
    set_contact_order(session, order)
    go_live = records.open_go_live(session, organisation.id)
    records.write_audit(
        session,
        at,
        by,
        "contact_named",
        go_live=go_live,
        organisation_id=organisation.id,
        subject=f"contact:{contact}",
        reason=reason,
    )
    return _pack(session, go_live, contact, by, at) if known is None and go_live else None


def remove_contact(
    session: Session,
    organisation: Organisation,
    address: str,
    *,
    by: str,
    at: datetime,
    reason: str = "",
) -> None:
    """Remove a contact: they get no more mail, and their personal links are revoked.

    Raises:
        UnknownContactError: nobody here has this address.
        OnlyContactError: it is the last contact.
    """
    before = contacts_of(session, organisation.id)
    leaver = _with_address(before, address)
    if len(before) == 1:
        raise OnlyContactError(address)
    _leave(session, organisation, leaver, by, at)
    records.write_audit(
        session,
        at,
        by,
        "contact_removed",
        go_live=records.open_go_live(session, organisation.id),
        organisation_id=organisation.id,
        subject=f"contact:{leaver.id}",
        reason=reason,
    )


def owner_of_open_go_live(session: Session, organisation_id: UUID) -> str | None:
    """Return the handle of the open go-live's owner, None if none is open."""
    return session.exec(
        select(Staff.handle)
        .join(GoLive, col(GoLive.owner_id) == col(Staff.id))
        .where(GoLive.organisation_id == organisation_id, col(GoLive.closed_at).is_(None))
    ).first()


def set_contact_order(session: Session, contacts: list[UUID]) -> None:
    """Set the order in which these contacts are asked."""
    for position, contact in enumerate(contacts, start=1):
        session.execute(
            text("UPDATE golive.contact SET position = :position WHERE id = :id"),
            {"position": position, "id": contact},
        )


def _with_address(among: list[Contact], address: str) -> Contact:
    key = address_key(address)
    for one in among:
        if one.address_key == key:
            return one
    raise UnknownContactError(address.strip(), [one.address for one in among])


def _save(session: Session, organisation: Organisation, name: str, address: str) -> UUID:
    preference = session.get_one(Preference, organisation.id)
    saved: UUID = session.execute(
        insert(Contact)
        .values(
            id=uuid4(),
            organisation_id=organisation.id,
            position=1,
            name=name,
            address=address,
            address_key=address_key(address),
            time_zone=preference.time_zone,
        )
        .on_conflict_do_update(
            index_elements=["organisation_id", "address_key"],
            set_={"name": name, "address": address, "left_at": None},
        )
        .returning(col(Contact.id))
    ).scalar_one()
    return saved


def _leave(
    session: Session, organisation: Organisation, leaver: Contact, by: str, at: datetime
) -> None:
    """Write to this contact no more, but for what takes the date of the move out of a calendar."""
    session.execute(
        text("UPDATE golive.contact SET left_at = :at WHERE id = :id"),
        {"at": at, "id": leaver.id},
    )
    session.execute(
        text(
            "UPDATE golive.personal_link SET revoked_at = :at "
            "WHERE contact_id = :id AND revoked_at IS NULL"
        ),
        {"at": at, "id": leaver.id},
    )
    # Mail that is still queued for them, or that their address refused, is no longer wanted.
    session.execute(
        text(
            "UPDATE golive.mail SET state = 'withdrawn' "
            "WHERE recipient_id = :id AND state IN ('queued', 'refused')"
        ),
        {"id": leaver.id},
    )
    go_live = records.open_go_live(session, organisation.id)
    if go_live is not None and was_date_sent(session, go_live.id, leaver.id):
        key = f"left-{at:%Y%m%d%H%M%S}"
        to = [Recipient(RecipientKind.CONTACT, leaver.id)]
        ledger.queue_mail(session, go_live.id, Message.CONTACT_REMOVED, key, to, at=at)
        outbox.enqueue(session, go_live.id, MailRequested(Message.CONTACT_REMOVED, key, by), at)
    session.expire_all()


def _pack(
    session: Session, go_live: GoLive, contact: UUID, by: str, at: datetime
) -> NewLink | None:
    """Queue the pack for a new contact, with its signal; None where a retry sends it anyway."""
    if go_live.stage not in _PACK_STAGES or go_live.attention is not None:
        return None
    until = max(go_live.due_at or at, at + timedelta(days=rules.LINK_DAYS))
    to = [Recipient(RecipientKind.CONTACT, contact)]
    ledger.ensure_links(session, go_live.id, LinkPurpose.CONSENT, to, until)
    idempotency_key = f"{renewal.REQUESTED_KEY_PREFIX}named-{at:%Y%m%d%H%M%S}"
    ledger.queue_mail(
        session,
        go_live.id,
        Message.IT_PACK,
        idempotency_key,
        to,
        at=at,
        link=(LinkPurpose.SETUP, until),
    )
    requested = MailRequested(Message.IT_PACK, idempotency_key, by)
    entry = outbox.enqueue(session, go_live.id, requested, at)
    return NewLink(Message.IT_PACK, idempotency_key, by, entry)

"""The mail ledger: every message is a row first, and is sent once however often code runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from contracts.links import LinkPurpose
from contracts.notices import Audience, Message
from database.models import AuditEntry, Contact, GoLive, Mail, PersonalLink, Preference
from database.records import UnknownGoLiveError


@dataclass(frozen=True)
class Recipient:
    """Who a mail is for."""

    kind: str
    id: UUID


@dataclass(frozen=True)
class QueuedMail:
    """A ledger row that is due, with whom it is for. Addresses never leave the process."""

    id: UUID
    message: Message
    occasion: str
    recipient_kind: str
    recipient_id: UUID
    address: str
    name: str
    link_id: UUID | None
    link_purpose: LinkPurpose | None
    link_version: int | None
    link_expires_at: datetime | None
    password_until: datetime | None
    due_at: datetime


@dataclass(frozen=True)
class GoLiveFacts:
    """What every mail of a go-live says."""

    go_live_id: UUID
    organisation_id: UUID
    organisation_name: str
    slug: str
    number: int
    owner_name: str
    owner_address: str
    time_zone: str
    tenant_id: UUID | None
    move_at: datetime | None
    due_at: datetime | None
    attention: str | None
    outcome: str | None
    refusal: str | None
    stage: str
    wait: str
    since: datetime
    users_done: int
    users_total: int
    exceptions: int
    plan_hash: str | None


def recipients(session: Session, go_live_id: UUID, audience: Audience) -> list[Recipient]:
    """Return who an audience is today, in the order they are to be asked."""
    go_live = session.get(GoLive, go_live_id)
    if go_live is None:
        raise UnknownGoLiveError(str(go_live_id))
    contacts = [
        Recipient("contact", contact_id)
        for contact_id in session.exec(
            select(Contact.id)
            .where(Contact.organisation_id == go_live.organisation_id)
            .order_by(col(Contact.position), col(Contact.id))
        )
    ]
    owner = Recipient("staff", go_live.owner_id)
    match audience:
        case Audience.CUSTOMER_SUCCESS:
            return [owner]
        case Audience.FIRST_CONTACT:
            return contacts[:1]
        case Audience.EVERY_CONTACT:
            return contacts
        case Audience.CUSTOMER_SUCCESS_AND_CONTACTS:
            return [owner, *contacts]
        case Audience.USERS:
            raise ValueError("mail to users is put into the ledger by the move itself")


def queue_mail(
    session: Session,
    go_live_id: UUID,
    message: Message,
    occasion: str,
    to: list[Recipient],
    *,
    at: datetime,
    link: tuple[LinkPurpose, datetime] | None = None,
) -> int:
    """Put a message to some people into the ledger; who has it already is passed over.

    With `link`, each contact gets a personal link of that purpose and expiry: the live one
    they have, else a new one. Returns how many rows were new.
    """
    added = 0
    for recipient in to:
        link_id = (
            _contact_link(session, go_live_id, link[0], recipient.id, link[1])
            if link and recipient.kind == "contact"
            else None
        )
        row = session.execute(
            insert(Mail)
            .values(
                id=uuid4(),
                go_live_id=go_live_id,
                message=message,
                occasion=occasion,
                recipient_kind=recipient.kind,
                recipient_id=recipient.id,
                link_id=link_id,
                due_at=at,
                state="queued",
                attempts=0,
            )
            .on_conflict_do_nothing()
            .returning(col(Mail.id))
        ).first()
        added += row is not None
    return added


def _contact_link(
    session: Session, go_live_id: UUID, purpose: LinkPurpose, contact_id: UUID, until: datetime
) -> UUID:
    session.execute(
        insert(PersonalLink)
        .values(
            id=uuid4(),
            go_live_id=go_live_id,
            purpose=purpose,
            contact_id=contact_id,
            version=1,
            expires_at=until,
        )
        .on_conflict_do_nothing()
    )
    link = session.exec(
        select(PersonalLink)
        .where(
            PersonalLink.go_live_id == go_live_id,
            PersonalLink.purpose == purpose,
            PersonalLink.contact_id == contact_id,
            col(PersonalLink.revoked_at).is_(None),
        )
        .with_for_update()
    ).one()
    # A later deadline keeps the link in people's mailboxes alive.
    link.expires_at = max(link.expires_at, until)
    session.add(link)
    return link.id


def facts(session: Session, go_live_id: UUID) -> GoLiveFacts:
    """Return what every mail of a go-live says."""
    row = session.execute(
        text(
            """
            SELECT g.id AS go_live_id, o.id AS organisation_id, o.name AS organisation_name,
                   o.slug, g.number, coalesce(nullif(s.name, ''), s.handle) AS owner_name,
                   s.address AS owner_address, p.time_zone, g.tenant_id, g.move_at, g.due_at,
                   g.attention, g.outcome, g.refusal, g.stage, g.wait, g.since,
                   g.users_done, g.users_total, g.exceptions, g.plan_hash
            FROM golive.go_live g
            JOIN pulse.organisation o ON o.id = g.organisation_id
            JOIN golive.staff s ON s.id = g.owner_id
            JOIN golive.preference p ON p.organisation_id = o.id
            WHERE g.id = :g
            """
        ),
        {"g": go_live_id},
    ).first()
    if row is None:
        raise UnknownGoLiveError(str(go_live_id))
    return GoLiveFacts(**row._mapping)


def queue_reminder_to_sign_in(
    session: Session, go_live_id: UUID, occasion: str, at: datetime
) -> None:
    """Put a reminder to every moved user who has not signed in through SSO into the ledger."""
    session.execute(
        text(
            """
            INSERT INTO golive.mail (id, go_live_id, message, occasion, recipient_kind,
                recipient_id, due_at, state, attempts)
            SELECT gen_random_uuid(), :g, :message, :occasion, 'user', m.user_id, :at, 'queued', 0
            FROM golive.user_move m JOIN pulse.app_user u ON u.id = m.user_id
            WHERE m.go_live_id = :g AND m.moved_at IS NOT NULL AND m.undone_at IS NULL
              AND u.first_sso_sign_in_at IS NULL AND u.status <> 'deactivated'
            ON CONFLICT DO NOTHING
            """
        ),
        {"g": go_live_id, "message": Message.SIGN_IN_REMINDER, "occasion": occasion, "at": at},
    )


def requeue_refused(session: Session, go_live_id: UUID, message: Message, occasion: str) -> None:
    """Give addresses that refused one message another chance: a person asked for a retry."""
    session.execute(
        text(
            "UPDATE golive.mail SET state = 'queued' WHERE go_live_id = :g AND message = :message "
            "AND occasion = :occasion AND state = 'refused'"
        ),
        {"g": go_live_id, "message": message, "occasion": occasion},
    )


def state_counts(
    session: Session, go_live_id: UUID, message: Message, occasion: str
) -> dict[str, int]:
    """Return how many recipients of one message are in which state."""
    rows = session.execute(
        text(
            "SELECT state, count(*) AS rows FROM golive.mail WHERE go_live_id = :g "
            "AND message = :message AND occasion = :occasion GROUP BY state"
        ),
        {"g": go_live_id, "message": message, "occasion": occasion},
    )
    return {row.state: row.rows for row in rows}


def due_mail(
    session: Session,
    go_live_id: UUID,
    at: datetime,
    *,
    only: tuple[Message, str] | None = None,
    chunk: int = 500,
) -> Iterator[list[QueuedMail]]:
    """Yield what is due, in chunks; each row once. Another deliverer may see the same rows.

    `only` narrows it to one message and occasion.
    """
    after: tuple[datetime, UUID] | None = None
    while True:
        rows = session.execute(
            text(
                f"""
                SELECT m.id, m.message, m.occasion, m.recipient_kind, m.recipient_id, m.due_at,
                       coalesce(u.address, c.address, s.address) AS address,
                       coalesce(u.display_name, c.name, s.name, '') AS name,
                       k.id AS link_id, k.purpose AS link_purpose, k.version AS link_version,
                       k.expires_at AS link_expires_at, u.password_until
                FROM golive.mail m
                LEFT JOIN pulse.app_user u ON m.recipient_kind = 'user' AND u.id = m.recipient_id
                LEFT JOIN golive.contact c ON m.recipient_kind = 'contact' AND c.id = m.recipient_id
                LEFT JOIN golive.staff s ON m.recipient_kind = 'staff' AND s.id = m.recipient_id
                LEFT JOIN golive.personal_link k ON k.id = m.link_id
                WHERE m.go_live_id = :g AND m.state = 'queued' AND m.due_at <= :at
                {"AND m.message = :message AND m.occasion = :occasion" if only else ""}
                {"AND (m.due_at, m.id) > (:after_due, :after_id)" if after else ""}
                ORDER BY m.due_at, m.id LIMIT :chunk
                """
            ),
            {
                "g": go_live_id,
                "at": at,
                "chunk": chunk,
                "message": only[0] if only else None,
                "occasion": only[1] if only else None,
                "after_due": after[0] if after else None,
                "after_id": after[1] if after else None,
            },
        ).all()
        if not rows:
            return
        yield [
            QueuedMail(
                **{
                    **row._mapping,
                    "message": Message(row.message),
                    "link_purpose": LinkPurpose(row.link_purpose) if row.link_purpose else None,
                }
            )
            for row in rows
        ]
        after = (rows[-1].due_at, rows[-1].id)


def claim_mail(session: Session, mail_id: UUID) -> bool:
    """Lock a queued row until commit; False when someone else has it or it is not queued."""
    return (
        session.execute(
            text(
                "SELECT 1 FROM golive.mail WHERE id = :id AND state = 'queued' "
                "FOR UPDATE SKIP LOCKED"
            ),
            {"id": mail_id},
        ).first()
        is not None
    )


def mark_sent(
    session: Session, mail_id: UUID, *, message_id: str, reply: str, at: datetime
) -> None:
    """Record that the relay took the message."""
    session.execute(
        text(
            "UPDATE golive.mail SET state = 'sent', attempts = attempts + 1, reply = :reply, "
            "message_id = :message_id, sent_at = :at WHERE id = :id"
        ),
        {"id": mail_id, "message_id": message_id, "reply": reply, "at": at},
    )


def mark_tried(session: Session, mail_id: UUID, *, reply: str, final: bool) -> None:
    """Record that the relay did not take the message; `final` = it never will."""
    session.execute(
        text(
            "UPDATE golive.mail SET attempts = attempts + 1, reply = :reply, "
            "state = CASE WHEN :final THEN 'refused' ELSE state END WHERE id = :id"
        ),
        {"id": mail_id, "reply": reply, "final": final},
    )


def exception_counts(session: Session, go_live_id: UUID) -> list[tuple[str, int]]:
    """Return each reason why users could not be moved and how many, most frequent first."""
    rows = session.execute(
        text(
            """
            SELECT reason, count(*) AS users FROM golive.user_move
            WHERE go_live_id = :g AND move_class = 'exception'
            GROUP BY reason ORDER BY users DESC, reason
            """
        ),
        {"g": go_live_id},
    )
    return [(row.reason, row.users) for row in rows]


def class_counts(session: Session, go_live_id: UUID) -> dict[str, int]:
    """Return how many users the plan put into each class, and how many have `moved`."""
    rows = session.execute(
        text(
            """
            SELECT move_class, count(*) AS users,
                   count(*) FILTER (WHERE moved_at IS NOT NULL) AS moved,
                   count(*) FILTER (WHERE undone_at IS NOT NULL) AS undone
            FROM golive.user_move WHERE go_live_id = :g GROUP BY move_class
            """
        ),
        {"g": go_live_id},
    ).all()
    return {
        **{row.move_class: row.users for row in rows},
        "moved": sum(row.moved for row in rows),
        "undone": sum(row.undone for row in rows),
    }


def contacts_of(session: Session, organisation_id: UUID) -> list[Contact]:
    """Return the organisation's IT contacts in the order they are asked."""
    return list(
        session.exec(
            select(Contact)
            .where(Contact.organisation_id == organisation_id)
            .order_by(col(Contact.position), col(Contact.id))
        )
    )


def link_of_contact(
    session: Session, go_live_id: UUID, purpose: LinkPurpose, contact_id: UUID
) -> PersonalLink | None:
    """Return a contact's live link of one purpose."""
    return session.exec(
        select(PersonalLink).where(
            PersonalLink.go_live_id == go_live_id,
            PersonalLink.purpose == purpose,
            PersonalLink.contact_id == contact_id,
            col(PersonalLink.revoked_at).is_(None),
        )
    ).first()


def last_reason(session: Session, go_live_id: UUID, action: str) -> str:
    """Return the reason given with the newest order of one kind, empty if none was."""
    return (
        session.exec(
            select(AuditEntry.reason)
            .where(AuditEntry.go_live_id == go_live_id, AuditEntry.action == action)
            .order_by(col(AuditEntry.id).desc())
        ).first()
        or ""
    )


def ensure_links(
    session: Session, go_live_id: UUID, purpose: LinkPurpose, to: list[Recipient], until: datetime
) -> None:
    """Give every contact among the recipients a live personal link of one purpose."""
    for recipient in to:
        if recipient.kind == "contact":
            _contact_link(session, go_live_id, purpose, recipient.id, until)


def reminders_sent(session: Session, go_live_id: UUID, message: Message) -> int:
    """Return on how many occasions a message has been sent."""
    return int(
        session.execute(
            text(
                "SELECT count(DISTINCT occasion) FROM golive.mail "
                "WHERE go_live_id = :g AND message = :message AND state = 'sent'"
            ),
            {"g": go_live_id, "message": message},
        ).scalar_one()
    )


def user_count(session: Session, organisation_id: UUID) -> int:
    """Return how many users an organisation has who are not deactivated."""
    return int(
        session.execute(
            text(
                "SELECT count(*) FROM pulse.app_user "
                "WHERE organisation_id = :o AND status <> 'deactivated'"
            ),
            {"o": organisation_id},
        ).scalar_one()
    )


def exception_threshold(session: Session, organisation_id: UUID) -> int:
    """Return how many exceptions the organisation accepts without asking."""
    return session.get_one(Preference, organisation_id).exception_threshold

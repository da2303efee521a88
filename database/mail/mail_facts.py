"""Facts that mails state: a go-live's, counts of its users, the people it concerns."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from contracts.business_hours import morning_of
from contracts.go_live import Progress
from contracts.links import LinkPurpose
from contracts.notices import Audience, Message, RecipientKind
from database.go_live.positions import POSITION, progress_of
from database.go_live.records import UnknownGoLiveError
from database.models import Contact, GoLive, PersonalLink, Preference, Staff


@dataclass(frozen=True)
class GoLiveFacts:
    """Facts that every mail of a go-live may state."""

    go_live_id: UUID
    organisation_id: UUID
    organisation_name: str
    slug: str
    owner_name: str
    owner_address: str
    time_zone: str
    tenant_id: UUID | None
    move_at: datetime | None
    announced_move_at: datetime | None
    """The date of the move that was last announced to the contacts."""
    go_live_date: date | None
    """The day that the customer had agreed to when the organisation was imported."""
    progress: Progress

    def moves_at(self, at: datetime) -> datetime | None:
        """Return when users move: the decided time, else the agreed day if it is after `at`."""
        if self.move_at is not None or self.go_live_date is None:
            return self.move_at
        agreed = morning_of(self.go_live_date, self.time_zone)
        return agreed if agreed > at else None


def facts(session: Session, go_live_id: UUID) -> GoLiveFacts:
    """Return the facts that every mail of a go-live may state."""
    row = session.execute(
        text(
            f"""
            SELECT g.id AS go_live_id, o.id AS organisation_id, o.name AS organisation_name,
                   o.slug, coalesce(nullif(s.name, ''), s.handle) AS owner_name,
                   s.address AS owner_address, p.time_zone, g.tenant_id, g.move_at,
                   g.announced_move_at, p.go_live_date,
                   {POSITION}
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
    return GoLiveFacts(
        go_live_id=row.go_live_id,
        organisation_id=row.organisation_id,
        organisation_name=row.organisation_name,
        slug=row.slug,
        owner_name=row.owner_name,
        owner_address=row.owner_address,
        time_zone=row.time_zone,
        tenant_id=row.tenant_id,
        move_at=row.move_at,
        announced_move_at=row.announced_move_at,
        go_live_date=row.go_live_date,
        progress=progress_of(row),
    )


def announcements(
    session: Session, go_live_id: UUID, *, before: tuple[datetime, str] | None = None
) -> int:
    """Return how many dates were announced so far; or before the one due then with this key."""
    earlier = "AND (due_at, idempotency_key) < (:due_at, :key)" if before else ""
    due_at, key = before or (None, None)
    counted: int = session.execute(
        text(
            "SELECT count(DISTINCT idempotency_key) FROM golive.mail "
            f"WHERE go_live_id = :g AND message = :message {earlier}"
        ),
        {"g": go_live_id, "message": Message.MOVE_ANNOUNCEMENT, "due_at": due_at, "key": key},
    ).scalar_one()
    return counted


def was_date_sent(session: Session, go_live_id: UUID, recipient_id: UUID) -> bool:
    """Tell whether this person has a date of the move in their calendar, by a mail of ours."""
    return (
        session.execute(
            text(
                "SELECT FROM golive.mail WHERE go_live_id = :g AND message = :message "
                "AND recipient_id = :recipient AND state = 'sent' LIMIT 1"
            ),
            {"g": go_live_id, "message": Message.MOVE_ANNOUNCEMENT, "recipient": recipient_id},
        ).first()
        is not None
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
    """Return how many users the plan put into each class, and how many have `moved`.

    Also how many moves are `undone`, and how many of these were invitations.
    """
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
        "invitations_undone": sum(row.undone for row in rows if row.move_class == "invite"),
    }


@dataclass(frozen=True)
class ReplacedAccount:
    """A change of the account that a user signs in with, as the audit trail has it."""

    name: str
    address: str
    at: datetime
    ordered_by: str


def replaced_account(session: Session, entry: int) -> ReplacedAccount:
    """Return what an entry of the audit trail says of a user's new account."""
    row = session.execute(
        text(
            """
            SELECT u.display_name AS name, u.address, a.at, a.actor AS ordered_by
            FROM golive.audit_entry a JOIN pulse.app_user u ON a.subject = 'user:' || u.id
            WHERE a.id = :entry
            """
        ),
        {"entry": entry},
    ).one()
    return ReplacedAccount(**row._mapping)


def login_page_after_undo(session: Session, go_live_id: UUID) -> str:
    """Return what an undo did to the login page: `as_before`, `withdrawn` or `never_offered`.

    `as_before` = it offers SSO, because it did so before this go-live.
    """
    row = session.execute(
        text(
            """
            SELECT o.sso_offered, EXISTS (
                SELECT FROM golive.audit_entry a WHERE a.organisation_id = o.id
                AND a.action NOT IN ('user_moved', 'user_move_undone')
                AND a.go_live_id = g.id AND a.action = 'sso_withdrawn') AS withdrawn
            FROM golive.go_live g JOIN pulse.organisation o ON o.id = g.organisation_id
            WHERE g.id = :g
            """
        ),
        {"g": go_live_id},
    ).one()
    if row.sso_offered:
        return "as_before"
    return "withdrawn" if row.withdrawn else "never_offered"


def count_undo_mails(session: Session, go_live_id: UUID) -> int:
    """Return how many users get mail about the undo; invited users get none."""
    return int(
        session.execute(
            text(
                "SELECT count(*) FROM golive.mail WHERE go_live_id = :g "
                "AND message = 'roll_back_user' AND state <> 'withdrawn'"
            ),
            {"g": go_live_id},
        ).scalar_one()
    )


def contacts_of(session: Session, organisation_id: UUID) -> list[Contact]:
    """Return the organisation's IT contacts in the order they are asked."""
    return list(
        session.exec(
            select(Contact)
            .where(Contact.organisation_id == organisation_id, col(Contact.left_at).is_(None))
            .order_by(col(Contact.position), col(Contact.id))
        )
    )


def link_of_contact(
    session: Session, go_live_id: UUID, purpose: LinkPurpose, contact_id: UUID
) -> PersonalLink | None:
    """Return a contact's valid link of one purpose."""
    return session.exec(
        select(PersonalLink).where(
            PersonalLink.go_live_id == go_live_id,
            PersonalLink.purpose == purpose,
            PersonalLink.contact_id == contact_id,
            col(PersonalLink.revoked_at).is_(None),
        )
    ).first()


def last_reason(session: Session, go_live_id: UUID, action: str) -> str:
    """Return the reason of the newest order of one kind that was not refused; empty if none."""
    row = session.execute(
        text(
            """
            SELECT a.reason FROM golive.audit_entry a
            WHERE a.go_live_id = :g AND a.action = :action AND NOT EXISTS (
                SELECT FROM golive.audit_entry r WHERE r.go_live_id = :g
                AND r.action = 'order_refused' AND r.subject = 'order:' || a.id)
            ORDER BY a.id DESC LIMIT 1
            """
        ),
        {"g": go_live_id, "action": action},
    ).first()
    return str(row.reason) if row else ""


def time_zones(session: Session, go_live_id: UUID, audience: Audience) -> list[str]:
    """Return the time zones of an audience; that of users is the organisation's.

    So is that of an owner whose own time zone is not known.
    """
    go_live = session.get_one(GoLive, go_live_id)
    owner = session.get_one(Staff, go_live.owner_id)
    if audience is Audience.CUSTOMER_SUCCESS and owner.time_zone:
        return [owner.time_zone]
    contacts = [one.time_zone for one in contacts_of(session, go_live.organisation_id)]
    if audience is Audience.FIRST_CONTACT:
        contacts = contacts[:1]
    elif audience is not Audience.EVERY_CONTACT:
        contacts = []
    return contacts or [session.get_one(Preference, go_live.organisation_id).time_zone]


def reminders_sent(session: Session, go_live_id: UUID, message: Message) -> int:
    """Return under how many idempotency keys a message has been sent."""
    return int(
        session.execute(
            text(
                "SELECT count(DISTINCT idempotency_key) FROM golive.mail "
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
    """Return how many exceptions the organisation accepts without an approval."""
    return session.get_one(Preference, organisation_id).exception_threshold


@dataclass(frozen=True)
class RefusedAddress:
    """An address whose mail server refuses our mail for good."""

    kind: RecipientKind
    address: str
    reply: str
    """The relay's last reply, without the address."""
    unclear: bool
    """Nothing has shown whether the relay refuses this address, or us."""


def refused_addresses(session: Session, go_live_id: UUID, at_most: int) -> list[RefusedAddress]:
    """Return addresses that refuse our mail, contacts' first; a later success clears one."""
    rows = session.execute(
        text(
            """
            SELECT m.recipient_kind, coalesce(u.address, c.address, s.address) AS address,
                   (array_agg(m.reply ORDER BY m.taken_before DESC))[1] AS reply,
                   bool_and(m.unclear_since IS NOT NULL) AS unclear
            FROM golive.mail m
            LEFT JOIN pulse.app_user u ON m.recipient_kind = 'user' AND u.id = m.recipient_id
            LEFT JOIN golive.contact c ON m.recipient_kind = 'contact' AND c.id = m.recipient_id
            LEFT JOIN golive.staff s ON m.recipient_kind = 'staff' AND s.id = m.recipient_id
            WHERE m.go_live_id = :g AND m.state = 'refused'
            GROUP BY 1, m.recipient_id, 2
            HAVING max(m.taken_before) > coalesce((SELECT max(l.taken_before) FROM golive.mail l
                WHERE l.go_live_id = :g AND l.recipient_id = m.recipient_id
                AND l.state = 'sent'), -1)
            ORDER BY 1, 2 LIMIT :at_most
            """
        ),
        {"g": go_live_id, "at_most": at_most},
    )
    return [
        RefusedAddress(RecipientKind(row.recipient_kind), row.address, row.reply or "", row.unclear)
        for row in rows
    ]

"""The mail ledger: every message is first a row, and is sent once however often code runs."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import CursorResult, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from contracts import rules
from contracts.links import LinkPurpose
from contracts.notices import Audience, MailState, Message, RecipientKind
from database.engine import Sessions
from database.go_live.grace import END_OF_GRACE
from database.go_live.records import UnknownGoLiveError
from database.mail import mail_facts
from database.models import GoLive, Mail, PersonalLink


@dataclass(frozen=True)
class Recipient:
    """Who a mail is for."""

    kind: RecipientKind
    id: UUID


@dataclass(frozen=True)
class QueuedMail:
    """A ledger row that is due, with its recipient. Addresses never leave the process."""

    id: UUID
    message: Message
    idempotency_key: str
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


_WITH_ITS_RECIPIENT = """
    SELECT m.id, m.message, m.idempotency_key, m.recipient_kind, m.recipient_id, m.due_at,
           coalesce(u.address, c.address, s.address) AS address,
           coalesce(u.display_name, c.name, s.name, '') AS name,
           k.id AS link_id, k.purpose AS link_purpose, k.version AS link_version,
           k.expires_at AS link_expires_at,
           {END_OF_GRACE} AS password_until
    FROM golive.mail m
    LEFT JOIN pulse.app_user u ON m.recipient_kind = 'user' AND u.id = m.recipient_id
    LEFT JOIN golive.contact c ON m.recipient_kind = 'contact' AND c.id = m.recipient_id
    LEFT JOIN golive.staff s ON m.recipient_kind = 'staff' AND s.id = m.recipient_id
    LEFT JOIN golive.personal_link k ON k.id = m.link_id
"""
_DUE = _WITH_ITS_RECIPIENT.replace("{END_OF_GRACE}", END_OF_GRACE.format(at=":at"))
"""Rows to send now; the end of grace is the one of now, however long ago they were queued."""

_KEPT = _WITH_ITS_RECIPIENT.replace("{END_OF_GRACE}", END_OF_GRACE.format(at="m.due_at"))
"""Rows as they were when they were queued."""


_LOCK_OF_MAIL = "hashtextextended('mail ' || :id, 0)"

_AFRESH = "state = 'queued', attempts = 0, taken_before = NULL, unclear_since = NULL"
_TAKEN = "coalesce(pg_sequence_last_value('golive.mail_taken'), 0)"
_IS_THE_ADDRESS = f"(coalesce({_TAKEN} > taken_before, false) AND attempts + 1 >= :most)"
_WAITED = (
    "(NOT :passes AND coalesce(unclear_since <= CAST(:at AS timestamptz) - "
    "CAST(:longest AS interval), false))"
)


def recipients(session: Session, go_live_id: UUID, audience: Audience) -> list[Recipient]:
    """Return the present members of an audience, in the order in which they are asked."""
    go_live = session.get(GoLive, go_live_id)
    if go_live is None:
        raise UnknownGoLiveError(str(go_live_id))
    contacts = [
        Recipient(RecipientKind.CONTACT, one.id)
        for one in mail_facts.contacts_of(session, go_live.organisation_id)
    ]
    owner = Recipient(RecipientKind.STAFF, go_live.owner_id)
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
    idempotency_key: str,
    to: list[Recipient],
    *,
    at: datetime,
    link: tuple[LinkPurpose, datetime] | None = None,
) -> int:
    """Queue a message for some people; skip those who have a row for it already.

    With `link`, each contact gets a personal link of that purpose and expiry: their valid one,
    else a new one. Returns how many rows are new.
    """
    added = 0
    for recipient in to:
        link_id = (
            _contact_link(session, go_live_id, link[0], recipient.id, link[1])
            if link and recipient.kind is RecipientKind.CONTACT
            else None
        )
        row = session.execute(
            insert(Mail)
            .values(
                id=uuid4(),
                go_live_id=go_live_id,
                message=message,
                idempotency_key=idempotency_key,
                recipient_kind=recipient.kind,
                recipient_id=recipient.id,
                link_id=link_id,
                due_at=at,
                state=MailState.QUEUED,
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
    # A later deadline keeps the link in people's mailboxes valid.
    link.expires_at = max(link.expires_at, until)
    session.add(link)
    return link.id


def queue_reminder_to_sign_in(
    session: Session, go_live_id: UUID, idempotency_key: str, at: datetime
) -> None:
    """Queue a reminder for every moved user who has not signed in through SSO.

    A second run, for example after a pause, also withdraws those of users who signed in since.
    """
    keys = {
        "g": go_live_id,
        "message": Message.SIGN_IN_REMINDER,
        "idempotency_key": idempotency_key,
        "at": at,
    }
    session.execute(
        text(
            """
            UPDATE golive.mail m SET state = 'withdrawn' FROM pulse.app_user u
            WHERE m.go_live_id = :g AND m.message = :message
              AND m.idempotency_key = :idempotency_key AND m.state = 'queued'
              AND u.id = m.recipient_id
              AND (u.first_sso_sign_in_at IS NOT NULL OR u.status = 'deactivated')
            """
        ),
        keys,
    )
    session.execute(
        text(
            """
            INSERT INTO golive.mail (id, go_live_id, message, idempotency_key, recipient_kind,
                recipient_id, due_at, state, attempts)
            SELECT gen_random_uuid(), :g, :message, :idempotency_key, 'user', m.user_id, :at,
                'queued', 0
            FROM golive.user_move m JOIN pulse.app_user u ON u.id = m.user_id
            WHERE m.go_live_id = :g AND m.moved_at IS NOT NULL AND m.undone_at IS NULL
              AND u.first_sso_sign_in_at IS NULL AND u.status <> 'deactivated'
            ON CONFLICT DO NOTHING
            """
        ),
        keys,
    )


def requeue_refused(
    session: Session, go_live_id: UUID, message: Message, idempotency_key: str
) -> None:
    """Queue a message again for addresses that refused it, because a person ordered a retry."""
    session.execute(
        text(
            f"UPDATE golive.mail SET {_AFRESH} WHERE go_live_id = :g AND message = :message "
            "AND idempotency_key = :idempotency_key AND state = 'refused'"
        ),
        {"g": go_live_id, "message": message, "idempotency_key": idempotency_key},
    )


def requeue_every_refused(
    session: Session, go_live_id: UUID, *, to_users: bool
) -> dict[tuple[Message, str], int]:
    """Queue refused mail of a go-live again; return how many of each message and key.

    `to_users`: mail to users, too.
    """
    rows = session.execute(
        text(
            f"""
            WITH again AS (
                UPDATE golive.mail SET {_AFRESH} WHERE go_live_id = :g AND state = 'refused'
                  AND (:to_users OR recipient_kind <> 'user')
                RETURNING message, idempotency_key)
            SELECT message, idempotency_key, count(*) AS mails FROM again
            GROUP BY 1, 2 ORDER BY 1, 2
            """
        ),
        {"g": go_live_id, "to_users": to_users},
    )
    return {(Message(row.message), row.idempotency_key): row.mails for row in rows}


def withdraw_batch(session: Session, go_live_id: UUID, *, size: int) -> int:
    """Withdraw mail that is not sent, for an undo; 0 = none is left. Idempotent.

    One that is in doubt is withdrawn as well, and stays in doubt.

    The undo's own mail to users stays: a second run finds what the first one has queued. So does
    what people are told of a replaced account.
    """
    withdrawn = session.execute(
        text(
            """
            WITH batch AS MATERIALIZED (
                SELECT id FROM golive.mail
                WHERE go_live_id = :g AND state = 'queued' AND message <> ALL(:stays)
                ORDER BY due_at LIMIT :size FOR UPDATE)
            UPDATE golive.mail m SET state = 'withdrawn' FROM batch WHERE m.id = batch.id
            """
        ),
        {"g": go_live_id, "stays": [Message.ROLL_BACK_USER, *OF_ACCOUNTS], "size": size},
    )
    return cast("CursorResult[Any]", withdrawn).rowcount


def state_counts(
    session: Session, go_live_id: UUID, message: Message, idempotency_key: str
) -> dict[MailState, int]:
    """Return the number of recipients of one message, by state."""
    rows = session.execute(
        text(
            "SELECT state, count(*) AS rows FROM golive.mail WHERE go_live_id = :g "
            "AND message = :message AND idempotency_key = :idempotency_key GROUP BY state"
        ),
        {"g": go_live_id, "message": message, "idempotency_key": idempotency_key},
    )
    return {MailState(row.state): row.rows for row in rows}


def due_mail(
    session: Session,
    go_live_id: UUID,
    at: datetime,
    *,
    only: tuple[Message, str] | None = None,
    chunk: int,
) -> Iterator[list[QueuedMail]]:
    """Yield what is due, in chunks; each row once. Another delivery may see the same rows.

    `only` selects one message and idempotency key; without it, all mail to users is selected.
    """
    after: tuple[datetime, UUID] | None = None
    while True:
        rows = session.execute(
            text(
                f"""
                {_DUE}
                WHERE m.go_live_id = :g AND m.state = 'queued' AND m.due_at <= :at
                {
                    "AND m.message = :message AND m.idempotency_key = :idempotency_key"
                    if only
                    else "AND m.recipient_kind = 'user'"
                }
                {"AND (m.due_at, m.id) > (:after_due, :after_id)" if after else ""}
                ORDER BY m.due_at, m.id LIMIT :chunk
                """
            ),
            {
                "g": go_live_id,
                "at": at,
                "chunk": chunk,
                "message": only[0] if only else None,
                "idempotency_key": only[1] if only else None,
                "after_due": after[0] if after else None,
                "after_id": after[1] if after else None,
            },
        ).all()
        if not rows:
            return
        yield [_queued_mail(row) for row in rows]
        after = (rows[-1].due_at, rows[-1].id)


OF_ACCOUNTS = (Message.ACCOUNT_REPLACED, Message.ACCOUNT_REPLACED_NOTICE)
"""What people are told of an account that staff replaced. It belongs to no step of a go-live, so it
goes out whatever becomes of that one; its idempotency key is the entry of the audit trail."""


def queued_of_accounts(session: Session, at: datetime) -> list[tuple[UUID, Message, str]]:
    """Return what is due of `OF_ACCOUNTS`: go-live, message and idempotency key, oldest first."""
    rows = session.execute(
        text(
            """
            SELECT go_live_id, message, idempotency_key FROM golive.mail
            WHERE state = 'queued' AND message = ANY(:messages) AND due_at <= :at
            GROUP BY 1, 2, 3 ORDER BY min(due_at), 1, 2, 3
            """
        ),
        {"messages": list(OF_ACCOUNTS), "at": at},
    )
    return [(row.go_live_id, Message(row.message), row.idempotency_key) for row in rows]


def newest_mail(
    session: Session, go_live_id: UUID, message: Message, recipient_id: UUID
) -> QueuedMail | None:
    """Return one person's newest mail of a kind, in any state; None = there is none."""
    row = session.execute(
        text(
            f"{_KEPT} WHERE m.go_live_id = :g AND m.message = :message "
            "AND m.recipient_id = :recipient ORDER BY m.due_at DESC, m.id LIMIT 1"
        ),
        {"g": go_live_id, "message": message, "recipient": recipient_id},
    ).first()
    return _queued_mail(row) if row else None


def queued_digest(session: Session, staff_id: UUID, idempotency_key: str) -> QueuedMail | None:
    """Return a manager's digest of one day while it is still to be sent."""
    row = session.execute(
        text(
            f"{_KEPT} WHERE m.go_live_id IS NULL AND m.message = :message "
            "AND m.recipient_id = :staff AND m.idempotency_key = :idempotency_key "
            "AND m.state = 'queued'"
        ),
        {"message": Message.STAFF_DIGEST, "staff": staff_id, "idempotency_key": idempotency_key},
    ).first()
    return _queued_mail(row) if row else None


def _queued_mail(row: Any) -> QueuedMail:
    purpose = LinkPurpose(row.link_purpose) if row.link_purpose else None
    return QueuedMail(**{**row._mapping, "message": Message(row.message), "link_purpose": purpose})


@dataclass(frozen=True)
class HeldMail:
    """A queued mail that this sender alone may give to the relay, and is about to."""

    id: UUID
    session: Session
    """Each of its statements is a transaction of its own."""
    in_doubt: bool
    """Whether an earlier attempt may have delivered it already."""


@contextmanager
def held_mail(
    sessions: Sessions, mail_id: UUID, *, pooled: bool = False
) -> Iterator[HeldMail | None]:
    """Hold a queued mail for one sender; None if another one has it or it is not queued.

    From here on it is in doubt whether the mail was delivered, until the relay's answer is
    recorded; that mark does not wait for the disk. No transaction is open meanwhile, however long
    the relay takes: the lock is the connection's, and goes when the block ends or the process is
    killed. Where connections are `pooled` by transactions, a transaction of its own has the lock.
    """
    with sessions() as session:
        session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        with _locked_mail(sessions, session, mail_id, pooled) as locked:
            in_doubt = _begin_attempt(session, mail_id) if locked else None
            yield None if in_doubt is None else HeldMail(mail_id, session, in_doubt)


@contextmanager
def _locked_mail(
    sessions: Sessions, session: Session, mail_id: UUID, pooled: bool
) -> Iterator[bool]:
    key = {"id": str(mail_id)}
    if pooled:
        with sessions.begin() as holding:
            lock = text(f"SELECT pg_try_advisory_xact_lock({_LOCK_OF_MAIL})")
            yield bool(holding.execute(lock, key).scalar())
        return
    if not session.execute(text(f"SELECT pg_try_advisory_lock({_LOCK_OF_MAIL})"), key).scalar():
        yield False
        return
    try:
        yield True
    finally:
        # A connection that broke has no lock any more.
        with suppress(SQLAlchemyError):
            session.execute(text(f"SELECT pg_advisory_unlock({_LOCK_OF_MAIL})"), key)


def _begin_attempt(session: Session, mail_id: UUID) -> bool | None:
    """Mark a queued mail as in doubt; return whether it was, None if it is not queued."""
    found = session.execute(
        text(
            "WITH before AS (SELECT id, in_doubt FROM golive.mail "
            "WHERE id = :id AND state = 'queued' FOR UPDATE) "
            "UPDATE golive.mail m SET in_doubt = true FROM before WHERE m.id = before.id "
            "RETURNING before.in_doubt, set_config('synchronous_commit', 'off', true)"
        ),
        {"id": mail_id},
    ).first()
    return bool(found.in_doubt) if found else None


def end_attempt(held: HeldMail) -> None:
    """Record that the relay was not there; whether an earlier attempt delivered it stays open."""
    held.session.execute(
        text("UPDATE golive.mail SET in_doubt = :in_doubt WHERE id = :id"),
        {"id": held.id, "in_doubt": held.in_doubt},
    )


def mark_sent(
    session: Session, mail_id: UUID, *, message_id: str, reply: str, at: datetime
) -> None:
    """Record that the relay took the message."""
    session.execute(
        text(
            "UPDATE golive.mail SET state = 'sent', attempts = attempts + 1, reply = :reply, "
            "message_id = :message_id, sent_at = :at, in_doubt = false, unclear_since = NULL, "
            "taken_before = nextval('golive.mail_taken') - 1 WHERE id = :id"
        ),
        {"id": mail_id, "message_id": message_id, "reply": reply, "at": at},
    )


def mark_tried(held: HeldMail, *, reply: str, most: int | None) -> bool:
    """Record that the relay did not take it; True = its address refuses it, after `most` attempts.

    Without `most` nothing was said against the address, and the attempt does not count.
    """
    return _answered(
        held,
        f"""
        UPDATE golive.mail SET reply = :reply, in_doubt = :in_doubt, attempts = attempts + :counts,
            state = CASE WHEN attempts + 1 >= :most THEN 'refused' ELSE state END,
            taken_before = CASE WHEN attempts + 1 >= :most THEN {_TAKEN} ELSE taken_before END
        WHERE id = :id AND state = 'queued' RETURNING state
        """,
        {"reply": reply, "most": most, "counts": int(most is not None)},
    )


def mark_unclear(held: HeldMail, *, reply: str, at: datetime, most: int | None) -> bool:
    """Record a refusal that does not say whose fault it is; True = the mail is refused.

    It is the address's once the relay has taken another mail since, on a later attempt (the
    `most`th, where the refusal may pass). Without `most` it is refused after
    `rules.UNCLEAR_REFUSAL` in any case, and `unclear_since` stays.
    """
    return _answered(
        held,
        f"""
        UPDATE golive.mail SET reply = :reply, in_doubt = :in_doubt, attempts = attempts + 1,
            state = CASE WHEN {_IS_THE_ADDRESS} OR {_WAITED} THEN 'refused' ELSE state END,
            taken_before = CASE WHEN {_IS_THE_ADDRESS} OR {_WAITED} THEN {_TAKEN}
                                ELSE coalesce(taken_before, {_TAKEN}) END,
            unclear_since = CASE WHEN {_IS_THE_ADDRESS} THEN NULL
                                 ELSE coalesce(unclear_since, :at) END
        WHERE id = :id AND state = 'queued' RETURNING state
        """,
        {
            "reply": reply,
            "at": at,
            "most": most or 0,
            "passes": most is not None,
            "longest": rules.UNCLEAR_REFUSAL,
        },
    )


def _answered(held: HeldMail, statement: str, values: dict[str, Any]) -> bool:
    # A mail that was withdrawn while it was on its way stays withdrawn.
    known = {"id": held.id, "in_doubt": held.in_doubt}
    return held.session.execute(text(statement), known | values).scalar() == MailState.REFUSED


def ensure_links(
    session: Session, go_live_id: UUID, purpose: LinkPurpose, to: list[Recipient], until: datetime
) -> None:
    """Give every contact among the recipients a valid personal link of one purpose."""
    for recipient in to:
        if recipient.kind is RecipientKind.CONTACT:
            _contact_link(session, go_live_id, purpose, recipient.id, until)

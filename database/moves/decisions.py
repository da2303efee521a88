"""People's decisions about single users: which account is theirs, or that they are excluded."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from contracts.notices import Message, RecipientKind
from database.mail import ledger, mail_facts
from database.mail.ledger import Recipient
from database.models import DirectoryLink, ExceptionDecision, Preference


class AccountTakenError(Exception):
    """Another user is linked to this account."""


@dataclass(frozen=True)
class UserToDecide:
    """A user whom somebody wants to decide about."""

    user_id: UUID
    address: str
    moved: bool
    """Whether the user is linked to an account of the directory and signs in with it."""
    linked_tenant_id: UUID | None
    """The tenant of the account that the user is linked to."""
    linked_object_id: UUID | None
    has_signed_in: bool
    """Whether the user has signed in through SSO."""
    proven_tenant_id: UUID | None
    """The tenant that the organisation signs in with."""


def user_to_decide(
    session: Session, organisation_id: UUID, address_key: str
) -> UserToDecide | None:
    """Return the organisation's user with this address."""
    row = session.execute(
        text(
            """
            SELECT u.id AS user_id, u.address,
                   l.user_id IS NOT NULL AND u.sign_in_method = 'sso' AS moved,
                   l.tenant_id AS linked_tenant_id, l.object_id AS linked_object_id,
                   u.first_sso_sign_in_at IS NOT NULL AS has_signed_in,
                   c.tenant_id AS proven_tenant_id
            FROM pulse.app_user u LEFT JOIN golive.directory_link l ON l.user_id = u.id
            LEFT JOIN golive.sso_connection c ON c.organisation_id = u.organisation_id
            WHERE u.organisation_id = :o AND u.address_key = :address_key
            """
        ),
        {"o": organisation_id, "address_key": address_key},
    ).first()
    return UserToDecide(**row._mapping) if row else None


def address_of(session: Session, organisation_id: UUID, user_id: UUID) -> str | None:
    """Return the address of a user of this organisation, None if it has none with this id."""
    found: str | None = session.execute(
        text("SELECT address FROM pulse.app_user WHERE id = :u AND organisation_id = :o"),
        {"u": user_id, "o": organisation_id},
    ).scalar_one_or_none()
    return found


def decide(
    session: Session,
    user_id: UUID,
    decision: str | None,
    object_id: UUID | None,
    *,
    by: str,
    at: datetime,
    reason_id: int,
) -> None:
    """Record a person's decision about a user; None deletes an earlier decision."""
    if decision is None:
        session.execute(
            text("DELETE FROM golive.exception_decision WHERE user_id = :u"), {"u": user_id}
        )
        return
    session.merge(
        ExceptionDecision(
            user_id=user_id,
            decision=decision,
            object_id=object_id,
            decided_by=by,
            decided_at=at,
            reason_id=reason_id,
        )
    )


def is_taken(session: Session, user_id: UUID, object_id: UUID) -> bool:
    """Tell whether another user is linked to this account of the user's tenant."""
    found: bool = session.execute(
        text(
            """
            SELECT EXISTS (SELECT FROM golive.directory_link mine JOIN golive.directory_link l
                ON l.tenant_id = mine.tenant_id AND l.object_id = :object_id
                WHERE mine.user_id = :u AND l.user_id <> :u)
            """
        ),
        {"u": user_id, "object_id": object_id},
    ).scalar_one()
    return found


def lock_link(session: Session, user_id: UUID) -> None:
    """Hold the user's link until commit, so that no first sign-in by it comes in between."""
    session.execute(
        text("SELECT FROM golive.directory_link WHERE user_id = :u FOR UPDATE"), {"u": user_id}
    )


def tell_of_replaced_account(
    session: Session, organisation_id: UUID, user_id: UUID, entry: int, at: datetime
) -> None:
    """Queue what the user, the IT contacts and the responsible manager are told of a new link.

    Args:
        session: holds the change, so that both or neither is committed.
        organisation_id: the user's.
        user_id: the user, who is linked.
        entry: the change in the audit trail; the mails are filled from it.
        at: when it was ordered.
    """
    link = session.get_one(DirectoryLink, user_id)
    owner_id = session.get_one(Preference, organisation_id).owner_id
    others = [
        Recipient(RecipientKind.STAFF, owner_id),
        *(
            Recipient(RecipientKind.CONTACT, one.id)
            for one in mail_facts.contacts_of(session, organisation_id)
        ),
    ]
    user = [Recipient(RecipientKind.USER, user_id)]
    for message, to in (
        (Message.ACCOUNT_REPLACED, user),
        (Message.ACCOUNT_REPLACED_NOTICE, others),
    ):
        ledger.queue_mail(session, link.go_live_id, message, str(entry), to, at=at)


def replace_link(
    session: Session, user_id: UUID, object_id: UUID, go_live_id: UUID | None, at: datetime
) -> bool:
    """Link a user to another account of the same tenant; False = no longer linked to any.

    Sessions with the earlier account end. The link still belongs to the go-live that made it, so
    a roll back of that one removes it.

    Args:
        session: holds the lock on its moves (`plans.lock_moves`), if one is open.
        user_id: the user.
        object_id: the account, which somebody has seen in the directory.
        go_live_id: the open go-live, if any: its decision about the user names the account, too.
        at: when it was ordered.

    Raises:
        AccountTakenError: another user is linked to this account.
    """
    keys = {"u": user_id, "object_id": object_id, "g": go_live_id, "at": at}
    if is_taken(session, user_id, object_id):
        raise AccountTakenError
    linked = session.execute(
        text(
            # The name comes with the next plan or sign-in: until then nothing is filled in.
            "UPDATE golive.directory_link SET sign_in_name = CASE WHEN object_id = :object_id "
            "THEN sign_in_name END, object_id = :object_id WHERE user_id = :u "
            "RETURNING user_id"
        ),
        keys,
    ).first()
    if linked is None:
        return False
    session.execute(
        text(
            "UPDATE golive.user_move SET object_id = :object_id WHERE go_live_id = :g "
            "AND user_id = :u AND moved_at IS NOT NULL AND undone_at IS NULL"
        ),
        keys,
    )
    session.execute(
        text(
            "UPDATE pulse.app_session SET ended_at = :at, ended_because = 'account_replaced' "
            "WHERE user_id = :u AND method = 'sso' AND ended_at IS NULL"
        ),
        keys,
    )
    return True

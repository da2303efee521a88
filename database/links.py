"""Personal links that people ask for again: the address on file gets a new one, the old is dead."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlmodel import Session, col, select

from contracts.links import LinkPurpose
from contracts.notices import Message
from database import records
from database.models import GoLive, Mail, PersonalLink

MOST_A_DAY = 3
"""New links for one person in 24 hours; more only fill a mailbox."""

_DAYS = 14
_MESSAGES = {
    LinkPurpose.CONSENT: Message.CONSENT_REQUEST,
    LinkPurpose.SETUP: Message.IT_PACK,
    LinkPurpose.INVITATION: Message.INVITATION,
}


@dataclass(frozen=True)
class NewLink:
    """What is to be delivered; the address is looked up when it is sent."""

    message: Message
    occasion: str
    asked_by: str
    """`contact:<id>` or `user:<id>`."""


def renew(session: Session, link: PersonalLink, go_live: GoLive, at: datetime) -> NewLink | None:
    """Make the link's older forms dead and queue the mail with the new one.

    A new link that still waits to be sent is not replaced by another. None = enough for today.
    """
    message = _MESSAGES[LinkPurpose(link.purpose)]
    mails = session.exec(
        select(Mail)
        .where(
            Mail.link_id == link.id,
            Mail.message == message,
            col(Mail.occasion).startswith("again-"),
        )
        .order_by(col(Mail.due_at).desc())
    ).all()
    subject = link.contact_id or link.user_id
    if subject is None:
        return None
    kind = "contact" if link.contact_id else "user"
    asked_by = f"{kind}:{subject}"
    if mails and mails[0].state == "queued":
        return NewLink(message, mails[0].occasion, asked_by)
    if sum(mail.due_at > at - timedelta(days=1) for mail in mails) >= MOST_A_DAY:
        return None
    link.version += 1
    link.revoked_at = None
    link.expires_at = max(go_live.due_at or at, at + timedelta(days=_DAYS))
    session.add(link)
    occasion = f"again-{link.version}"
    session.add(
        Mail(
            id=uuid4(),
            go_live_id=go_live.id,
            message=message,
            occasion=occasion,
            recipient_kind=kind,
            recipient_id=subject,
            link_id=link.id,
            due_at=at,
        )
    )
    records.write_audit(
        session,
        at,
        asked_by,
        "link_renewed",
        go_live=go_live,
        subject=f"link:{link.id}",
        reason=link.purpose,
    )
    return NewLink(message, occasion, asked_by)

"""Renewal of personal links: the address on file gets a new link, and the old one is revoked."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import or_
from sqlmodel import Session, col, select

from contracts import rules
from contracts.go_live import MailRequested
from contracts.links import LinkPurpose, LinkSigner
from contracts.notices import MailState, Message
from database.go_live import outbox, records
from database.links.verification import genuine_link
from database.models import AuditEntry, Contact, GoLive, Mail, Organisation, PersonalLink

REQUESTED_KEY_PREFIX = "again-"
"""Prefix of the idempotency key of a mail that somebody asked for."""
_MESSAGES = {
    LinkPurpose.CONSENT: Message.CONSENT_REQUEST,
    LinkPurpose.SETUP: Message.IT_PACK,
    LinkPurpose.INVITATION: Message.INVITATION,
}


@dataclass(frozen=True)
class NewLink:
    """The mail to deliver; its address is looked up when it is sent."""

    message: Message
    idempotency_key: str
    asked_by: str
    """`contact:<id>`, `user:<id>` or a staff handle."""
    entry: int | None = None
    """Its outbox entry; None = the go-live has the signal and is delivering it."""


def organisation_of(session: Session, signer: LinkSigner, token: str) -> str:
    """Return the slug of a link's organisation, valid or not; "" for a link we never made."""
    found = (genuine_link(session, signer, token, purpose) for purpose in LinkPurpose)
    link = next((one for one in found if one is not None), None)
    if link is None:
        return ""
    go_live = session.get_one(GoLive, link.go_live_id)
    return session.get_one(Organisation, go_live.organisation_id).slug


def to_renew(session: Session, link: PersonalLink) -> PersonalLink:
    """Return the person's link that a new one replaces: the valid one, else the newest.

    A person who handed the consent off gets a consent link of their own again.
    """
    purpose = LinkPurpose(link.purpose)
    if purpose is LinkPurpose.HAND_OFF:
        purpose = LinkPurpose.CONSENT
    found = session.exec(
        select(PersonalLink)
        .where(
            PersonalLink.go_live_id == link.go_live_id,
            PersonalLink.purpose == purpose,
            PersonalLink.contact_id == link.contact_id,
            PersonalLink.user_id == link.user_id,
        )
        .order_by(
            col(PersonalLink.revoked_at).desc().nulls_first(),
            col(PersonalLink.expires_at).desc(),
        )
        .with_for_update()
    ).first()
    return found or link


def has_left(session: Session, link: PersonalLink) -> bool:
    """Tell whether the link belongs to a contact who has left and gets no new one."""
    return (
        link.contact_id is not None
        and session.get_one(Contact, link.contact_id).left_at is not None
    )


def setup_link(session: Session, go_live_id: UUID, contact_id: UUID) -> PersonalLink | None:
    """Return a contact's set-up link, valid or not; None before the pack was queued."""
    link = session.exec(
        select(PersonalLink).where(
            PersonalLink.go_live_id == go_live_id,
            PersonalLink.purpose == LinkPurpose.SETUP,
            PersonalLink.contact_id == contact_id,
        )
    ).first()
    return to_renew(session, link) if link else None


def renew(
    session: Session, link: PersonalLink, go_live: GoLive, at: datetime, *, by: str = ""
) -> NewLink | None:
    """Revoke the link's older versions, and queue the mail with the new one and its signal.

    A new link that is still queued is not replaced within a day, after which the go-live stops
    trying. None = the limit of today is reached. `by` is who asked, if not the person themself.
    """
    records.go_live_by_id(session, go_live.id, lock=True)
    message = _MESSAGES[LinkPurpose(link.purpose)]
    mails = session.exec(
        select(Mail)
        .where(
            Mail.link_id == link.id,
            Mail.message == message,
            col(Mail.idempotency_key).startswith(REQUESTED_KEY_PREFIX),
        )
        .order_by(col(Mail.due_at).desc())
    ).all()
    subject = link.contact_id or link.user_id
    if subject is None:
        return None
    kind = "contact" if link.contact_id else "user"
    asked_by = by or f"{kind}:{subject}"
    a_day_ago = at - timedelta(days=1)
    lately = [mail for mail in mails if mail.due_at > a_day_ago]
    if lately and lately[0].state == MailState.QUEUED:
        return NewLink(message, lately[0].idempotency_key, asked_by)
    enough = len(lately) >= rules.NEW_LINKS_A_DAY
    if enough or (not by and _is_enough(session, go_live, a_day_ago)):
        return None
    for mail in mails:
        if mail.state == MailState.QUEUED:
            mail.state = MailState.WITHDRAWN
            session.add(mail)
    link.version += 1
    link.revoked_at = None
    link.expires_at = max(go_live.due_at or at, at + timedelta(days=rules.LINK_DAYS))
    session.add(link)
    idempotency_key = f"{REQUESTED_KEY_PREFIX}{link.version}"
    session.add(
        Mail(
            id=uuid4(),
            go_live_id=go_live.id,
            message=message,
            idempotency_key=idempotency_key,
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
    requested = MailRequested(message, idempotency_key, asked_by)
    return NewLink(
        message, idempotency_key, asked_by, outbox.enqueue(session, go_live.id, requested, at)
    )


def _is_enough(session: Session, go_live: GoLive, since: datetime) -> bool:
    """Tell whether people of a go-live have asked for as many links as are allowed a day."""
    asked = session.exec(
        select(AuditEntry.id)
        .where(
            # By the organisation, whose index leaves out the entries of single users.
            AuditEntry.organisation_id == go_live.organisation_id,
            AuditEntry.go_live_id == go_live.id,
            AuditEntry.action == "link_renewed",
            or_(
                col(AuditEntry.actor).startswith("contact:"),
                col(AuditEntry.actor).startswith("user:"),
            ),
            AuditEntry.at > since,
        )
        .limit(rules.MOST_MAILS_REQUESTED_A_DAY)
    ).all()
    return len(asked) >= rules.MOST_MAILS_REQUESTED_A_DAY

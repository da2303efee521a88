"""The hand-off: a new consent link of the same go-live replaces an old one."""

from datetime import datetime, timedelta
from uuid import uuid5

from sqlmodel import Session, col, func, select

from contracts import rules
from contracts.go_live import Refusal
from contracts.links import LinkPurpose, LinkSigner
from database.go_live import records
from database.links.verification import genuine_link, personal_link
from database.models import AuditEntry, PersonalLink

CONSENT_LINKS = (LinkPurpose.CONSENT, LinkPurpose.HAND_OFF)
"""Purposes of links that open the consent page."""

REPEATED_CLICK = timedelta(minutes=2)
"""Clicks within this time count as one: a double click, or the back button."""


class TooManyHandOffsError(Exception):
    """The link was handed on as often as it may be in a day."""


def consent_link(
    session: Session, signer: LinkSigner, token: str, at: datetime
) -> PersonalLink | Refusal | None:
    """Return a valid link to the consent page; a refusal or None as `personal_link`."""
    found = (personal_link(session, signer, token, purpose, at) for purpose in CONSENT_LINKS)
    return next((link for link in found if link is not None), None)


def genuine_consent_link(session: Session, signer: LinkSigner, token: str) -> PersonalLink | None:
    """Return the link to the consent page that this token is for, valid or not."""
    found = (genuine_link(session, signer, token, purpose) for purpose in CONSENT_LINKS)
    return next((link for link in found if link is not None), None)


def hand_off(
    session: Session, signer: LinkSigner, token: str, at: datetime
) -> PersonalLink | Refusal | None:
    """Revoke a consent link and return the one that replaces it, in the same go-live.

    A repeated click returns the same link. A refusal or None as `personal_link`.

    Raises:
        TooManyHandOffsError: `rules.MOST_HAND_OFFS_A_DAY` of this go-live are reached.
    """
    link = genuine_consent_link(session, signer, token)
    if link is None:
        return None
    link = session.get_one(PersonalLink, link.id, with_for_update=True, populate_existing=True)
    new_id = uuid5(link.id, f"hand-off:{link.version}")
    made = session.get(PersonalLink, new_id)
    if made is not None and link.revoked_at is not None and at - link.revoked_at < REPEATED_CLICK:
        return made
    live = consent_link(session, signer, token, at)
    if not isinstance(live, PersonalLink):
        return live
    if _handed_off(session, link, at - timedelta(days=1)) >= rules.MOST_HAND_OFFS_A_DAY:
        raise TooManyHandOffsError
    for old in session.exec(
        select(PersonalLink).where(
            PersonalLink.go_live_id == link.go_live_id,
            PersonalLink.contact_id == link.contact_id,
            col(PersonalLink.purpose).in_(CONSENT_LINKS),
            col(PersonalLink.revoked_at).is_(None),
        )
    ):
        old.revoked_at = at
        session.add(old)
    session.flush()
    new = PersonalLink(
        id=new_id,
        go_live_id=link.go_live_id,
        purpose=LinkPurpose.HAND_OFF,
        contact_id=link.contact_id,
        expires_at=link.expires_at,
    )
    session.add(new)
    go_live = records.go_live_by_id(session, link.go_live_id)
    for action, subject in (("consent_link_revoked", link), ("consent_handed_off", new)):
        records.write_audit(
            session,
            at,
            f"contact:{link.contact_id}",
            action,
            go_live=go_live,
            subject=f"link:{subject.id}",
        )
    return new


def _handed_off(session: Session, link: PersonalLink, since: datetime) -> int:
    """Return how often links of this go-live were handed on; nobody has moved by then."""
    return session.exec(
        select(func.count()).where(
            AuditEntry.go_live_id == link.go_live_id,
            AuditEntry.action == "consent_handed_off",
            AuditEntry.at > since,
        )
    ).one()

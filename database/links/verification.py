"""Tells which personal links are genuine, and which of them are still valid."""

from datetime import datetime

from sqlmodel import Session

from contracts.go_live import Refusal
from contracts.links import LinkPurpose, LinkSigner
from database.links import signing_keys
from database.models import PersonalLink


def genuine_link(
    session: Session,
    signer: LinkSigner,
    token: str,
    purpose: LinkPurpose,
    *,
    lock: bool = False,
) -> PersonalLink | None:
    """Return the row of a link that we once made, valid or not; None for any other token."""
    link_id = signer.claimed_id(token)
    link = session.get(PersonalLink, link_id, with_for_update=lock) if link_id else None
    if link is None or link.purpose != purpose:
        return None
    versions = range(link.version, 0, -1)
    known = any(signer.is_genuine(token, purpose, link.id, version) for version in versions)
    return link if known else None


def outdated_link(
    session: Session, signer: LinkSigner, token: str, purpose: LinkPurpose
) -> PersonalLink | None:
    """Return the row that a token names, if a key that we no longer have may have signed it.

    It proves nothing: whoever has it may have a new link sent to the address on file, and no more.
    """
    link_id = signer.claimed_id(token) if signer.looks_signed(token) else None
    link = session.get(PersonalLink, link_id) if link_id else None
    if link is None or link.purpose != purpose:
        return None
    if genuine_link(session, signer, token, purpose) is not None:
        return None
    return link if signing_keys.any_other(session, signer) else None


def personal_link(
    session: Session, signer: LinkSigner, token: str, purpose: LinkPurpose, at: datetime
) -> PersonalLink | Refusal | None:
    """Return a valid link; a refusal for one that no longer is; None for one we never made."""
    link = genuine_link(session, signer, token, purpose)
    if link is None:
        outdated = outdated_link(session, signer, token, purpose)
        return None if outdated is None else Refusal.LINK_EXPIRED
    replaced = not signer.is_genuine(token, purpose, link.id, link.version)
    if replaced or link.revoked_at is not None:
        return Refusal.LINK_REVOKED
    if link.used_at is not None:
        return Refusal.LINK_USED
    if link.expires_at <= at:
        return Refusal.LINK_EXPIRED
    return link

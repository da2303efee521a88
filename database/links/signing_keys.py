"""Which keys have signed personal links, by their fingerprints; the keys are in no database."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from contracts.links import LinkSigner
from database.models import SigningKey


def newest(session: Session) -> str | None:
    """Return the fingerprint of the key that began to sign last; None = none ever did."""
    return session.exec(
        select(SigningKey.fingerprint).order_by(col(SigningKey.signs_since).desc())
    ).first()


def record(session: Session, signer: LinkSigner, at: datetime) -> None:
    """Record that the signer's first key signs from now on."""
    session.execute(
        insert(SigningKey)
        .values(fingerprint=signer.fingerprints[0], signs_since=at)
        .on_conflict_do_update(index_elements=["fingerprint"], set_={"signs_since": at})
    )


def any_other(session: Session, signer: LinkSigner) -> bool:
    """Tell whether a key has signed that this signer does not have."""
    return (
        session.exec(
            select(SigningKey.fingerprint).where(
                col(SigningKey.fingerprint).not_in(signer.fingerprints)
            )
        ).first()
        is not None
    )

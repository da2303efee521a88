"""Changes the address of a member of our staff: told to the old one first, and audited."""

from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import Engine
from sqlmodel import Session

from activities.mail_content import Branding
from commands.addresses import check_new
from commands.errors import (
    CommandError,
    UnavailableError,
    UsageError,
    plain_database_errors,
)
from commands.lookups import known_staff
from contracts.addresses import address_key
from contracts.clock import wall_clock
from contracts.notices import Message
from contracts.problems import Problem
from database.engine import open_sessions
from database.go_live import records
from database.models import Staff
from database.people import staff, upserts
from mail.errors import AddressRefusedError, MailError
from mail.mailer import Mailer, OutgoingMail, message_id_for
from mail.outgoing import parse_address
from mail.rendering import render


@dataclass(frozen=True)
class AddressChange:
    """What became of it."""

    old_address: str
    old_was_told: bool
    """False = the old address takes no mail any more."""


def change(
    engine: Engine,
    mailer: Mailer,
    branding: Branding,
    sender: str,
    *,
    by: str,
    handle: str,
    address: str,
    reason: str,
) -> AddressChange:
    """Tell the old address, then change it; a second run with the same address is refused.

    No transaction is open while the relay answers, so it is read twice.

    Raises:
        UsageError: nobody has the handle, the address is none, or no reason is given.
        CommandError: the address is another one's, or this person's already.
        UnavailableError: the old address could not be told; nothing was changed.
    """
    check_new(address)
    if not reason.strip():
        raise UsageError(Problem.REASON_MISSING)
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        known_staff(session, by)
        old = _to_change(session, handle, address).address
    told = _tell(mailer, branding, sender, old, by=by, handle=handle, address=address)
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        person = _to_change(session, handle, address)
        staff.change_address(session, person, address)
        records.write_audit(
            session,
            wall_clock(),
            by,
            "staff_address_changed",
            subject=f"staff:{person.id}",
            reason=reason.strip(),
        )
    return AddressChange(old, told)


def _to_change(session: Session, handle: str, address: str) -> Staff:
    addresses = upserts.staff_addresses(session)
    if handle not in addresses:
        known = ", ".join(sorted(addresses))
        raise UsageError(Problem.UNKNOWN_SUCCESSOR, handle=handle, handles=known)
    key = address_key(address)
    owner = next((one for one, known in addresses.items() if address_key(known) == key), None)
    if owner is not None:
        raise CommandError(Problem.STAFF_ADDRESS_TAKEN, address=address, handle=owner)
    return records.staff_by_handle(session, handle)


def _tell(
    mailer: Mailer,
    branding: Branding,
    sender: str,
    old_address: str,
    *,
    by: str,
    handle: str,
    address: str,
) -> bool:
    """Tell the old address; False = it takes no mail any more."""
    rendered = render(
        Message.STAFF_ADDRESS_CHANGED,
        {
            "organisation_name": "",
            "recipient_name": "",
            "owner_name": "",
            "owner_address": "",
            "support_address": branding.support_address,
            "product_name": branding.product_name,
            "link": "",
            "link_expires": "",
            "login_url": f"{branding.public_url}/login",
            "changed_by": by,
            "handle": handle,
            "new_address": address,
        },
    )
    try:
        mailer.send(
            OutgoingMail(
                message_id=message_id_for(uuid4(), parse_address(sender).domain),
                sender=sender,
                recipient=old_address,
                subject=rendered.subject,
                text=rendered.text,
                html=rendered.html,
                date=wall_clock(),
            )
        )
    except AddressRefusedError:
        return False
    except MailError as error:
        raise UnavailableError(Problem.OLD_ADDRESS_NOT_TOLD, what=error) from None
    return True

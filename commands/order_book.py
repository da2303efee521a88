"""What commands keep of orders in the database: each order once, and whether it was refused."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Engine
from sqlmodel import Session

from commands.connections import plain_database_errors
from commands.errors import CommandError, RefusedError, UsageError
from commands.giving import not_running
from commands.reading import unknown_organisation
from contracts.clock import wall_clock
from contracts.orders import Order
from database import it_team, orders, records
from database.engine import open_sessions
from database.models import AuditEntry, Organisation, Preference, Staff


class OrderBook:
    """The orders of one member of staff, as one database keeps them."""

    def __init__(self, engine: Engine, by: str) -> None:
        """Keep orders as those of the member of staff with this handle."""
        self._engine = engine
        self._by = by

    def was_given(self, slug: str, order: Order, order_id: UUID) -> bool:
        """Tell whether this order was given before and may have been carried out.

        Raises:
            RefusedError: it was refused.
            CommandError: it belongs to a go-live that has ended.
            UsageError: its id is another order's.
        """
        with plain_database_errors(self._engine), open_sessions(self._engine).begin() as session:
            entry = orders.order_given(session, order_id)
            if entry is None:
                return False
            organisation = organisation_named(session, slug)
            check_same(entry, organisation, order.value, self._by)
            refusal = orders.refusal_of(session, entry)
            if refusal is not None:
                raise RefusedError(f"{slug}: {refusal}", refusal)
            newest = records.latest_go_live(session, organisation.id)
            if newest is not None and newest.id != entry.go_live_id:
                raise CommandError(
                    f"{slug}: This order was given to an earlier go-live; it is not given to "
                    "the present one."
                )
            return True

    def note(
        self, slug: str, order: Order, reason: str, order_id: UUID | None
    ) -> tuple[AuditEntry, bool]:
        """Write who orders what and why; the text stays here, the message carries its number.

        False = it was written before.
        """
        with plain_database_errors(self._engine), open_sessions(self._engine).begin() as session:
            organisation = organisation_named(session, slug)
            known_staff(session, self._by)
            go_live = records.latest_go_live(session, organisation.id)
            if go_live is None:
                raise CommandError(not_running(slug))
            entry, is_new = orders.note_order(
                session,
                go_live,
                order_id or uuid4(),
                action=order.value,
                by=self._by,
                reason=reason.strip(),
                at=wall_clock(),
            )
            check_same(entry, organisation, order.value, self._by)
            return entry, is_new

    def note_refusal(self, entry: AuditEntry, why: str) -> None:
        """Write that this order is not carried out."""
        with plain_database_errors(self._engine), open_sessions(self._engine).begin() as session:
            orders.note_refusal(session, entry, why, self._by, wall_clock())

    def keep_move_date(self, slug: str, chosen: datetime | None) -> None:
        """Show the date that the run has accepted to everyone who looks."""
        with plain_database_errors(self._engine), open_sessions(self._engine).begin() as session:
            organisation = organisation_named(session, slug)
            go_live = records.latest_go_live(session, organisation.id)
            if go_live is not None:
                it_team.keep_move_date(session, go_live.id, chosen)

    def time_zone(self, slug: str) -> str:
        """Return the time zone in which the organisation's dates are typed."""
        with plain_database_errors(self._engine), open_sessions(self._engine).begin() as session:
            organisation = organisation_named(session, slug)
            return session.get_one(Preference, organisation.id).time_zone


def check_same(entry: AuditEntry, organisation: Organisation, action: str, by: str) -> None:
    """Check that an entry is the order which somebody gives now.

    Raises:
        UsageError: its id is another order's.
    """
    if (entry.organisation_id, entry.action, entry.actor) != (organisation.id, action, by):
        raise UsageError("This id belongs to another order. Give the new one an id of its own.")


def organisation_named(session: Session, slug: str) -> Organisation:
    """Return the organisation.

    Raises:
        CommandError: there is none with this slug.
    """
    try:
        return records.organisation_by_slug(session, slug)
    except records.UnknownOrganisationError:
        raise CommandError(unknown_organisation(slug)) from None


def known_staff(session: Session, handle: str) -> Staff:
    """Return the member of staff who gives an order.

    Raises:
        UsageError: nobody has this handle.
    """
    try:
        return records.staff_by_handle(session, handle)
    except records.UnknownStaffError:
        raise UsageError(
            f"{handle!r} is no known staff handle. Say who gives the order with "
            "--by HANDLE or GOLIVE_BY; handles come with an import."
        ) from None

"""Orders in the database: each is recorded once, with whether it was refused."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import Session

from commands.errors import (
    CommandError,
    RefusedError,
    ToBeConfirmedError,
    UsageError,
    plain_database_errors,
)
from commands.lookups import known_staff, organisation_named
from commands.sending import Argument
from contracts.clock import wall_clock
from contracts.orders import ORDER_RULES, Order, OrderPosition, OrderRefusal, Role, refusal_of
from contracts.problems import Problem
from database.engine import open_sessions
from database.go_live import order_requests, orders, records, standings
from database.models import AuditEntry, GoLive, OrderRequest, Organisation, Preference
from database.people import it_team


class OrderRecords:
    """Records the orders of one member of staff in one database."""

    def __init__(self, engine: Engine, by: str) -> None:
        """Record orders as those of the member of staff with this handle."""
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
            refusal = orders.recorded_refusal(session, entry)
            if refusal is not None:
                raise _refused_before(slug, refusal)
            newest = records.latest_go_live(session, organisation.id)
            if newest is not None and newest.id != entry.go_live_id:
                raise CommandError(Problem.ORDER_OF_EARLIER_GO_LIVE, slug=slug)
            return True

    def record(
        self, slug: str, order: Order, reason: str, order_id: UUID
    ) -> tuple[AuditEntry, bool]:
        """Write who orders what and why; the text stays here, the message carries its number.

        False = it was written before.
        """
        with plain_database_errors(self._engine), open_sessions(self._engine).begin() as session:
            organisation = organisation_named(session, slug)
            known_staff(session, self._by)
            go_live = records.latest_go_live(session, organisation.id)
            if go_live is None:
                raise CommandError(Problem.NOT_RUNNING, slug=slug)
            request = order_requests.request_of(session, order_id)
            if request and (request.order, request.requested_by) != (order.value, self._by):
                raise UsageError(Problem.ID_OF_ANOTHER_ORDER)
            entry, is_new = orders.record_order(
                session,
                go_live,
                order_id,
                action=order.value,
                by=self._by,
                reason=reason.strip(),
                at=wall_clock(),
            )
            check_same(entry, organisation, order.value, self._by)
            return entry, is_new

    def record_new_run(self, go_live_id: UUID, why: str) -> None:
        """Write that a run was begun where there was one before, and why."""
        with plain_database_errors(self._engine), open_sessions(self._engine).begin() as session:
            go_live = records.go_live_by_id(session, go_live_id)
            records.write_audit(
                session, wall_clock(), self._by, "run_begun_anew", go_live=go_live, reason=why
            )

    def confirmed_request(
        self, slug: str, order: Order, argument: dict[str, str], reason: str, order_id: UUID
    ) -> OrderRequest:
        """Return the request of this order once another member of staff has confirmed it.

        Raises:
            ToBeConfirmedError: nobody has yet; it is recorded, and can be confirmed for an hour.
            RefusedError: the go-live would not take it now; nothing is recorded.
            CommandError: the hour is over.
        """
        at = wall_clock()
        with plain_database_errors(self._engine), open_sessions(self._engine).begin() as session:
            organisation = organisation_named(session, slug)
            known_staff(session, self._by)
            go_live = records.latest_go_live(session, organisation.id)
            if go_live is None:
                raise CommandError(Problem.NOT_RUNNING, slug=slug)
            request = order_requests.request_of(session, order_id)
            if request is None:
                _check_position(session, slug, order, argument, at)
                request = order_requests.record_request(
                    session,
                    go_live,
                    order_id,
                    order=order.value,
                    argument=argument,
                    by=self._by,
                    reason=reason.strip(),
                    at=at,
                )
            said = (request.go_live_id, request.order, request.requested_by)
            if said != (go_live.id, order.value, self._by):
                raise UsageError(Problem.ID_OF_ANOTHER_ORDER)
            if request.confirmed_by is None:
                check_hour(request, slug, at)
        if request.confirmed_by is None:
            raise ToBeConfirmedError(Problem.TO_BE_CONFIRMED, slug=slug, order_id=order_id)
        return request

    def least_role(self, order_id: UUID) -> Role:
        """Return the lowest role that may confirm a request: that of its order."""
        with plain_database_errors(self._engine), open_sessions(self._engine).begin() as session:
            request = order_requests.request_of(session, order_id)
        return ORDER_RULES[Order(request.order)].least_role if request else Role.MANAGER

    def confirm(self, slug: str, order_id: UUID) -> tuple[AuditEntry, OrderRequest]:
        """Confirm what another member of staff ordered, and write their order with both names.

        Who has confirmed it may do so again, as the order may not have been answered.

        Raises:
            RefusedError: the go-live has refused it.
            CommandError: this person may not confirm it, or it can be confirmed no more.
        """
        at = wall_clock()
        with plain_database_errors(self._engine), open_sessions(self._engine).begin() as session:
            organisation = organisation_named(session, slug)
            request, go_live = request_to_confirm(session, organisation, order_id, self._by, at)
            if request.confirmed_by is None:
                if go_live.closed_at is not None:
                    raise CommandError(OrderRefusal.ENDED, slug=slug)
                order_requests.confirm(session, go_live, request, self._by, at)
            entry, _ = orders.record_order(
                session,
                go_live,
                order_id,
                action=request.order,
                by=request.requested_by,
                reason=order_requests.reason_of(session, request),
                at=at,
            )
            check_same(entry, organisation, request.order, request.requested_by)
            refusal = orders.recorded_refusal(session, entry)
            if refusal is not None:
                raise _refused_before(slug, refusal)
            return entry, request

    def record_refusal(self, entry: AuditEntry, why: Problem | OrderRefusal) -> None:
        """Write that this order is not carried out."""
        with plain_database_errors(self._engine), open_sessions(self._engine).begin() as session:
            orders.record_refusal(session, entry, why, self._by, wall_clock())

    def record_move_date(self, slug: str, chosen: datetime | None) -> None:
        """Record the date that the run has accepted, so that pages show it."""
        with plain_database_errors(self._engine), open_sessions(self._engine).begin() as session:
            organisation = organisation_named(session, slug)
            go_live = records.latest_go_live(session, organisation.id)
            if go_live is not None:
                it_team.record_move_date(session, go_live.id, chosen)

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
        raise UsageError(Problem.ID_OF_ANOTHER_ORDER)


def _check_position(
    session: Session, slug: str, order: Order, argument: dict[str, str], at: datetime
) -> None:
    standing = standings.standing_of(session, slug)
    if standing is None or standing.progress is None:
        raise CommandError(Problem.NOT_RUNNING, slug=slug)
    given = Argument.of_data(argument)
    refusal = refusal_of(
        order,
        OrderPosition(standing.progress),
        plan_hash=given.plan_hash or None,
        moment=given.moment,
        now=at,
    )
    if refusal is not None:
        raise RefusedError(refusal, slug=slug)


def request_to_confirm(
    session: Session, organisation: Organisation, order_id: UUID, by: str, at: datetime
) -> tuple[OrderRequest, GoLive]:
    """Return a request that this member of staff may confirm, or has confirmed, locked.

    Raises:
        CommandError: this person may not confirm it, or it can be confirmed no more.
    """
    slug = organisation.slug
    known_staff(session, by)
    request = order_requests.request_of(session, order_id, lock=True)
    go_live = records.go_live_by_id(session, request.go_live_id) if request else None
    if request is None or go_live is None or go_live.organisation_id != organisation.id:
        raise CommandError(Problem.NOTHING_TO_CONFIRM, slug=slug)
    if request.requested_by == by:
        raise CommandError(Problem.OWN_ORDER, slug=slug)
    if request.confirmed_by not in {None, by}:
        raise CommandError(Problem.CONFIRMED_ALREADY, slug=slug, by=request.confirmed_by)
    if request.confirmed_by is None:
        check_hour(request, slug, at)
    return request, go_live


def check_hour(request: OrderRequest, slug: str, at: datetime) -> None:
    """Check that a request can still be confirmed.

    Raises:
        CommandError: its hour is over.
    """
    if at - request.requested_at >= order_requests.OPEN_FOR:
        raise CommandError(Problem.CONFIRMED_TOO_LATE, slug=slug)


def _refused_before(slug: str, code: str) -> RefusedError:
    """Return what an order was refused with, by its code in the audit trail."""
    if code in list(OrderRefusal):
        return RefusedError(OrderRefusal(code), slug=slug)
    known = code == Problem.NOT_RUNNING
    return RefusedError(Problem.NOT_RUNNING if known else Problem.REFUSED_BEFORE, slug=slug)

"""What customer success decides about single users: link, exclude, include."""

from uuid import UUID, uuid4

from sqlalchemy import Engine
from sqlmodel import Session

from commands.addresses import check_known
from commands.errors import (
    CommandError,
    ToBeConfirmedError,
    UsageError,
    plain_database_errors,
    plain_microsoft_errors,
)
from commands.lookups import known_staff, organisation_named
from commands.order_records import check_hour, request_to_confirm
from contracts.addresses import address_key
from contracts.clock import wall_clock
from contracts.directory import DecisionEffect
from contracts.go_live import Wait
from contracts.orders import RELINK_USER
from contracts.problems import Problem
from database.engine import open_sessions
from database.go_live import order_requests, records
from database.models import GoLive, OrderRequest, Organisation
from database.moves import decisions, plans
from graph.client import GraphClient


def link(
    engine: Engine,
    graph: GraphClient,
    by: str,
    slug: str,
    address: str,
    object_id: str,
    reason: str,
    *,
    order_id: UUID | None = None,
) -> DecisionEffect:
    """Decide that a user is this account of the directory, and return when that counts.

    It counts from the next plan on; where the user is linked already, at once: that is the way
    back in for somebody whose account was deleted and made anew. The user, the IT contacts and the
    responsible manager are then told by mail. Where the user has signed in with the account of
    before, a second person confirms it first.

    Raises:
        CommandError: no such user; or they are linked and the account does not fit.
        ToBeConfirmedError: it is recorded, and a second person can confirm it for an hour.
    """
    try:
        identity = UUID(object_id)
    except ValueError:
        raise UsageError(Problem.NOT_AN_OBJECT_ID, object_id=object_id) from None
    _check_reason(reason)
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        known_staff(session, by)
        user = _user(session, organisation_named(session, slug), address)
    if user.linked_tenant_id is None:
        return _decide(engine, by, slug, address, "link", identity, reason)
    if user.linked_tenant_id != user.proven_tenant_id:
        raise CommandError(Problem.LINKED_ELSEWHERE, slug=slug, address=address)
    if user.linked_object_id == identity:
        return DecisionEffect.AT_ONCE
    _must_fit(graph, user.linked_tenant_id, identity)
    order_id = order_id or uuid4()
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        organisation = organisation_named(session, slug)
        user = _locked_user(session, organisation, address)
        if not user.has_signed_in:
            _relink(session, by, organisation, user, identity, reason)
            return DecisionEffect.AT_ONCE
        if decisions.is_taken(session, user.user_id, identity):
            raise CommandError(Problem.ACCOUNT_TAKEN)
        request = _request(session, order_id, organisation, user, identity, by, reason)
    if request.confirmed_by is None:
        raise ToBeConfirmedError(Problem.TO_BE_CONFIRMED, slug=slug, order_id=order_id)
    return DecisionEffect.AT_ONCE


def is_link_to_confirm(engine: Engine, order_id: UUID) -> bool:
    """Tell whether what waits under this id is about the account of one user."""
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        request = order_requests.request_of(session, order_id)
        return request is not None and request.order == RELINK_USER


def confirm_link(engine: Engine, graph: GraphClient, by: str, slug: str, order_id: UUID) -> None:
    """Confirm what another member of staff ordered, and link the user. Idempotent.

    Raises:
        CommandError: this person may not confirm it, it can be confirmed no more, or the account
            does not fit any more; it still waits then.
    """
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        organisation = organisation_named(session, slug)
        request, _ = request_to_confirm(session, organisation, order_id, by, wall_clock())
        if request.confirmed_by is not None:
            return
        user = _requested_user(session, organisation, request)
        identity = UUID(request.argument["object_id"])
        assert user.linked_tenant_id is not None  # noqa: S101  (as `_requested_user` promises)
    _must_fit(graph, user.linked_tenant_id, identity)
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        at = wall_clock()
        organisation = organisation_named(session, slug)
        request, go_live = request_to_confirm(session, organisation, order_id, by, at)
        if request.confirmed_by is not None:
            return
        user = _requested_user(session, organisation, request, lock=True)
        order_requests.confirm(session, go_live, request, by, at)
        reason = order_requests.reason_of(session, request)
        _relink(session, request.requested_by, organisation, user, identity, reason)


def exclude(engine: Engine, by: str, slug: str, address: str, reason: str) -> DecisionEffect:
    """Decide that a user is left out and keeps the password; counts from the next plan on.

    Raises:
        CommandError: no such user, or they have moved already.
    """
    return _decide(engine, by, slug, address, "exclude", None, reason)


def include(engine: Engine, by: str, slug: str, address: str, reason: str) -> DecisionEffect:
    """Take an earlier `link` or `exclude` back; it counts from the next plan on.

    Raises:
        CommandError: no such user, or they have moved already.
    """
    return _decide(engine, by, slug, address, None, None, reason)


def _decide(
    engine: Engine,
    by: str,
    slug: str,
    address: str,
    decision: str | None,
    object_id: UUID | None,
    reason: str,
) -> DecisionEffect:
    """Write a decision and its reason; return when it counts."""
    _check_reason(reason)
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        known_staff(session, by)
        organisation = organisation_named(session, slug)
        go_live = records.open_go_live(session, organisation.id)
        user = _user(session, organisation, address)
        if user.moved:
            raise CommandError(Problem.MOVED_ALREADY, slug=slug, address=address)
        action = f"{decision or 'include'}_user"
        _record(session, by, organisation, go_live, user, action, decision, object_id, reason)
        where = go_live.wait if go_live is not None else None
    if where is None:
        return DecisionEffect.WITH_THE_FIRST_PLAN
    if where in {Wait.APPROVAL, Wait.AFTERCARE}:
        return DecisionEffect.WITH_A_NEW_PLAN
    return DecisionEffect.WITH_THE_COMING_PLAN


def _relink(
    session: Session,
    by: str,
    organisation: Organisation,
    user: decisions.UserToDecide,
    object_id: UUID,
    reason: str,
) -> None:
    """Put another account in the place of the one that a user is linked to, and tell of it."""
    go_live = records.open_go_live(session, organisation.id)
    try:
        linked = decisions.replace_link(
            session, user.user_id, object_id, go_live.id if go_live else None, wall_clock()
        )
    except decisions.AccountTakenError:
        raise CommandError(Problem.ACCOUNT_TAKEN) from None
    if not linked:
        raise CommandError(Problem.MOVED_BACK, address=user.address)
    # So that whoever is rolled back and moved again gets the account that is there.
    entry = _record(
        session, by, organisation, go_live, user, RELINK_USER, "link", object_id, reason
    )
    decisions.tell_of_replaced_account(session, organisation.id, user.user_id, entry, wall_clock())


def _request(
    session: Session,
    order_id: UUID,
    organisation: Organisation,
    user: decisions.UserToDecide,
    object_id: UUID,
    by: str,
    reason: str,
) -> OrderRequest:
    """Record that somebody wants to link a user who has signed in, unless it is recorded."""
    at = wall_clock()
    go_live = records.latest_go_live(session, organisation.id)
    assert go_live is not None  # noqa: S101  (one has linked the user)
    argument = {"user_id": str(user.user_id), "object_id": str(object_id)}
    request = order_requests.record_request(
        session,
        go_live,
        order_id,
        order=RELINK_USER,
        argument=argument,
        by=by,
        reason=reason.strip(),
        at=at,
    )
    said = (request.order, request.requested_by, request.argument)
    if said != (RELINK_USER, by, argument):
        raise UsageError(Problem.ID_OF_ANOTHER_ORDER)
    if request.confirmed_by is None:
        check_hour(request, organisation.slug, at)
    return request


def _locked_user(
    session: Session, organisation: Organisation, address: str
) -> decisions.UserToDecide:
    """Return the user, whom no move, undo or first sign-in changes until commit."""
    go_live = records.open_go_live(session, organisation.id)
    if go_live is not None:
        plans.lock_moves(session, go_live.id)
    decisions.lock_link(session, _user(session, organisation, address).user_id)
    return _user(session, organisation, address)


def _requested_user(
    session: Session, organisation: Organisation, request: OrderRequest, *, lock: bool = False
) -> decisions.UserToDecide:
    """Return the user whom a request is about, who is linked in the organisation's tenant.

    Raises:
        CommandError: the user is gone, or linked no more.
    """
    address = decisions.address_of(session, organisation.id, UUID(request.argument["user_id"]))
    if address is None:
        raise CommandError(Problem.NOTHING_TO_CONFIRM, slug=organisation.slug)
    find = _locked_user if lock else _user
    user = find(session, organisation, address)
    if user.linked_tenant_id is None:
        raise CommandError(Problem.MOVED_BACK, address=address)
    if user.linked_tenant_id != user.proven_tenant_id:
        raise CommandError(Problem.LINKED_ELSEWHERE, slug=organisation.slug, address=address)
    return user


def _record(
    session: Session,
    by: str,
    organisation: Organisation,
    go_live: GoLive | None,
    user: decisions.UserToDecide,
    action: str,
    decision: str | None,
    object_id: UUID | None,
    reason: str,
) -> int:
    """Record a decision, and in the audit trail who took it and why; return that entry."""
    at = wall_clock()
    reason_id = records.write_audit(
        session,
        at,
        by,
        action,
        go_live=go_live,
        organisation_id=organisation.id,
        subject=f"user:{user.user_id}",
        reason=reason.strip(),
    )
    decisions.decide(session, user.user_id, decision, object_id, by=by, at=at, reason_id=reason_id)
    return reason_id


def _must_fit(graph: GraphClient, tenant_id: UUID, object_id: UUID) -> None:
    """Look the account up: nobody is linked to one that they could not sign in with."""
    with plain_microsoft_errors():
        account = graph.user(str(tenant_id), str(object_id))
    if account is None:
        raise CommandError(Problem.ACCOUNT_MISSING, object_id=object_id)
    if account.is_guest:
        raise CommandError(Problem.ACCOUNT_IS_GUEST, object_id=object_id)
    if not account.enabled:
        raise CommandError(Problem.ACCOUNT_IS_DISABLED, object_id=object_id)


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise UsageError(Problem.REASON_MISSING)


def _user(session: Session, organisation: Organisation, address: str) -> decisions.UserToDecide:
    check_known(address)
    user = decisions.user_to_decide(session, organisation.id, address_key(address))
    if user is None:
        raise CommandError(Problem.UNKNOWN_USER, slug=organisation.slug, address=address)
    return user

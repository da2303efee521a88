"""What customer success decides about single users: link, exclude, include."""

from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import Session

from commands.addresses import check_known
from commands.errors import CommandError, UsageError, plain_database_errors, plain_microsoft_errors
from commands.lookups import known_staff, organisation_named
from contracts.addresses import address_key
from contracts.clock import wall_clock
from contracts.directory import DecisionEffect
from contracts.go_live import Wait
from contracts.problems import Problem
from database.engine import open_sessions
from database.go_live import records
from database.models import GoLive, Organisation
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
) -> DecisionEffect:
    """Decide that a user is this account of the directory, and return when that counts.

    It counts from the next plan on; where the user is linked already, at once: that is the way
    back in for somebody whose account was deleted and made anew.

    Raises:
        CommandError: no such user; or they are linked and the account does not fit.
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
    _must_fit(graph, user.linked_tenant_id, identity)
    return _relink(engine, by, slug, address, identity, reason)


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
    engine: Engine, by: str, slug: str, address: str, object_id: UUID, reason: str
) -> DecisionEffect:
    """Put another account in the place of the one that a user is linked to."""
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        organisation = organisation_named(session, slug)
        go_live = records.open_go_live(session, organisation.id)
        if go_live is not None:
            plans.lock_moves(session, go_live.id)
        user = _user(session, organisation, address)
        try:
            linked = decisions.replace_link(
                session, user.user_id, object_id, go_live.id if go_live else None, wall_clock()
            )
        except decisions.AccountTakenError:
            raise CommandError(Problem.ACCOUNT_TAKEN) from None
        if not linked:
            raise CommandError(Problem.MOVED_BACK, address=address)
        # So that whoever is rolled back and moved again gets the account that is there.
        _record(session, by, organisation, go_live, user, "relink_user", "link", object_id, reason)
    return DecisionEffect.AT_ONCE


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
) -> None:
    """Record a decision, and in the audit trail who took it and why."""
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

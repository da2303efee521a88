"""The address of a member of our staff, changed by an order of its own."""

from uuid import uuid4

import pytest

from commands.errors import CommandError, UnavailableError, UsageError
from commands.staff_addresses import AddressChange, change
from contracts.problems import Problem
from mail.mailer import SmtpMailer
from tests.cluster import STAFF, Cluster, Organisation


@pytest.fixture
def organisation(cluster: Cluster) -> Organisation:
    """One that somebody of ours looks after who looks after nothing else."""
    cluster.create_organisation()  # Dana's, who gives the orders.
    name = f"m{uuid4().hex[:12]}"
    return cluster.create_organisation(
        customer_success_email=f"{name}@clientshare.example", customer_success_handle=name
    )


@pytest.fixture
def handle(cluster: Cluster, organisation: Organisation) -> str:
    rows = cluster.rows(
        "SELECT s.handle FROM golive.staff s JOIN golive.preference p ON p.owner_id = s.id "
        "JOIN pulse.organisation o ON o.id = p.organisation_id WHERE o.slug = :slug",
        slug=organisation.slug,
    )
    return str(rows[0].handle)


def changed(
    cluster: Cluster, handle: str, address: str, mailer: SmtpMailer | None = None, reason: str = "x"
) -> AddressChange:
    return change(
        cluster.engine,
        mailer or cluster.dependencies.mailer,
        cluster.dependencies.branding,
        cluster.settings.mail_from,
        by=STAFF,
        handle=handle,
        address=address,
        reason=reason,
    )


def address_of(cluster: Cluster, handle: str) -> str:
    rows = cluster.rows("SELECT address FROM golive.staff WHERE handle = :h", h=handle)
    return str(rows[0].address)


async def test_the_old_address_is_told_and_the_change_is_audited(
    cluster: Cluster, organisation: Organisation, handle: str
) -> None:
    old, new = f"{handle}@clientshare.example", f"{handle}@new.example"
    assert changed(cluster, handle, new, reason="Married.") == AddressChange(old, True)
    assert address_of(cluster, handle) == new
    assert f"go to {new} from now on" in organisation.newest_mail_to(old)
    trail = cluster.rows(
        "SELECT a.actor, a.reason FROM golive.audit_entry a JOIN golive.staff s "
        "ON a.subject = 'staff:' || s.id WHERE s.handle = :h "
        "AND a.action = 'staff_address_changed'",
        h=handle,
    )
    assert trail == [(STAFF, "Married.")]


async def test_nothing_changes_where_the_old_address_cannot_be_told(
    cluster: Cluster, handle: str
) -> None:
    with (
        SmtpMailer("smtp://127.0.0.1:9") as away,
        pytest.raises(UnavailableError, match=Problem.OLD_ADDRESS_NOT_TOLD),
    ):
        changed(cluster, handle, f"{handle}@new.example", away)
    assert address_of(cluster, handle) == f"{handle}@clientshare.example"


async def test_an_old_address_that_is_gone_holds_nobody_up(cluster: Cluster, handle: str) -> None:
    old = f"{handle}@clientshare.example"
    cluster.mail_faults(reject=old, code=550)
    try:
        assert changed(cluster, handle, f"{handle}@new.example") == AddressChange(old, False)
    finally:
        cluster.mail_faults()


async def test_what_cannot_be_is_refused(cluster: Cluster, handle: str) -> None:
    with pytest.raises(CommandError) as taken:
        changed(cluster, handle, "dana@clientshare.example")
    assert taken.value.problem is Problem.STAFF_ADDRESS_TAKEN
    with pytest.raises(UsageError, match=Problem.ADDRESS_AT_FAULT):
        changed(cluster, handle, "\u200bm@new.example")
    with pytest.raises(UsageError) as unknown:
        changed(cluster, "nobody", "m@new.example")
    assert unknown.value.problem is Problem.UNKNOWN_SUCCESSOR
    with pytest.raises(UsageError) as unsaid:
        changed(cluster, handle, "m@new.example", reason=" ")
    assert unsaid.value.problem is Problem.REASON_MISSING

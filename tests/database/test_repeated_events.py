"""What outsiders repeat without end is a few lines and a count, in audit trail and digest."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import Session, col, select

from contracts import rules
from contracts.go_live import Refusal
from contracts.links import LinkPurpose, LinkSigner
from database.go_live import records, repeated_events
from database.go_live.repeated_events import MOST_NETWORKS, WINDOW, WRITTEN_EACH
from database.links import hand_off
from database.mail import digests
from database.models import AuditEntry, PersonalLink
from tests.database import customers
from tests.database.customers import AT, Customer

SECOND = timedelta(seconds=1)


@pytest.fixture
def customer(session: Session) -> Customer:
    return customers.customer(session)


def refuse(customer: Customer, times: int, *, network: str = "203.0.113.7", **more: object) -> None:
    go_live = records.go_live_by_id(customer.session, customer.go_live_id)
    told = {"go_live": go_live, "reason": Refusal.DECLINED, **more}
    for _ in range(times):
        repeated_events.write_repeated(
            customer.session, AT, "consent_refused", network=network, **told
        )


def entries(session: Session, go_live_id: UUID | None) -> list[AuditEntry]:
    return list(
        session.exec(
            select(AuditEntry)
            .where(AuditEntry.go_live_id == go_live_id, AuditEntry.action == "consent_refused")
            .order_by(col(AuditEntry.id))
        )
    )


def test_two_thousand_of_one_network_are_a_few_lines_and_one_count(
    session: Session, customer: Customer
) -> None:
    refuse(customer, 2_005)
    assert [one.times for one in entries(session, customer.go_live_id)] == [None] * WRITTEN_EACH
    repeated_events.close_windows(session, AT + WINDOW - SECOND)
    assert len(entries(session, customer.go_live_id)) == WRITTEN_EACH
    repeated_events.close_windows(session, AT + WINDOW)
    *_, last = entries(session, customer.go_live_id)
    assert (last.times, last.since, last.reason) == (2_005 - WRITTEN_EACH, AT, Refusal.DECLINED)
    repeated_events.close_windows(session, AT + 2 * WINDOW)
    assert len(entries(session, customer.go_live_id)) == WRITTEN_EACH + 1
    refuse(customer, 1)
    assert entries(session, customer.go_live_id)[-1].times is None


def test_very_many_networks_are_counted_together(session: Session, customer: Customer) -> None:
    for number in range(500):
        refuse(customer, 1, network=f"198.51.{number // 250}.{number % 250}")
    written = MOST_NETWORKS + WRITTEN_EACH
    assert len(entries(session, customer.go_live_id)) == written
    repeated_events.close_windows(session, AT + WINDOW)
    *_, last = entries(session, customer.go_live_id)
    assert last.times == 500 - written


def test_nothing_hides_what_another_go_live_or_another_reason_is_told(
    session: Session, customer: Customer
) -> None:
    refuse(customer, 50)
    refuse(customer, 1, reason=Refusal.GUEST)
    refuse(customer, 1, go_live=None)
    assert entries(session, customer.go_live_id)[-1].reason == Refusal.GUEST
    assert len(entries(session, None)) == 1


def test_a_digest_has_one_line_for_all_of_a_kind(session: Session, customer: Customer) -> None:
    refuse(customer, 2_005)
    repeated_events.close_windows(session, AT + WINDOW)
    at = AT + WINDOW + SECOND
    (news,) = digests.news_of(session, [customer.go_live_id], AT - SECOND, at).values()
    assert [(one.action, one.times) for one in news] == [("consent_refused", 2_005)]


def test_a_link_is_handed_on_a_few_times_a_day(session: Session, customer: Customer) -> None:
    signer = LinkSigner((b"k" * 32,))
    link = customer.consent_link()
    for _ in range(rules.MOST_HAND_OFFS_A_DAY):
        token = signer.token(LinkPurpose(link.purpose), link.id, link.version)
        new = hand_off.hand_off(session, signer, token, AT)
        assert isinstance(new, PersonalLink)
        link = new
    token = signer.token(LinkPurpose.HAND_OFF, link.id, link.version)
    with pytest.raises(hand_off.TooManyHandOffsError):
        hand_off.hand_off(session, signer, token, AT + SECOND)
    assert isinstance(
        hand_off.hand_off(session, signer, token, AT + timedelta(days=1)), PersonalLink
    )

"""A manager alone cannot make herself a user who signs in; and nobody is relinked in silence."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from commands import user_decisions
from commands.errors import CommandError, ToBeConfirmedError, UsageError
from contracts.digests import DigestRound, DigestsSent
from contracts.directory import DecisionEffect
from contracts.go_live import GO_LIVE_QUEUE
from contracts.orders import Role
from contracts.problems import Problem
from local import loopback
from tests.attacks.test_staff_roles import console
from tests.bounds import LONGEST_WAIT
from tests.cluster import STAFF, Cluster, Organisation
from workflows.staff_digest import StaffDigest

SECOND = "omar"


class Relinked:
    """Anna of an organisation whose users have moved, and the account of a stranger there."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation, self.cluster = organisation, organisation.cluster
        self.own = self.account()
        (stranger,) = [one for one in organisation.people if one.name == "stranger"]
        self.strangers = UUID(stranger.object_id)

    def account(self) -> UUID:
        found = self.organisation.user("anna")["object_id"]
        assert isinstance(found, UUID)
        return found

    def has_signed_in(self, signed_in: bool) -> None:
        self.cluster.rows(
            "UPDATE pulse.app_user SET first_sso_sign_in_at = :at WHERE address = :address",
            at=datetime.now(UTC) if signed_in else None,
            address=self.organisation.address("anna"),
        )

    def link(self, to: UUID, order_id: UUID | None = None, by: str = STAFF) -> DecisionEffect:
        return user_decisions.link(
            self.cluster.engine,
            self.cluster.dependencies.graph,
            by,
            self.organisation.slug,
            self.organisation.address("anna"),
            str(to),
            "Asked by phone.",
            order_id=order_id,
        )

    def confirm(self, order_id: UUID, by: str = SECOND) -> None:
        user_decisions.confirm_link(
            self.cluster.engine,
            self.cluster.dependencies.graph,
            by,
            self.organisation.slug,
            order_id,
        )

    def told(self) -> list[tuple[str, str, str]]:
        """Who is told of a replaced account, and whether that is sent."""
        return sorted(one for one in self.organisation.mails() if one[0].startswith("account_"))

    def trail(self) -> list[tuple[str, str, str]]:
        return [one for one in self.organisation.audit() if "relink" in one[1]]

    def to_be_told(self, state: str) -> list[tuple[str, str, str]]:
        organisation, notice = self.organisation, "account_replaced_notice"
        return sorted(
            [
                ("account_replaced", organisation.address("anna"), state),
                (notice, organisation.contact, state),
                (notice, organisation.second_contact, state),
                (notice, f"{STAFF}@clientshare.example", state),
            ]
        )


@pytest_asyncio.fixture
async def relinked(moved: Organisation) -> AsyncIterator[Relinked]:
    """As it was before the test, when it is over."""
    moved.cluster.create_organisation(
        customer_success_handle=SECOND, customer_success_email=f"{SECOND}@clientshare.example"
    )
    before = Relinked(moved)
    await asyncio.to_thread(_forget_what_was_told, before)
    yield before
    before.has_signed_in(False)
    moved.cluster.rows(
        "UPDATE golive.directory_link SET object_id = :own WHERE user_id = :user",
        own=before.own,
        user=moved.user("anna")["id"],
    )


def _forget_what_was_told(before: Relinked) -> None:
    before.cluster.rows("DELETE FROM golive.mail WHERE message LIKE 'account_replaced%'")


async def a_round(cluster: Cluster) -> DigestsSent:
    """The hourly round, on a day on which nobody gets a digest."""
    at = datetime.now(UTC)
    saturday = at + timedelta(days=5 - at.weekday() + 7)
    return await asyncio.wait_for(
        cluster.client.execute_workflow(
            StaffDigest.run,
            DigestRound(saturday),
            id=f"digest-{uuid4()}",
            task_queue=GO_LIVE_QUEUE,
        ),
        LONGEST_WAIT,
    )


async def test_whoever_has_signed_in_is_relinked_by_two_people_only(relinked: Relinked) -> None:
    relinked.has_signed_in(True)
    order_id = uuid4()

    def attack() -> None:
        for _ in range(3):
            with pytest.raises(ToBeConfirmedError):
                relinked.link(relinked.strangers, order_id)
        with pytest.raises(CommandError, match=Problem.OWN_ORDER):
            relinked.confirm(order_id, STAFF)
        with pytest.raises(UsageError, match=Problem.ID_OF_ANOTHER_ORDER):
            relinked.link(relinked.strangers, order_id, by=SECOND)

    await asyncio.to_thread(attack)
    assert relinked.account() == relinked.own
    assert relinked.told() == []
    asked = (STAFF, "relink_user_requested", "Asked by phone.")
    assert relinked.trail()[-1] == asked
    for _ in range(2):
        await asyncio.to_thread(relinked.confirm, order_id)
    assert relinked.account() == relinked.strangers
    assert await asyncio.to_thread(relinked.link, relinked.strangers, order_id)
    assert relinked.trail()[-3:] == [
        asked,
        (SECOND, "relink_user_confirmed", ""),
        (STAFF, "relink_user", "Asked by phone."),
    ]
    assert relinked.told() == relinked.to_be_told("queued")


async def test_whoever_never_signed_in_is_relinked_by_one_and_all_are_told_within_the_hour(
    relinked: Relinked,
) -> None:
    await asyncio.to_thread(relinked.link, relinked.strangers)
    assert relinked.account() == relinked.strangers
    assert not (await a_round(relinked.cluster)).undelivered
    assert relinked.told() == relinked.to_be_told("sent")

    def read(to: str) -> str:
        mailbox = relinked.cluster.endpoints.mailbox
        found: list[dict[str, Any]] = loopback.get(
            f"{mailbox}/api/messages", params={"to": to, "limit": 200}, timeout=LONGEST_WAIT
        ).json()
        newest = max(int(str(one["id"])) for one in found if "another Microsoft" in one["subject"])
        text = loopback.get(f"{mailbox}/api/messages/{newest}", timeout=LONGEST_WAIT).json()["text"]
        return " ".join(str(text).split())

    organisation = relinked.organisation
    address = organisation.address("anna")
    assert f"we linked your account {address}" in await asyncio.to_thread(read, address)
    it = await asyncio.to_thread(read, organisation.contact)
    assert "customer success linked" in it
    assert f"({address})" in it
    assert "Asked by phone." not in it
    ours = await asyncio.to_thread(read, f"{STAFF}@clientshare.example")
    assert f"{STAFF} linked" in ours


async def test_a_request_that_nobody_confirms_ends_after_an_hour(relinked: Relinked) -> None:
    relinked.has_signed_in(True)
    order_id = uuid4()
    with pytest.raises(ToBeConfirmedError):
        await asyncio.to_thread(relinked.link, relinked.strangers, order_id)
    relinked.cluster.rows(
        "UPDATE golive.order_request SET requested_at = requested_at - interval '1 hour' "
        "WHERE id = :id",
        id=order_id,
    )
    with pytest.raises(CommandError, match=Problem.CONFIRMED_TOO_LATE):
        await asyncio.to_thread(relinked.confirm, order_id)
    assert relinked.account() == relinked.own


async def test_the_console_asks_for_a_second_person_and_shows_what_about(
    relinked: Relinked,
) -> None:
    relinked.has_signed_in(True)
    organisation = relinked.organisation
    user = organisation.user("anna")["id"]

    def come() -> None:
        with console(relinked.cluster, Role.LEAD) as (http, form):
            page = f"/console/{organisation.slug}/users/{user}"
            form |= {
                "object_id": str(relinked.strangers),
                "reason": "So.",
                "order_id": str(uuid4()),
            }
            for _ in range(2):
                answer = http.post(f"{page}/link", data=form)
                assert "Another member of staff confirms it within an hour" in answer.text
            shown = http.get(f"/console/{organisation.slug}").text
            assert shown.count(f"is to sign in with the account {relinked.strangers}") == 1
            assert "The reason given: So." in shown
            refused = http.post(
                f"/console/{organisation.slug}/requests/{form['order_id']}/confirm", data=form
            )
            assert refused.status_code == 409
            assert "You gave this order yourself" in refused.text

    await asyncio.to_thread(come)
    assert relinked.account() == relinked.own

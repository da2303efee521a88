"""The checker notices: whatever is planted into a go-live that went well is found."""

import base64
import copy
import json
from collections import Counter
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from tests.chaos import checker
from tests.chaos.__main__ import ENOUGH, KEPT, PASSING, report_of
from tests.chaos.audit_trail import ActionLog
from tests.chaos.checker import Delivery, Found, Moment
from tests.chaos.plan import LINE_FAULTS, OUTAGES, make_plan
from tests.chaos.planted_faults import differences, mails, planted
from tests.cluster import ROOT, Cluster, Organisation

OF_THE_USERS = (
    "(SELECT u.id FROM pulse.app_user u JOIN pulse.organisation o ON o.id = u.organisation_id "
    "WHERE o.slug = %(slug)s AND u.address LIKE 'ben@%%')"
)
OF_THE_GO_LIVE = (
    "(SELECT g.id FROM golive.go_live g JOIN pulse.organisation o ON o.id = g.organisation_id "
    "WHERE o.slug = %(slug)s)"
)


def broken_rules(organisation: Organisation, database: psycopg.Connection[Any]) -> list[str]:
    found = Found()
    checker.check_rules(database, found)
    return [line for line in found.wrong if line.startswith(f"{organisation.slug}:")]


async def test_two_that_went_well_are_the_same(cluster: Cluster, alike: list[Organisation]) -> None:
    with planted(cluster) as database:
        assert differences(cluster, alike, database).everything == []
        assert broken_rules(alike[1], database) == []
        picture = checker.picture(database, alike[1].slug, mails(cluster), ActionLog())
    kinds = Counter(line.split()[0] for line in picture.elements())
    assert kinds["user"] == 3
    assert kinds["mail"] >= 8
    assert kinds["ledger"] == kinds["mail"]
    assert kinds["stage"] == 5


@pytest.mark.parametrize(
    ("lost", "named"),
    [
        (f"DELETE FROM golive.mail WHERE recipient_id = {OF_THE_USERS}", "ledger sign_in_with_sso"),
        (f"DELETE FROM golive.directory_link WHERE user_id = {OF_THE_USERS}", "linked True"),
        (f"UPDATE pulse.app_user SET sign_in_method = 'password' WHERE id = {OF_THE_USERS}", "sso"),
        (f"UPDATE golive.go_live SET outcome = 'CANCELLED' WHERE id = {OF_THE_GO_LIVE}", "LIVE"),
    ],
)
async def test_a_planted_loss_is_found(
    cluster: Cluster, alike: list[Organisation], lost: str, named: str
) -> None:
    with planted(cluster, lost, slug=alike[1].slug) as database:
        found = differences(cluster, alike, database).lost
    assert any(named in line for line in found), found


async def test_a_mail_that_never_arrived_is_found(
    cluster: Cluster, alike: list[Organisation]
) -> None:
    all_mails = mails(cluster)
    without = [one for one in all_mails if one.recipient != alike[1].address("ben")]
    found = Found()
    with planted(cluster) as database:
        first = checker.picture(database, alike[0].slug, all_mails, ActionLog())
        second = checker.picture(database, alike[1].slug, without, ActionLog())
    checker.compare(alike[1].slug, second, first, found)
    assert [line for line in found.lost if "mail to ben" in line]


async def test_a_planted_double_is_found(cluster: Cluster, alike: list[Organisation]) -> None:
    double = (
        "INSERT INTO golive.mail (id, go_live_id, message, idempotency_key, recipient_kind, "
        "recipient_id, due_at, state, attempts, message_id) "
        "SELECT gen_random_uuid(), go_live_id, message, 'again', "
        "recipient_kind, recipient_id, due_at, state, attempts, '<another@us.example>' "
        f"FROM golive.mail WHERE recipient_id = {OF_THE_USERS}"
    )
    with planted(cluster, double, slug=alike[1].slug) as database:
        found = differences(cluster, alike, database)
        assert any("ledger sign_in_with_sso to ben" in line for line in found.doubled)
        assert any("two ledger rows" in line for line in broken_rules(alike[1], database))
    all_mails = mails(cluster)
    last = next(one for one in all_mails if one.recipient == alike[1].address("ben"))
    found = Found()
    with planted(cluster) as database:
        first = checker.picture(database, alike[0].slug, all_mails, ActionLog())
        twice = [*all_mails, replace(last, message_id="<another@us.example>")]
        second = checker.picture(database, alike[1].slug, twice, ActionLog())
    checker.compare(alike[1].slug, second, first, found)
    assert [line for line in found.doubled if "mail to ben" in line]


@pytest.mark.parametrize(("reminders", "doubled"), [(1, False), (2, True)])
async def test_one_reminder_of_a_day_too_far_is_no_fault_and_a_second_is(
    cluster: Cluster, alike: list[Organisation], reminders: int, *, doubled: bool
) -> None:
    reminded = (
        "INSERT INTO golive.mail (id, go_live_id, message, idempotency_key, recipient_kind, "
        "recipient_id, due_at, state, attempts, message_id) "
        "SELECT gen_random_uuid(), g.id, 'pilot_waiting', n::text, 'staff', s.id, now(), 'sent', "
        "1, '<' || n || '@us.example>' FROM golive.go_live g "
        "JOIN pulse.organisation o ON o.id = g.organisation_id, golive.staff s, "
        "generate_series(1, %(reminders)s) n WHERE o.slug = %(slug)s AND s.handle = 'dana'"
    )
    slug = alike[1].slug
    with planted(cluster, reminded, slug=slug, reminders=reminders) as database:
        found = differences(cluster, alike, database).doubled
    assert [("ledger pilot_waiting to dana" in line) for line in found] == [True] * doubled


async def test_a_run_across_midnight_finds_no_fault_in_another_date(
    cluster: Cluster, alike: list[Organisation]
) -> None:
    found, slug = Found(), alike[1].slug
    dated = [
        Delivery(1, f"ben@{slug}.example", "<1@us.example>", f"{slug.title()} moves on {day}", 1.0)
        for day in ("Wed 25 Nov 2026, 09:00 GMT", "Thu 26 Nov 2026, 09:00 GMT")
    ]
    with planted(cluster) as database:
        before, after = (checker.picture(database, slug, [one], ActionLog()) for one in dated)
    checker.compare(slug, after, before, found)
    assert found.everything == []


async def test_a_mail_delivered_again_needs_a_reason() -> None:
    first = Delivery(1, "ben@x.example", "<1@us.example>", "Hello", 100.0)
    again = replace(first, number=2, at=130.0)
    for cut, moments, doubled in (
        ((), (), 1),
        ((1,), (), 0),
        ((), (Moment(100.4, 100.6, 4),), 0),
        ((), (Moment(100.6, 100.7, 4),), 1),
        ((), (Moment(100.4, 100.6, 0),), 1),
        ((2,), (Moment(90.0, 99.0, 4),), 1),
    ):
        found = Found()
        checker.check_deliveries([first, again], cut, moments, found)
        assert (len(found.doubled), found.repeated_deliveries) == (doubled, 1 - doubled)


async def test_a_kill_excuses_no_more_mails_than_a_worker_has_on_their_way() -> None:
    """Code that sends everything twice must not hide behind the kills."""
    once = [
        Delivery(number, "ben@x.example", f"<{number}@us.example>", "Hello", 100.0 + number / 100)
        for number in range(20)
    ]
    again = [replace(one, number=100 + one.number, at=one.at + 5) for one in once]
    found = Found()
    kills = (Moment(100.1, 100.2, 4), Moment(100.15, 100.3, 4))
    checker.check_deliveries([*once, *again], (), kills, found)
    assert (found.repeated_deliveries, len(found.doubled)) == (8, 12)
    assert 0.05 < found.excused_share < 0.07


@pytest.mark.parametrize(
    ("plant", "named"),
    [
        (
            "INSERT INTO pulse.app_session (token_sha256, user_id, method, started_at, expires_at) "
            f"VALUES ('planted', {OF_THE_USERS}, 'password', '2026-01-01Z', '2100-01-01Z')",
            "session that a move should have ended",
        ),
        (
            "UPDATE golive.stage_time SET started_at = started_at - interval '1 hour' "
            f"WHERE go_live_id = {OF_THE_GO_LIVE} AND stage = 'users_migrated'",
            "before the one before it was over",
        ),
        (
            "INSERT INTO golive.directory_entry (go_live_id, page, line, object_id, is_guest, "
            "is_external, enabled, is_person, address_keys, sign_in_name) VALUES "
            f"({OF_THE_GO_LIVE}, 1, 1, gen_random_uuid(), false, false, true, true, '{{}}', '')",
            "copy of the directory",
        ),
        (
            "UPDATE golive.mail SET state = 'queued' "
            f"WHERE go_live_id = {OF_THE_GO_LIVE} AND message = 'result'",
            "lies undelivered",
        ),
        (
            "INSERT INTO golive.outbox (go_live_id, signal, argument, enqueued_at) "
            f"VALUES ({OF_THE_GO_LIVE}, 'user_signed_in', '{{}}', '2026-01-01Z')",
            "never relayed",
        ),
        (
            f"UPDATE golive.user_move SET moved_at = NULL WHERE user_id = {OF_THE_USERS}",
            "older than their move",
        ),
    ],
)
async def test_what_must_never_be_is_found(
    cluster: Cluster, alike: list[Organisation], plant: str, named: str
) -> None:
    with planted(cluster, plant, slug=alike[1].slug) as database:
        wrong = broken_rules(alike[1], database)
    assert any(named in line for line in wrong), wrong


async def test_a_planted_early_move_is_found(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    early = (
        "INSERT INTO golive.audit_entry (at, actor, action, organisation_id, subject, reason) "
        "SELECT '2026-01-01Z', 'workflow', 'user_moved', id, 'user:x', '' "
        "FROM pulse.organisation WHERE slug = %(slug)s"
    )
    with planted(cluster, early, slug=organisation.slug) as database:
        assert any(
            "before the consent was proven" in line for line in broken_rules(organisation, database)
        )
    await organisation.handle.cancel()


async def test_a_history_out_of_order_is_found(alike: list[Organisation]) -> None:
    history = (await alike[0].handle.fetch_history()).to_json_dict()
    good, early, unproven, unended = (Found() for _ in range(4))
    checker.check_history("x", history, good)
    assert good.everything == []
    events = history["events"]

    def scheduled(name: str) -> int:
        return next(
            number
            for number, event in enumerate(events)
            if event.get("activityTaskScheduledEventAttributes", {})
            .get("activityType", {})
            .get("name")
            == name
        )

    moved = copy.deepcopy(history)
    moved["events"].insert(scheduled("verify_consent"), events[scheduled("move_wave")])
    checker.check_history("x", moved, early)
    assert any("move_wave was ordered before" in line for line in early.wrong)
    refused = copy.deepcopy(history)
    for event in refused["events"]:
        for payload in (
            event.get("activityTaskCompletedEventAttributes", {})
            .get("result", {})
            .get("payloads", [])
        ):
            said = base64.b64decode(payload.get("data", ""))
            denied = said.replace(b'"proven":true', b'"proven":false')
            payload["data"] = base64.b64encode(denied).decode()
    checker.check_history("x", refused, unproven)
    assert any("before verify_consent was done" in line for line in unproven.wrong), unproven
    checker.check_history("x", {"events": events[:-1]}, unended)
    assert unended.lost


def test_the_same_seed_decides_the_same_and_takes_every_part_away() -> None:
    plan = make_plan(7, 50)
    assert plan == make_plan(7, 50)
    assert plan != make_plan(8, 50)
    assert {step.outage for step in plan.steps} == {None, *OUTAGES}
    assert {step.line_fault for step in plan.steps} == {None, *LINE_FAULTS}
    assert len(plan.steps) == 50


def test_a_short_trial_leaves_the_figures_of_a_long_run_alone() -> None:
    assert report_of(10) == PASSING
    assert report_of(200) == KEPT
    figures = json.loads((ROOT / KEPT).read_text(encoding="utf-8"))
    assert figures["kills"] >= ENOUGH
    assert (figures["lost"], figures["doubled"], figures["wrong"]) == (0, 0, 0)

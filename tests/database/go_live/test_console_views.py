"""The list of the console: what comes first, what filters and search show, and its pages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from contracts.go_live import GoLiveOutcome, Wait
from database.go_live import console_views, records
from database.go_live.console_views import Listing, OrganisationFilter
from database.models import GoLive, Organisation, OrganisationDomain, Preference, Staff
from tests.database.query_plans import explained, most_rows_read

AT = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
State = dict[str, Any]


@pytest.fixture
def dana(session: Session) -> Staff:
    one = Staff(handle="dana", address="dana@us.example", address_key="dana@us.example")
    session.add(one)
    session.flush()
    return one


def found(session: Session, owner: Staff, name: str, *go_lives: State) -> None:
    """Make an organisation with these go-lives, the oldest first."""
    one = Organisation(slug=name, name=name.title())
    session.add(one)
    session.flush()
    session.add(Preference(organisation_id=one.id, owner_id=owner.id))
    session.add(OrganisationDomain(domain=f"{name}.test", organisation_id=one.id))
    for number, state in enumerate(go_lives, start=1):
        usual = {
            "stage": "admin_consent_awaited",
            "wait": Wait.ADMIN_CONSENT,
            "due_at": AT,
            "since": AT,
            "started_at": AT,
        }
        session.add(
            GoLive(organisation_id=one.id, owner_id=owner.id, number=number, **usual | state)
        )
        session.flush()


def listed(
    session: Session,
    search: str = "",
    show: OrganisationFilter = OrganisationFilter.ALL,
    page: int = 1,
) -> Listing:
    return console_views.listing(session, show=show, search=search, page=page)


def test_attention_comes_first_then_what_waits_on_us_then_by_due_date(
    session: Session, dana: Staff
) -> None:
    found(session, dana, "not-started")
    found(session, dana, "ended", {"closed_at": AT, "outcome": GoLiveOutcome.LIVE})
    found(session, dana, "in-two-days", {"due_at": AT + timedelta(days=2)})
    found(session, dana, "tomorrow", {"due_at": AT + timedelta(days=1)})
    found(session, dana, "approval", {"wait": Wait.APPROVAL, "due_at": None})
    found(session, dana, "declined", {"refusal": "declined", "due_at": AT + timedelta(days=3)})
    found(session, dana, "trouble", {"attention": "mail_refused", "due_at": AT + timedelta(days=9)})
    everyone = listed(session)
    assert [one.slug for one in everyone.rows] == [
        "trouble",
        "declined",
        "approval",
        "tomorrow",
        "in-two-days",
        "not-started",
        "ended",
    ]
    expected = {
        OrganisationFilter.ALL: 7,
        OrganisationFilter.ATTENTION: 1,
        OrganisationFilter.OURS: 3,
        OrganisationFilter.THEIRS: 2,
        OrganisationFilter.RUNNING: 5,
        OrganisationFilter.ENDED: 1,
        OrganisationFilter.NOT_STARTED: 1,
    }
    assert everyone.tally == expected
    assert {show: listed(session, show=show).matching for show in OrganisationFilter} == expected
    assert {
        show: listed(session, "o", show).matching
        for show in (OrganisationFilter.ATTENTION, OrganisationFilter.OURS)
    } == {
        OrganisationFilter.ATTENTION: 1,
        OrganisationFilter.OURS: 2,
    }


def test_a_search_finds_names_domains_and_managers_and_the_list_has_pages(
    session: Session, dana: Staff
) -> None:
    for number in range(console_views.PAGE_SIZE + 1):
        found(session, dana, f"one-{number}", {})
    first = listed(session, "ONE-")
    assert (len(first.rows), first.matching, first.pages) == (25, 26, 2)
    assert len(listed(session, "dana", page=2).rows) == 1
    # A page past the end is the first one.
    assert listed(session, page=9).page == 1
    (only,) = listed(session, "one-7.test").rows
    assert only.name == "One-7"
    assert listed(session, "%_").matching == 0


def test_of_several_go_lives_the_newest_is_listed(session: Session, dana: Staff) -> None:
    over = {"closed_at": AT, "outcome": GoLiveOutcome.ROLLED_BACK}
    found(session, dana, "once-more", over, over, {})
    found(session, dana, "given-up", over, over | {"outcome": GoLiveOutcome.CANCELLED})
    shown = {one.slug: one.progress for one in listed(session).rows}
    assert [(one.number, one.outcome) for one in shown.values() if one] == [
        (3, None),
        (2, GoLiveOutcome.CANCELLED),
    ]


def test_without_any_organisation_there_is_one_empty_page(session: Session) -> None:
    nothing = listed(session)
    assert (nothing.rows, nothing.matching, nothing.pages) == ([], 0, 1)


def test_the_audit_trail_is_found_behind_the_entries_of_any_number_of_moved_users(
    session: Session, dana: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(session, dana, "large", {})
    organisation = session.exec(select(Organisation)).one()
    for action, times in (("go_live_started", 1), ("user_moved", 20_000), ("paused", 1)):
        session.execute(
            text(
                "INSERT INTO golive.audit_entry (at, actor, action, organisation_id, subject, "
                "reason) SELECT :at, 'dana', :action, :o, '', '' FROM generate_series(1, :times)"
            ),
            {"at": AT, "action": action, "o": organisation.id, "times": times},
        )
    session.execute(text("ANALYZE golive.audit_entry"))

    seen = explained(session, monkeypatch)
    newest = console_views.audit_trail(session, organisation.id, 60)
    assert [one.action for one in newest] == ["paused", "go_live_started"]
    assert [most_rows_read(plan) for plan in seen.values()] == [2]
    assert len(console_views.audit_trail(session, organisation.id, 60, every=True)) == 60


def test_refused_sign_ins_are_counted_by_reason_and_show_microsofts_ids(
    session: Session, dana: Staff
) -> None:
    found(session, dana, "acme")
    acme = session.exec(select(Organisation).where(Organisation.slug == "acme")).one().id
    ids = "AADSTS50105 trace:7c839d05-4806-48f2-ba40-bf4128382500"
    for days, reason, subject in (
        (0, "not_assigned", ids),
        (1, "not_assigned", ""),
        (2, "cancelled", ""),
        (9, "failed", ""),
    ):
        at = AT - timedelta(days=days)
        records.write_audit(
            session, at, "system", "sign_in_refused",
            organisation_id=acme, subject=subject, reason=reason,
        )  # fmt: skip
    counted = console_views.refused_sign_ins(session, acme, AT - timedelta(days=7))
    assert counted == [("not_assigned", 2), ("cancelled", 1)]
    trail = console_views.audit_trail(session, acme, 10)
    assert [entry.subject for entry in trail] == ["", "", "", ids]

"""Undo: from every place, everything an organisation had before is there again."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from activities import directory
from commands import standings
from contracts.go_live import GoLiveOutcome, Wait
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation
from tests.workflows.driver import MEMBERS, PLACES, bring_to, new_organisation

TABLES = {
    "organisation": "SELECT * FROM pulse.organisation WHERE id = :o",
    "domains": "SELECT * FROM pulse.organisation_domain WHERE organisation_id = :o ORDER BY domain",
    "agreement": "SELECT * FROM pulse.agreement WHERE organisation_id = :o",
    "users": "SELECT * FROM pulse.app_user WHERE organisation_id = :o ORDER BY id",
    "passwords": """
        SELECT p.* FROM pulse.password p JOIN pulse.app_user u ON u.id = p.user_id
        WHERE u.organisation_id = :o ORDER BY p.user_id
    """,
    "preference": "SELECT * FROM golive.preference WHERE organisation_id = :o",
    "contacts": "SELECT * FROM golive.contact WHERE organisation_id = :o ORDER BY id",
    "connection": "SELECT * FROM golive.sso_connection WHERE organisation_id = :o",
    "verified": "SELECT * FROM golive.verified_domain WHERE organisation_id = :o ORDER BY domain",
    "links": """
        SELECT l.* FROM golive.directory_link l JOIN pulse.app_user u ON u.id = l.user_id
        WHERE u.organisation_id = :o ORDER BY l.user_id
    """,
    "staging": """
        SELECT e.* FROM golive.directory_entry e JOIN golive.go_live g ON g.id = e.go_live_id
        WHERE g.organisation_id = :o
    """,
}
"""Every table that people sign in by. What may differ is not here: the go-live's own record,
the audit trail, the ledger, ended sessions and revoked links."""


@pytest.mark.parametrize("cancelled", [False, True], ids=["rolled back", "cancelled"])
@pytest.mark.parametrize("place", PLACES)
async def test_undo_from_every_place_restores_every_row(
    cluster: Cluster, place: Wait, *, cancelled: bool
) -> None:
    organisation = new_organisation(cluster)
    await _set_passwords(organisation)
    before = _everything(organisation)
    await bring_to(organisation, place)
    if cancelled:
        await organisation.handle.cancel()
    else:
        await cluster.orders().roll_back(organisation.slug, "The customer asked to move later.")
    result = await organisation.ended()
    cluster.control("DELETE", "/propagation")
    wanted = GoLiveOutcome.CANCELLED if cancelled else GoLiveOutcome.ROLLED_BACK
    assert result.outcome is wanted
    assert _everything(organisation) == before
    _no_link_works(organisation)
    told = {address for _, address, _ in organisation.mails("roll_back_notice")}
    staff = {"dana@clientshare.example"}
    contacts = {organisation.contact, organisation.second_contact}
    assert told == (staff if place is Wait.ENTITLEMENT else staff | contacts)
    moved = place in {Wait.FIRST_SIGN_IN, Wait.AFTERCARE}
    assert bool(organisation.mails("roll_back_user")) is moved


async def test_an_undo_that_is_interrupted_between_two_batches_goes_on_where_it_was(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database refuses the third batch twice; what was undone before stays undone."""
    organisation = new_organisation(cluster)
    before = _everything(organisation)
    await bring_to(organisation, Wait.AFTERCARE)
    monkeypatch.setattr(directory, "BATCH_SIZE", 2)
    with _failing_at(cluster, *_users_of(organisation), (3, 4)):
        await asyncio.gather(
            cluster.orders().roll_back(organisation.slug, "Enough."),
            cluster.orders().roll_back(organisation.slug, "Enough, says someone else."),
            return_exceptions=True,
        )
        assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK
    assert _everything(organisation) == before
    assert len(organisation.mails("roll_back_user")) == 7
    undone = [
        subject for _, action, subject in organisation.audit() if action == "user_move_undone"
    ]
    assert len(undone) == 8


async def test_mail_that_is_not_sent_is_taken_back_in_batches_that_may_be_interrupted(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database refuses the second batch twice; only what the undo says goes out."""
    organisation = new_organisation(cluster)
    await bring_to(organisation, Wait.AFTERCARE)
    unsent = "m.state = 'sent' AND m.message IN ('sign_in_with_sso', 'invitation')"
    of_it = "FROM golive.go_live g WHERE g.id = m.go_live_id AND g.organisation_id = :o"
    o = organisation.standing().organisation_id
    cluster.rows(f"UPDATE golive.mail m SET state = 'queued' {of_it} AND {unsent}", o=o)
    monkeypatch.setattr(directory, "BATCH_SIZE", 2)
    ours = f"state = 'withdrawn' AND go_live_id = '{organisation.standing().go_live_id}'"
    with _failing_at(cluster, "golive.mail", ours, (2, 3)) as counted:
        await cluster.orders().roll_back(organisation.slug, "Enough.")
        assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK
        assert counted() == 6, "four batches of two, and two that were refused"
    left = [
        (message, state)
        for message in ("sign_in_with_sso", "invitation", "roll_back_user")
        for _, _, state in organisation.mails(message)
    ]
    assert Counter(left) == {
        ("sign_in_with_sso", "withdrawn"): 7,
        ("invitation", "withdrawn"): 1,
        ("roll_back_user", "sent"): 7,
    }


async def test_while_it_is_undone_everyone_who_looks_is_told_so(cluster: Cluster) -> None:
    organisation = new_organisation(cluster)
    await bring_to(organisation, Wait.AFTERCARE)
    with _failing_at(cluster, *_users_of(organisation), (1, 2)):
        await cluster.orders().roll_back(organisation.slug, "A change of mind.")
        seen = await organisation.until(lambda now: now.ending is GoLiveOutcome.ROLLED_BACK)
        assert (seen.wait, seen.due_at, seen.outcome) == (Wait.NOTHING, None, None)
        lines = dict(standings.five_lines(organisation.standing()))
        assert lines["Why"].startswith("It is being rolled back")
        told = await organisation.temporal_details()
        assert told.count("being put back") == 2
        assert lines["Why"] in told
        assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK
    assert dict(standings.five_lines(organisation.standing()))["Why"].startswith("Rolled back;")


@contextmanager
def _failing_at(
    cluster: Cluster, table: str, changes: str, batches: tuple[int, ...]
) -> Iterator[Callable[[], int]]:
    """Let the database refuse these batches of the undo, counted over all attempts.

    A batch is a statement after which a row of the table is so; how many there were is returned.
    """
    cluster.rows("CREATE SEQUENCE pulse.batch_of_undo")
    cluster.rows(
        f"""
        CREATE FUNCTION pulse.refuse_undo() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT FROM changed WHERE {changes})
               AND nextval('pulse.batch_of_undo') IN ({", ".join(map(str, batches))}) THEN
                RAISE EXCEPTION 'refused for the test';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    cluster.rows(
        f"""
        CREATE TRIGGER refuse_undo AFTER UPDATE ON {table}
        REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION pulse.refuse_undo()
        """
    )
    try:
        yield lambda: int(cluster.rows("SELECT last_value FROM pulse.batch_of_undo")[0][0])
    finally:
        cluster.rows(f"DROP TRIGGER refuse_undo ON {table}")
        cluster.rows("DROP FUNCTION pulse.refuse_undo")
        cluster.rows("DROP SEQUENCE pulse.batch_of_undo")


def _users_of(organisation: Organisation) -> tuple[str, str]:
    """The table and the rows that change when a user of this organisation moves back."""
    o = organisation.standing().organisation_id
    return "pulse.app_user", f"organisation_id = '{o}' AND sign_in_method = 'password'"


async def _set_passwords(organisation: Organisation) -> None:
    organisation.cluster.rows(
        """
        INSERT INTO pulse.password (user_id, argon2)
        SELECT id, 'a hash of ' || id FROM pulse.app_user WHERE organisation_id = :o
        """,
        o=organisation.standing().organisation_id,
    )


def _everything(organisation: Organisation) -> dict[str, list[tuple[Any, ...]]]:
    o = organisation.standing().organisation_id
    return {
        name: [tuple(row) for row in organisation.cluster.rows(statement, o=o)]
        for name, statement in TABLES.items()
    }


def _no_link_works(organisation: Organisation) -> None:
    rows = organisation.cluster.rows(
        """
        SELECT k.purpose FROM golive.personal_link k
        JOIN golive.go_live g ON g.id = k.go_live_id
        WHERE g.organisation_id = :o AND k.revoked_at IS NULL AND k.used_at IS NULL
        """,
        o=organisation.standing().organisation_id,
    )
    assert rows == []


OWNER = "dana@clientshare.example"
MOVED = [one.name for one in MEMBERS if one.status == "active" and one.in_directory]


async def test_with_the_relay_away_people_and_the_login_page_come_first(cluster: Cluster) -> None:
    """Everybody logs in as before, long before anybody can be told so."""
    organisation = new_organisation(cluster)
    before = _everything(organisation)
    await bring_to(organisation, Wait.AFTERCARE)
    for address in (OWNER, organisation.contact, *map(organisation.address, MOVED)):
        cluster.mail_faults(defer=address, code=451)
    try:
        await cluster.orders().roll_back(organisation.slug, "Enough.")
        async with asyncio.timeout(LONGEST_WAIT):
            while _everything(organisation) != before:
                await asyncio.sleep(0.1)
        assert organisation.progress.outcome is None
        assert "sent" not in {state for *_, state in organisation.mails("roll_back_user")}
    finally:
        cluster.mail_faults()
    assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK
    assert {state for *_, state in organisation.mails("roll_back_user")} == {"sent"}


async def test_nothing_is_undone_where_nothing_was_planned(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(sso_included="no")
    await organisation.start()
    await organisation.until(Wait.ENTITLEMENT)
    await cluster.orders().roll_back(organisation.slug, "Enough.")
    assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK
    history = await organisation.handle.fetch_history()
    done = {
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
    }
    assert "undo_moves" not in done
    assert "withdraw_sso" in done

"""Forgetting people: no table holds an address or a name of them afterwards; others stay."""

import asyncio
import json
from datetime import UTC, datetime
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import DatabaseError

from commands import erasure
from commands.errors import CommandError, UsageError
from contracts.go_live import Wait
from contracts.notices import Message
from contracts.orders import RELINK_USER
from contracts.problems import Problem
from database.engine import open_sessions
from database.go_live import order_requests, records
from database.moves import decisions
from local import queries
from local.histories import everything_kept, found_in
from tests.cluster import Cluster, Organisation, Person
from tests.shell import plain, run

REASON = "request 2026-117"


def everything_stored(cluster: Cluster) -> list[str]:
    """Every row of every table, as text."""
    tables = cluster.rows(
        "SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables "
        "WHERE table_schema IN ('pulse', 'golive') AND table_type = 'BASE TABLE'"
    )
    assert len(tables) > 25
    return [
        row.line
        for table in tables
        for row in cluster.rows(f"SELECT to_jsonb(t)::text AS line FROM {table.name} t")
    ]


def words_of(cluster: Cluster, organisation: Organisation) -> list[str]:
    """Every address and name of the organisation's people; staff of ours are not forgotten."""
    with open_sessions(cluster.engine).begin() as session:
        found = queries.personal_data(session, organisation.standing().organisation_id)
    staff = cluster.rows("SELECT address, name FROM golive.staff")
    own = [word for word in found if word not in {word for one in staff for word in one}]
    return own + [quote(word, safe="") for word in own if "@" in word]


async def typed(organisation: Organisation, text: str) -> None:
    await organisation.cluster.orders().pause(organisation.slug, text)
    await organisation.cluster.orders().resume(organisation.slug)


async def test_nothing_stored_names_anybody_of_a_forgotten_organisation(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(
        Person("zelda.zuckmayer"),
        Person("yorick.yellowbeard"),
        Person("xenia.xylander", status="invited"),
        Person("wanda.wexford", in_directory=False),
    )
    other = cluster.create_organisation(Person("still.here"))
    cluster.mail_faults(reject=organisation.second_contact, code=550)
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await typed(organisation, f"{organisation.address('zelda.zuckmayer')} asked Ira Tee to wait")
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    with pytest.raises(CommandError, match=Problem.STILL_OPEN):
        erasure.erase_people(cluster.engine, organisation.slug, None, "dana", REASON)
    await organisation.skip_to_due()
    await organisation.ended()
    words = words_of(cluster, organisation)
    assert {"Ira Tee", organisation.contact, organisation.address("wanda.wexford")} <= set(words)
    assert "Zelda.Zuckmayer" in found_in(everything_stored(cluster), words)
    assert organisation.administrator_id in json.dumps(organisation.audit())
    mails, audit = len(organisation.mails()), len(organisation.audit())

    said = plain(
        await run(cluster, "forget", organisation.slug, "--yes", "--reason", REASON, by="dana"), 0
    )
    assert "4 users and 2 contacts are forgotten; 1 typed texts are removed" in said
    assert "What remains:" in said
    assert "the administrator who consented" not in said
    names = [word for word in words if word not in {"Ira Tee", "Otto Tee"}]
    assert found_in(everything_stored(cluster), names) == []
    assert found_in(json.dumps(organisation.audit()).splitlines(), words) == []
    assert organisation.administrator_id not in json.dumps(organisation.audit())
    assert ("dana", "people_erased", REASON) in organisation.audit()
    assert (len(organisation.mails()), len(organisation.audit())) == (mails, audit + 1)
    assert organisation.standing().progress is not None
    _, kept = await everything_kept(cluster.client, organisation.handle.id)
    assert found_in(kept, names) == []
    assert other.user("still.here")["status"] == "active"

    again = plain(
        await run(cluster, "forget", organisation.slug, "--yes", "--reason", REASON, by="dana"), 0
    )
    assert "nothing was changed" in again
    assert len(organisation.audit()) == audit + 1
    cluster.import_organisation(organisation)
    assert organisation.user("zelda.zuckmayer")["status"] == "active"


async def test_one_person_is_forgotten_and_the_others_stay(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(
        Person("victor.vonnegut"), Person("ursula.underhill")
    )
    await organisation.go_live()
    address = organisation.address("victor.vonnegut")
    waiting = _something_waits_about(cluster, organisation, "victor.vonnegut")
    done = await asyncio.to_thread(
        erasure.erase_people, cluster.engine, organisation.slug, address.upper(), "dana", REASON
    )
    assert (done.users, done.contacts) == (1, 0)
    said = " ".join(erasure.lines(organisation.slug, address, done))
    assert "the administrator who consented, the number of their Microsoft account stays" in said
    assert found_in(everything_stored(cluster), [address, "Victor.Vonnegut"]) == []
    assert not cluster.rows("SELECT FROM golive.order_request WHERE id = :id", id=waiting)
    told = [one for one in organisation.mails() if one[0] == Message.ACCOUNT_REPLACED_NOTICE]
    assert {state for *_, state in told} == {"withdrawn"}
    await organisation.sign_in("ursula.underhill")


def _something_waits_about(cluster: Cluster, organisation: Organisation, name: str) -> UUID:
    """A link to another account that a second person could confirm, and mail about an earlier."""
    order_id, at = uuid4(), datetime.now(UTC)
    user_id = UUID(str(organisation.user(name)["id"]))
    argument = {"user_id": str(user_id), "object_id": str(uuid4())}
    with open_sessions(cluster.engine).begin() as session:
        organisation_id = organisation.standing().organisation_id
        go_live = records.latest_go_live(session, organisation_id)
        assert go_live is not None
        order_requests.record_request(
            session,
            go_live,
            order_id,
            order=RELINK_USER,
            argument=argument,
            by="dana",
            reason="",
            at=at,
        )
        entry = records.write_audit(
            session, at, "dana", RELINK_USER, go_live=go_live, subject=f"user:{user_id}"
        )
        decisions.tell_of_replaced_account(session, organisation_id, user_id, entry, at)
    return order_id


@pytest.mark.parametrize(
    ("reason", "problem"),
    [
        ("", Problem.REASON_MISSING),
        ("asked by a@b.example", Problem.REASON_NAMES_AN_ADDRESS),
        ("for IRA TEE", Problem.REASON_NAMES_SOMEBODY),
    ],
)
async def test_a_reason_is_needed_and_names_nobody(
    cluster: Cluster, reason: str, problem: Problem
) -> None:
    organisation = cluster.create_organisation()
    with pytest.raises(UsageError, match=problem):
        erasure.erase_people(cluster.engine, organisation.slug, None, "dana", reason)
    assert organisation.user("anna")["status"] == "active"


async def test_text_of_the_audit_trail_can_be_removed_and_never_rewritten(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    for change in ("reason = 'other'", "reason = '[removed]', actor = 'x'"):
        with pytest.raises(DatabaseError, match="append-only"):
            cluster.rows(
                "DO $$ BEGIN PERFORM set_config('golive.erasing', 'on', true); "
                f"UPDATE golive.audit_entry SET {change}; END $$"
            )
    await organisation.handle.cancel()

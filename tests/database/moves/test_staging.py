"""Copying a directory: by one reader at a time, whatever is taken for dead, slow or refused."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import Engine
from sqlmodel import Session
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import directory, heartbeats
from activities.staging import staged_entries
from contracts.directory import GoLiveRef, Snapshot
from contracts.errors import ErrorType
from database.engine import open_sessions
from database.moves import staging, waves
from graph.client import GraphClient
from graph.credentials import ClientSecret
from graph.directory import users_of
from graph.tokens import EntraClient
from graph.transport import open_http
from tests.bounds import LONGEST_WAIT
from tests.database.customers import AT, Customer, account, customer
from tests.graph.scripted import CLIENT_ID, Answer, Request, ScriptedMicrosoft, SteppedClock

PAGES = 4
Read = Callable[[int], Snapshot]
"""Runs one attempt of one order to read the directory."""


@pytest.fixture
def made(engine: Engine) -> Iterator[Customer]:
    """A customer that other connections see too."""
    with open_sessions(engine)() as session:
        made = customer(session, "acme.example")
        session.commit()
        yield made
        session.rollback()


@pytest.fixture
def microsoft() -> Iterator[ScriptedMicrosoft]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    server = ScriptedMicrosoft(key, SteppedClock())
    accounts = [account(f"user{number}@acme.example") for number in range(PAGES)]

    def page(request: Request) -> Answer:
        number = int(request.query.get("$skiptoken", "0"))
        body: dict[str, Any] = {"value": [accounts[number]]}
        if number + 1 < PAGES:
            body["@odata.nextLink"] = f"{server.url}/v1.0/users?$skiptoken={number + 1}"
        return Answer(body=body)

    server.routes["/users"] = page
    yield server
    server.close()


@pytest.fixture
def beats() -> threading.Semaphore:
    """One for each heartbeat so far."""
    return threading.Semaphore(0)


@pytest.fixture
def read(
    engine: Engine, made: Customer, microsoft: ScriptedMicrosoft, beats: threading.Semaphore
) -> Iterator[Read]:
    with open_http() as http:
        entra = EntraClient(
            authority=microsoft.url,
            client_id=CLIENT_ID,
            credential=ClientSecret("a-secret-for-tests"),
            http=http,
            clock=microsoft.clock,
        )
        graph = GraphClient(http, f"{microsoft.url}/v1.0", entra)
        rooms = directory.DirectoryActivities(open_sessions(engine), graph, http, microsoft.url)

        def attempt(number: int) -> Snapshot:
            environment = ActivityEnvironment()
            environment.info = replace(environment.info, attempt=number)
            environment.on_heartbeat = lambda *_: beats.release()
            reference = GoLiveRef(str(made.go_live_id), AT)
            return environment.run(rooms.snapshot_directory, reference)

        yield attempt


def staged_pages(made: Customer) -> list[int]:
    made.session.rollback()
    return [
        row[0]
        for row in made.rows(
            "SELECT page FROM golive.directory_entry WHERE go_live_id = :g ORDER BY page"
        )
    ]


def test_a_reader_taken_for_dead_writes_nothing_into_its_successors_copy(
    made: Customer, microsoft: ScriptedMicrosoft, read: Read
) -> None:
    slow, go_on, ends = threading.Event(), threading.Event(), []
    page = microsoft.routes["/users"]

    def first_one_hangs(request: Request) -> Answer:
        if "$skiptoken" in request.query and not slow.is_set():
            slow.set()
            assert go_on.wait(LONGEST_WAIT)
        return page(request)

    def overtaken() -> None:
        try:
            read(1)
        except staging.StagingOvertakenError as error:
            ends.append(error)

    microsoft.routes["/users"] = first_one_hangs
    thread = threading.Thread(target=overtaken)
    thread.start()
    assert slow.wait(LONGEST_WAIT)
    assert read(2) == Snapshot(entries=PAGES, pages=PAGES, users=0)
    go_on.set()
    thread.join(LONGEST_WAIT)
    assert len(ends) == 1
    assert staged_pages(made) == [*range(PAGES)]
    assert microsoft.count("/users") == PAGES + 1, "the successor went on after the kept page"


def test_a_page_that_takes_microsoft_long_is_no_death(
    microsoft: ScriptedMicrosoft,
    read: Read,
    beats: threading.Semaphore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heartbeats, "BEAT_SECONDS", 0.01)
    page = microsoft.routes["/users"]

    def slow(request: Request) -> Answer:
        for _ in range(5):
            assert beats.acquire(timeout=LONGEST_WAIT), "the reader fell silent"
        return page(request)

    microsoft.routes["/users"] = slow
    assert read(1).pages == PAGES


def test_links_that_are_always_refused_are_tried_anew_only_after_a_pause(
    made: Customer, microsoft: ScriptedMicrosoft, read: Read
) -> None:
    page = microsoft.routes["/users"]
    microsoft.routes["/users"] = lambda request: (
        Answer(410) if request.query.get("$skiptoken") == "2" else page(request)
    )
    with pytest.raises(ApplicationError) as refused:
        read(1)
    assert refused.value.type == ErrorType.MICROSOFT_UNREACHABLE
    assert not refused.value.non_retryable
    assert microsoft.count("/users") == 3 * (directory.MOST_RESTARTS + 1)
    microsoft.routes["/users"] = page
    assert read(2) == Snapshot(entries=PAGES, pages=PAGES, users=0)
    assert staged_pages(made) == [*range(PAGES)]


def stage(made: Customer, cursor: staging.StagingCursor, link: str | None) -> staging.StagingCursor:
    users = users_of({"value": [account("anna@acme.example")]})
    return staging.stage_page(made.session, made.go_live_id, cursor, staged_entries(users), link)


def test_a_snapshot_goes_on_for_the_next_attempt_and_anew_for_another_order(
    session: Session,
) -> None:
    made = customer(session, "acme.example")
    stage(made, staging.begin_staging(session, made.go_live_id, "one", 1), "next")
    kept = staging.begin_staging(session, made.go_live_id, "one", 2)
    assert (kept.pages, kept.next_link) == (1, "next")
    anew = staging.begin_staging(session, made.go_live_id, "two", 1)
    assert (anew.pages, anew.next_link, anew.is_complete) == (0, None, False)
    with pytest.raises(staging.StagingOvertakenError):
        stage(made, kept, None)


@pytest.mark.parametrize("ending", ["forgotten", "undone", "closed"])
def test_a_page_that_comes_after_the_end_is_not_kept(session: Session, ending: str) -> None:
    made = customer(session, "acme.example")
    cursor = stage(made, staging.begin_staging(session, made.go_live_id, str(uuid4()), 1), "next")
    match ending:
        case "undone":
            waves.begin_undo(session, made.go_live_id, AT)
        case "closed":
            made.rows(
                "UPDATE golive.go_live SET outcome = 'CANCELLED', closed_at = now() "
                "WHERE id = :g RETURNING id"
            )
    staging.delete_staging(session, made.go_live_id)
    with pytest.raises(staging.StagingOvertakenError):
        stage(made, cursor, None)
    if ending != "forgotten":
        with pytest.raises(staging.StagingOvertakenError):
            staging.begin_staging(session, made.go_live_id, "late", 1)
    assert made.rows("SELECT FROM golive.directory_entry WHERE go_live_id = :g") == []

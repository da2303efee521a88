"""What lies between us and the database, and what it says when it cannot be used."""

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlmodel import Session

import database.engine as rooms
from bootstrap.collectors import RecordCollector
from commands.errors import OF_DATABASE_FAULTS, UnavailableError, plain_database_errors
from contracts.problems import Problem
from database import grants
from database.engine import (
    WORK,
    Limits,
    OtherEncodingError,
    given_longer,
    migrate,
    open_engine,
    open_sessions,
    refuse_read_only,
)
from database.faults import DatabaseFault, ReadOnlyError, fault_of
from local.ports import HOST, free_port
from local.postgresql import running_postgresql, url
from tests.bounds import LONGEST_WAIT
from tests.certificates import make_certificate
from tests.forwarder import forwarding
from tests.pgbouncer import needs_pgbouncer, open_folder, pgbouncer
from wording import shell

QUICK = Limits(statement=3, lock=1)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server that asks for passwords, as others run it."""
    folder = tmp_path_factory.mktemp("strict")
    port = free_port()
    with running_postgresql(folder / "pg", port) as address:
        with psycopg.connect(address.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("CREATE ROLE serving LOGIN PASSWORD 'hun@ter2'")
            (folder / "pg" / "pg_hba.conf").write_text(
                "host all nobody 127.0.0.1/32 reject\n"
                "host all postgres 127.0.0.1/32 trust\n"
                "host all all 127.0.0.1/32 scram-sha-256\n"
            )
            connection.execute("SELECT pg_reload_conf()")
        # A reload is heard by and by.
        give_up = time.monotonic() + LONGEST_WAIT
        while time.monotonic() < give_up:
            try:
                psycopg.connect(f"host={HOST} port={port} user=serving dbname=pulse").close()
            except psycopg.OperationalError:
                break
            time.sleep(0.02)
        yield port


@pytest.fixture
def own(engine: Engine, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database of a test's own."""
    name = f"own_{abs(hash(request.node.name))}"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield engine.url.set(database=name).render_as_string(hide_password=False)
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


def fault(engine: Engine, statement: str = "SELECT 1") -> DatabaseFault | None:
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
    except SQLAlchemyError as error:
        return fault_of(error)
    finally:
        engine.dispose()
    raise AssertionError("nothing went wrong")


class TestEachConnection:
    def test_keeps_the_options_of_its_address(self, engine: Engine) -> None:
        address = engine.url.render_as_string(hide_password=False)
        given = "-c%20work_mem%3D7MB%20-c%20lock_timeout%3D4s"
        own = open_engine(f"{address}?options={given}&application_name=ours", limits=QUICK)
        names = ("work_mem", "lock_timeout", "statement_timeout", "timezone", "application_name")
        with own.begin() as connection:
            found = [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in names]
        own.dispose()
        assert found == ["7MB", "4s", "3s", "UTC", "ours"]

    def test_gives_a_statement_and_a_lock_their_time(self, engine: Engine) -> None:
        address = engine.url.render_as_string(hide_password=False)
        assert fault(open_engine(address, limits=QUICK), "SELECT pg_sleep(60)") is (
            DatabaseFault.TOO_SLOW
        )
        with engine.begin() as holding:
            holding.exec_driver_sql("SELECT pg_advisory_xact_lock(11)")
            other = open_engine(address, limits=Limits(statement=60, lock=1))
            waiting = "SELECT pg_advisory_xact_lock(11)"
            assert fault(other, waiting) is DatabaseFault.LOCKED

    def test_gives_a_transaction_longer_that_asks_for_it(self, engine: Engine) -> None:
        own = open_engine(engine.url.render_as_string(hide_password=False), limits=QUICK)
        sleeps = f"SELECT pg_sleep({QUICK.statement + 0.5})"
        with open_sessions(own).begin() as session, given_longer(session, WORK):
            session.execute(text(sleeps))
        assert fault(own, sleeps) is DatabaseFault.TOO_SLOW

    def test_gives_up_where_the_line_swallows_everything(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rooms, "SILENCE_SECONDS", 0.5)
        with forwarding(engine.url.port or 0) as line:
            own = open_engine(url(line.port), pool_size=1, limits=QUICK)
            with own.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
                line.fall_silent()
                with pytest.raises(DBAPIError) as silence:
                    connection.exec_driver_sql("SELECT 2")
            assert fault_of(silence.value) is DatabaseFault.SILENT
            assert silence.value.connection_invalidated
            line.speak_again()
            with own.begin() as connection:
                assert connection.exec_driver_sql("SELECT 3").scalar_one() == 3
            own.dispose()


class TestAfterAFailover:
    @pytest.fixture
    def two(self, tmp_path: Path) -> Iterator[tuple[int, int]]:
        """The ports of two servers, each with the table `t`."""
        ports = free_port(), free_port()
        with (
            running_postgresql(tmp_path / "first", ports[0]) as first,
            running_postgresql(tmp_path / "second", ports[1]) as second,
        ):
            for address in (first, second):
                with psycopg.connect(address.replace("+psycopg", ""), autocommit=True) as made:
                    made.execute("CREATE TABLE t (n integer)")
            yield ports

    def test_no_connection_to_the_server_before_is_kept(self, two: tuple[int, int]) -> None:
        with forwarding(two[0]) as address:
            own = open_engine(url(address.port), pool_size=3)
            open_connections = [own.connect() for _ in range(3)]
            for one in open_connections:
                one.exec_driver_sql("SELECT 1")
                one.close()
            make_read_only(two[0])
            with pytest.raises(SQLAlchemyError) as refused, open_sessions(own).begin() as session:
                refuse_read_only(session)
            assert fault_of(refused.value) is DatabaseFault.READ_ONLY
            up = next(iter(RecordCollector(open_sessions(own)).collect()))
            assert up.samples[0].value == 0
            with pytest.raises(DBAPIError) as refused, own.begin() as connection:
                connection.exec_driver_sql("INSERT INTO t VALUES (1)")
            assert fault_of(refused.value) is DatabaseFault.READ_ONLY
            # It is not asked again while it is read-only, and the address then moves.
            assert fault_of_insert(own) is DatabaseFault.READ_ONLY
            address.target = two[1]
            for _ in range(3):
                with own.begin() as connection:
                    connection.exec_driver_sql("INSERT INTO t VALUES (1)")
            own.dispose()

    def test_a_read_only_server_is_told_from_one_that_writes(self, two: tuple[int, int]) -> None:
        make_read_only(two[0])
        own = open_engine(url(two[0]) + "?target_session_attrs=any")
        with pytest.raises(ReadOnlyError), Session(own) as session:
            refuse_read_only(session)
        own.dispose()
        other = open_engine(url(two[1]))
        with Session(other) as session:
            refuse_read_only(session)
        other.dispose()


def make_read_only(port: int) -> None:
    with psycopg.connect(url(port).replace("+psycopg", ""), autocommit=True) as server:
        server.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        server.execute("SELECT pg_reload_conf()")
    give_up = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < give_up:
        with psycopg.connect(url(port).replace("+psycopg", "")) as server:
            if server.execute("SHOW transaction_read_only").fetchone() == ("on",):
                return


def fault_of_insert(engine: Engine) -> DatabaseFault | None:
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO t VALUES (1)")
    except SQLAlchemyError as error:
        return fault_of(error)
    return None


class TestTheCause:
    @pytest.mark.parametrize(
        ("user", "options", "database", "cause"),
        [
            ("serving:wrong@", "", "pulse", DatabaseFault.LOGIN_REFUSED),
            ("stranger:hunter2@", "", "pulse", DatabaseFault.LOGIN_REFUSED),
            ("serving@", "", "pulse", DatabaseFault.LOGIN_REFUSED),
            ("postgres@", "", "elsewhere", DatabaseFault.NO_DATABASE),
            ("nobody@", "", "pulse", DatabaseFault.NOT_ADMITTED),
            ("postgres@", "?sslmode=require", "pulse", DatabaseFault.NO_TLS),
        ],
    )
    def test_is_told_from_a_login_that_fails(
        self, strict: int, user: str, options: str, database: str, cause: DatabaseFault
    ) -> None:
        own = open_engine(f"postgresql+psycopg://{user}{HOST}:{strict}/{database}{options}")
        assert fault(own) is cause

    def test_is_not_found_where_the_password_is_right(self, strict: int) -> None:
        own = open_engine(f"postgresql+psycopg://serving:hun%40ter2@{HOST}:{strict}/pulse")
        with own.begin() as connection:
            assert connection.exec_driver_sql("SELECT current_user").scalar_one() == "serving"
        own.dispose()

    @pytest.mark.parametrize(
        ("state", "cause"),
        [
            ("25006", DatabaseFault.READ_ONLY),
            ("53100", DatabaseFault.FULL),
            ("53200", DatabaseFault.FULL),
            ("53300", DatabaseFault.TOO_MANY_CONNECTIONS),
            ("57P01", DatabaseFault.STARTING),
            ("57P03", DatabaseFault.STARTING),
            ("57P04", DatabaseFault.NO_DATABASE),
            ("57P05", DatabaseFault.AWAY),
            ("25P03", DatabaseFault.TOO_SLOW),
            ("25P04", DatabaseFault.TOO_SLOW),
            ("40P01", DatabaseFault.LOCKED),
            ("40001", DatabaseFault.LOCKED),
            ("08P01", DatabaseFault.AWAY),
            ("58030", DatabaseFault.AWAY),
            ("42501", DatabaseFault.NOT_ALLOWED),
            ("42P01", DatabaseFault.NOT_SET_UP),
            ("26000", DatabaseFault.BEHIND_POOLER),
            ("23505", None),
            ("22012", None),
        ],
    )
    def test_is_told_by_sqlstate(
        self, engine: Engine, state: str, cause: DatabaseFault | None
    ) -> None:
        raising = f"DO $$ BEGIN RAISE 'hunter2' USING ERRCODE = '{state}'; END $$"
        own = open_engine(engine.url.render_as_string(hide_password=False))
        assert fault(own, raising) is cause

    @pytest.mark.parametrize(
        ("address", "problem"),
        [
            (f"{HOST}:9/pulse", Problem.DATABASE_AWAY),
            ("nowhere.invalid/pulse", Problem.DATABASE_UNKNOWN_HOST),
        ],
    )
    def test_is_said_without_a_word_of_the_password(self, address: str, problem: Problem) -> None:
        own = open_engine(f"postgresql+psycopg://pulse:hun@ter2@{address}")
        with pytest.raises(UnavailableError) as said, plain_database_errors(own), own.begin():
            pass
        assert said.value.problem in {problem, Problem.DATABASE_UNKNOWN_HOST}
        words = said.value.words(shell.said_of)
        assert address in words
        assert "ter2" not in words
        assert "pulse:" not in words

    def test_has_words_whatever_it_is(self) -> None:
        assert set(OF_DATABASE_FAULTS) == set(DatabaseFault)


class TestSettingUp:
    @pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
    def test_refuses_a_database_that_cannot_hold_every_name(
        self, engine: Engine, encoding: str
    ) -> None:
        name = f"as_{encoding.lower()}"
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(
                f"CREATE DATABASE {name} ENCODING {encoding} LOCALE_PROVIDER libc LOCALE 'C' "
                "TEMPLATE template0"
            )
        own = open_engine(engine.url.set(database=name).render_as_string(hide_password=False))
        with pytest.raises(OtherEncodingError, match=encoding):
            migrate(own)
        own.dispose()

    def test_needs_no_right_to_make_schemas_that_are_there(self, own: str) -> None:
        with psycopg.connect(own.replace("+psycopg", ""), autocommit=True) as dba:
            dba.execute("DROP ROLE IF EXISTS owning")
            dba.execute("CREATE ROLE owning LOGIN")
            dba.execute("CREATE SCHEMA pulse AUTHORIZATION owning")
            dba.execute("CREATE SCHEMA golive AUTHORIZATION owning")
        as_owner = open_engine(own.replace("postgres@", "owning@"))
        migrate(as_owner)
        migrate(as_owner)
        as_owner.dispose()

    def test_works_under_a_path_with_a_percent_sign(
        self, own: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        copy = tmp_path / "50% ümlaut %(here)s" / "database"
        shutil.copytree(Path(rooms.__file__).parent, copy)
        monkeypatch.setattr(rooms, "__file__", str(copy / "engine.py"))
        fresh = open_engine(own)
        migrate(fresh)
        fresh.dispose()

    def test_gives_the_serving_role_the_rows_and_not_the_past(self, own: str) -> None:
        as_owner = open_engine(own)
        migrate(as_owner)
        with as_owner.begin() as connection:
            connection.exec_driver_sql("DROP ROLE IF EXISTS waiter")
            connection.exec_driver_sql("CREATE ROLE waiter LOGIN")
            for _ in range(2):
                connection.exec_driver_sql(grants.script(as_owner.url.database or "", "waiter"))
            # What a later migration makes.
            connection.exec_driver_sql("CREATE TABLE golive.later (n integer)")
        insert = (
            "INSERT INTO golive.audit_entry (at, actor, action, subject, reason) "
            "VALUES (TIMESTAMPTZ '2026-01-01 00:00Z', 'dana', 'start', '', 'because')"
        )
        with as_owner.begin() as connection:
            connection.exec_driver_sql(insert)
        as_waiter = open_engine(own.replace("postgres@", "waiter@"))
        with as_waiter.begin() as connection:
            connection.exec_driver_sql(insert)
            connection.exec_driver_sql("INSERT INTO golive.later VALUES (1)")
            connection.exec_driver_sql("DELETE FROM pulse.failed_login")
            connection.exec_driver_sql("CREATE TEMP TABLE passing (n integer) ON COMMIT DROP")
            connection.exec_driver_sql("SET LOCAL golive.erasing = 'on'")
            connection.exec_driver_sql("UPDATE golive.audit_entry SET reason = '[removed]'")
        for forbidden in (
            "UPDATE golive.audit_entry SET actor = 'nobody'",
            "DELETE FROM golive.audit_entry",
            "TRUNCATE golive.audit_entry",
            "ALTER TABLE golive.audit_entry DISABLE TRIGGER ALL",
            "DROP TABLE golive.audit_entry",
            "CREATE TABLE golive.mine (n integer)",
            "UPDATE golive.alembic_version SET version_num = 'x'",
        ):
            assert fault(as_waiter, forbidden) is DatabaseFault.NOT_ALLOWED, forbidden
        as_owner.dispose()
        with psycopg.connect(own.replace("+psycopg", ""), autocommit=True) as dba:
            dba.execute("DROP OWNED BY waiter")
            dba.execute("DROP ROLE waiter")


@needs_pgbouncer
class TestBehindAPooler:
    @pytest.fixture
    def folder(self) -> Iterator[Path]:
        with open_folder() as folder:
            yield folder

    def test_the_certificate_is_held_against_the_authorities_that_are_set(
        self, engine: Engine, folder: Path, tmp_path: Path
    ) -> None:
        authority, other = make_certificate(folder), make_certificate(tmp_path)
        tls = {
            "client_tls_sslmode": "require",
            "client_tls_key_file": str(folder / "server.key"),
            "client_tls_cert_file": str(authority),
        }
        with pgbouncer(folder, engine.url.port or 0, **tls) as pooler:
            for host, trusted, cause in (
                (HOST, authority, None),
                (HOST, other, DatabaseFault.NOT_TRUSTED),
                ("localhost", authority, DatabaseFault.NOT_TRUSTED),
                (HOST, None, DatabaseFault.NOT_TRUSTED),
            ):
                own = open_engine(
                    f"postgresql+psycopg://postgres@{host}:{pooler}/pulse?sslmode=verify-full",
                    ca_bundle=trusted,
                    transaction_pooling=True,
                )
                found = None
                try:
                    own.connect().close()
                except DBAPIError as error:
                    found = fault_of(error)
                own.dispose()
                assert found is cause

    def test_many_transactions_share_few_connections(self, own: str, folder: Path) -> None:
        direct = open_engine(own)
        migrate(direct)
        database, port = direct.url.database, direct.url.port
        direct.dispose()
        with pgbouncer(folder, port or 0) as pooler:
            address = f"postgresql+psycopg://postgres@{HOST}:{pooler}/{database}"
            pooled = open_engine(address, pool_size=10, limits=QUICK, transaction_pooling=True)
            migrate(pooled)
            sessions = open_sessions(pooled)

            def transact(number: int) -> tuple[str, str, int]:
                with sessions.begin() as session:
                    session.execute(
                        text("CREATE TEMP TABLE passing ON COMMIT DROP AS SELECT :n AS n"),
                        {"n": number},
                    )
                    return tuple(  # type: ignore[return-value]
                        session.execute(
                            text(
                                "SELECT current_setting('timezone'), "
                                "current_setting('statement_timeout'), n FROM passing"
                            )
                        ).one()
                    )

            with ThreadPoolExecutor(10) as people:
                found = list(people.map(transact, range(200)))
            assert found == [("UTC", "3s", number) for number in range(200)]
            assert fault(pooled, "SELECT pg_sleep(60)") is DatabaseFault.TOO_SLOW

    def test_says_which_setting_is_missing(self, engine: Engine, folder: Path) -> None:
        with pgbouncer(folder, engine.url.port or 0) as pooler:
            own = open_engine(f"postgresql+psycopg://postgres@{HOST}:{pooler}/pulse")
            with pytest.raises(UnavailableError) as said, plain_database_errors(own), own.begin():
                pass
        words = said.value.words(shell.said_of)
        assert "Set GOLIVE_DATABASE_POOLING=transaction." in words

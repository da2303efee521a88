import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest
import sqlalchemy

from local.errors import PartFailedError
from local.ports import free_port
from local.postgresql import postgresql_part, running_postgresql, url
from local.supervisor import Supervisor
from tests.bounds import LONGEST_WAIT

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="ordinary users run it as themselves")


def lives(process: psutil.Process) -> bool:
    """Whether it lives; a zombie that init has yet to reap is dead."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def server_of(folder: Path) -> int:
    return int((folder / "postmaster.pid").read_text().split()[0])


def connect(port: int) -> psycopg.Connection:
    return psycopg.connect(url(port).replace("+psycopg", ""), autocommit=True)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The port of a running cluster, and its folder."""
    folder = tmp_path_factory.mktemp("postgresql") / "cluster"
    port = free_port()
    with running_postgresql(folder, port) as address:
        assert address == url(port)
        yield port, folder


def test_it_answers_to_sqlalchemy_the_same_on_every_machine(cluster):
    engine = sqlalchemy.create_engine(url(cluster[0]))
    with engine.connect() as connection:
        version = connection.execute(sqlalchemy.text("SHOW server_version")).scalar_one()
        facts = sqlalchemy.text(
            "SELECT lower('ÄÖÉ'), current_database(), current_setting('fsync'),"
            " current_setting('timezone')"
        )
        assert connection.execute(facts).one() == ("äöé", "pulse", "off", "UTC")
    engine.dispose()
    assert version.startswith("18.")


def test_it_listens_on_the_loopback_address_alone(cluster):
    port, folder = cluster
    sockets = psutil.Process(server_of(folder)).net_connections("all")
    listening = [tuple(one.laddr) for one in sockets if one.status == psutil.CONN_LISTEN]
    assert listening == [("127.0.0.1", port)]


def test_a_failed_statement_leaves_no_address_in_the_log(cluster):
    port, folder = cluster
    with connect(port) as connection:
        connection.execute("CREATE TABLE person (address text PRIMARY KEY)")
        connection.execute("INSERT INTO person VALUES ('anna@contoso.example')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO person VALUES ('anna@contoso.example')")
    log = (folder.with_name("cluster.logs") / "postgresql.log").read_text()
    assert "violates unique constraint" in log
    assert "anna" not in log


def test_data_survive_a_kill_with_clients_connected(tmp_path):
    port = free_port()
    supervisor = Supervisor(tmp_path / "logs")
    with supervisor.running(postgresql_part(tmp_path / "cluster", port)):
        with connect(port) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
            connection.execute("CREATE TABLE kept (number int)")
        for number in range(3):
            # Left open on purpose: its server process must not keep a new server from starting.
            with connect(port) as connection:
                connection.execute("INSERT INTO kept VALUES (%s)", (number,))
                supervisor.kill("postgresql", signal.SIGKILL)
                supervisor.restart("postgresql")
        with connect(port) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (3,)


def test_a_second_start_finds_what_the_first_left(tmp_path):
    port = free_port()
    for expected in (0, 1):
        with running_postgresql(tmp_path / "cluster", port), connect(port) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (expected,)
            connection.execute("INSERT INTO kept VALUES (1)")
            server = psutil.Process(server_of(tmp_path / "cluster"))
        assert not lives(server)


def test_a_left_over_process_id_that_belongs_to_another_program_is_no_trouble(tmp_path):
    port = free_port()
    with running_postgresql(tmp_path / "cluster", port):
        pass
    left = tmp_path / "cluster" / "postmaster.pid"
    left.write_text(f"{os.getpid()}\n{left.parent}\n0\n{port}\n\n127.0.0.1\n        0         0\n")
    with running_postgresql(tmp_path / "cluster", port):
        pass


def test_a_deep_folder_and_strange_letters_are_no_trouble(tmp_path):
    deep = tmp_path / "a folder" / ("long" * 40) / "ü" / "cluster"
    port = free_port()
    with running_postgresql(deep, port), connect(port) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert (deep / "postmaster.pid").exists()


def test_a_half_made_cluster_is_made_again(tmp_path):
    draft = tmp_path / "cluster.new"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")
    with running_postgresql(tmp_path / "cluster", free_port()):
        assert not draft.exists()


def test_a_cluster_of_another_version_is_refused_with_the_mend(tmp_path):
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster" / "PG_VERSION").write_text("16\n")
    with (
        pytest.raises(PartFailedError, match=r"made by PostgreSQL 16, .* make clean"),
        running_postgresql(tmp_path / "cluster", free_port()),
    ):
        pass


def test_nothing_outlives_a_killed_supervisor(tmp_path):
    code = (
        "import pathlib, signal, sys\n"
        "from local.postgresql import running_postgresql\n"
        "with running_postgresql(pathlib.Path(sys.argv[1]), int(sys.argv[2])):\n"
        "    print('ready', flush=True)\n"
        "    signal.pause()\n"
    )
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "cluster"), str(port)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        server = psutil.Process(server_of(tmp_path / "cluster"))
        family = [server, *server.children()]
        process.kill()
    assert len(family) > 3
    deadline = time.monotonic() + LONGEST_WAIT
    while any(lives(one) for one in family) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(lives(one) for one in family)
    with running_postgresql(tmp_path / "cluster", port):
        pass


@as_root
def test_folders_above_stay_closed_to_others(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    said = []
    part = postgresql_part(closed / "cluster", free_port(), say=said.append, throw_away=True)
    with Supervisor(tmp_path / "logs").running(part):
        assert (closed / "cluster" / "postmaster.pid").exists()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert stat.S_IMODE((closed / "cluster").stat().st_mode) == 0o700
    assert said == []


@pytest.fixture
def locked_folder(tmp_path):
    """A folder that nobody can give away, as on some network file systems."""
    locked = tmp_path / "state" / "cluster"
    locked.mkdir(parents=True)
    if subprocess.run(["chattr", "+i", str(locked)], capture_output=True, check=False).returncode:
        pytest.skip("this file system cannot lock a folder")
    yield locked
    subprocess.run(["chattr", "-i", str(locked)], check=True)


@as_root
def test_a_folder_that_cannot_be_given_away_gets_its_cluster_elsewhere(
    tmp_path, monkeypatch, locked_folder
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    said = []
    first = postgresql_part(locked_folder, free_port(), say=said.append)
    with Supervisor(tmp_path / "logs").running(first):
        (place,) = tmp_path.glob("golive-postgresql-*/data")
        assert (place / "postmaster.pid").exists()
    assert len(said) == 1
    assert said[0].startswith(f"The database lives in {place}: ")
    assert postgresql_part(locked_folder, free_port()).working_folder == place
    # A state folder that was forgotten forgets its cluster too.
    (locked_folder.parent / "cluster.moved").unlink()
    assert postgresql_part(locked_folder, free_port()).working_folder != place

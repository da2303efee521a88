"""Places for slow work, a few of each kind, so that it never holds what others need.

Whoever finds no place is told so at once, by a page, instead of waiting with a thread and a
connection of the database in hand.
"""

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from enum import StrEnum
from typing import TypeVar

Result = TypeVar("Result")


class SlowWork(StrEnum):
    """What takes long, each kind with places of its own."""

    PASSWORD = "password"  # noqa: S105  (a name)
    DRY_RUN = "dry_run"
    DOCUMENT = "document"
    LIST = "list"
    IMPORT = "import"


PLACES = {SlowWork.DRY_RUN: 3, SlowWork.DOCUMENT: 2, SlowWork.LIST: 3, SlowWork.IMPORT: 1}
"""At once in one process: each takes a processor, and all but documents a connection at times. Two
of the largest imports would fill the memory."""

PASSWORDS_AT_ONCE = 2
"""Each takes a processor for a twentieth of a second, and 64 MB."""
PASSWORDS_WAITING = 64
PASSWORDS_WAITING_OF_ONE_NETWORK = 16
"""Networks take turns: whoever tries many at once waits behind their own, and others do not."""


class BusyError(Exception):
    """Every place for this kind of slow work is taken; nothing was begun."""

    def __init__(self, work: SlowWork) -> None:
        """Keep what there is no place for."""
        super().__init__(work)
        self.work = work


class SlowWorkPlaces:
    """The places of one process."""

    def __init__(self) -> None:
        """Make every place free."""
        self._free = {work: threading.BoundedSemaphore(many) for work, many in PLACES.items()}
        self._passwords = ThreadPoolExecutor(PASSWORDS_AT_ONCE, "password")
        self._waiting: Counter[str] = Counter()
        self._turns: dict[str, deque[asyncio.Future[None]]] = {}
        """Who waits, by network; the one that had a turn last stands last."""
        self._checking: Counter[str] = Counter()

    @contextmanager
    def one(self, work: SlowWork) -> Iterator[None]:
        """Hold a place inside the block.

        Raises:
            BusyError: every one is taken.
        """
        if not self._free[work].acquire(blocking=False):
            raise BusyError(work)
        try:
            yield
        finally:
            self._free[work].release()

    @contextmanager
    def waiting_for_password(self, network: str) -> Iterator[None]:
        """Be one of those whose password is checked, inside the block; on the event loop alone.

        Raises:
            BusyError: too many are, from this network or in all.
        """
        if (
            self._waiting[network] >= PASSWORDS_WAITING_OF_ONE_NETWORK
            or self._waiting.total() >= PASSWORDS_WAITING
        ):
            raise BusyError(SlowWork.PASSWORD)
        self._waiting[network] += 1
        try:
            yield
        finally:
            self._waiting[network] -= 1
            if not self._waiting[network]:
                del self._waiting[network]

    async def check_password(self, network: str, check: Callable[[], Result]) -> Result:
        """Return what `check` returns, which runs in a place for passwords when its turn comes.

        Called inside `waiting_for_password`; who waits holds neither a thread nor a connection.
        """
        turn = asyncio.get_running_loop().create_future()
        self._turns.setdefault(network, deque()).append(turn)
        self._give_turns()
        try:
            await turn
            return await asyncio.get_running_loop().run_in_executor(self._passwords, check)
        finally:
            # It is over, or whoever asked has gone, before their turn or after it.
            if turn.done() and not turn.cancelled():
                self._checking[network] -= 1
                if not self._checking[network]:
                    del self._checking[network]
            self._give_turns()

    def _give_turns(self) -> None:
        while self._checking.total() < PASSWORDS_AT_ONCE and self._turns:
            network = min(self._turns, key=lambda one: self._checking[one])
            of_network = self._turns.pop(network)
            turn = of_network.popleft()
            if of_network:
                self._turns[network] = of_network
            if not turn.cancelled():
                self._checking[network] += 1
                turn.set_result(None)

    def close(self) -> None:
        """Begin nothing more."""
        self._passwords.shutdown(wait=False, cancel_futures=True)

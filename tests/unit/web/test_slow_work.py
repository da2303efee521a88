"""Slow work has few places, and whoever finds none is told so at once."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from web import slow_work
from web.slow_work import (
    PASSWORDS_AT_ONCE,
    PASSWORDS_WAITING,
    PASSWORDS_WAITING_OF_ONE_NETWORK,
    PLACES,
    BusyError,
    SlowWork,
    SlowWorkPlaces,
)


async def checked(places: SlowWorkPlaces, network: str, check: Callable[[], Any]) -> Any:
    with places.waiting_for_password(network):
        return await places.check_password(network, check)


@pytest.mark.parametrize("work", PLACES)
def test_each_kind_has_its_own_places_and_gives_them_back(work: SlowWork) -> None:
    places = SlowWorkPlaces()
    for _ in range(2):
        held = [places.one(work) for _ in range(PLACES[work])]
        for one in held:
            one.__enter__()
        with pytest.raises(BusyError), places.one(work):
            pass
        for other in set(PLACES) - {work}:
            with places.one(other):
                pass
        for one in held:
            one.__exit__(None, None, None)


def test_a_place_is_given_back_after_a_failure() -> None:
    places = SlowWorkPlaces()
    for _ in range(PLACES[SlowWork.DOCUMENT] + 1):
        with pytest.raises(ValueError, match="broken"), places.one(SlowWork.DOCUMENT):
            raise ValueError("broken")


async def test_one_network_s_passwords_do_not_take_the_turn_of_another() -> None:
    places, going, goes_on = SlowWorkPlaces(), threading.Semaphore(0), threading.Event()

    def check() -> bool:
        going.release()
        return goes_on.wait(60)

    theirs = [
        asyncio.ensure_future(checked(places, "theirs", check))
        for _ in range(PASSWORDS_WAITING_OF_ONE_NETWORK)
    ]
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await checked(places, "theirs", check)
    ours = asyncio.ensure_future(checked(places, "ours", lambda: "ours"))
    for _ in range(PASSWORDS_AT_ONCE):
        assert await asyncio.to_thread(going.acquire, timeout=60)
    # No more than these are under way at once.
    assert not going.acquire(blocking=False)
    goes_on.set()
    assert await asyncio.wait_for(ours, 60) == "ours"
    assert all(await asyncio.gather(*theirs))
    assert await checked(places, "theirs", lambda: 1) == 1
    places.close()


async def test_whoever_comes_from_elsewhere_is_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_work, "PASSWORDS_AT_ONCE", 1)
    places, order = SlowWorkPlaces(), list[str]()
    networks = ["theirs"] * 5 + ["ours"] + ["another"] * 2
    await asyncio.gather(
        *(checked(places, network, partial(order.append, network)) for network in networks)
    )
    assert order == ["theirs", "theirs", "ours", "another", "theirs", "another", "theirs", "theirs"]
    places.close()


async def test_whoever_goes_gives_the_turn_to_the_next() -> None:
    places, going, goes_on = SlowWorkPlaces(), threading.Semaphore(0), threading.Event()

    def check() -> bool:
        going.release()
        return goes_on.wait(60)

    waiting = [
        asyncio.ensure_future(checked(places, "theirs", check))
        for _ in range(PASSWORDS_AT_ONCE + 3)
    ]
    for _ in range(PASSWORDS_AT_ONCE):
        assert await asyncio.to_thread(going.acquire, timeout=60)
    # One that is being checked, and one that waits.
    for gone in (waiting[0], waiting[-1]):
        gone.cancel()
    goes_on.set()
    await asyncio.wait_for(asyncio.gather(*waiting[1:-1]), 60)
    for _ in range(PASSWORDS_WAITING_OF_ONE_NETWORK):
        assert await asyncio.wait_for(checked(places, "theirs", check), 60)
    places.close()


async def test_there_is_an_end_to_waiting() -> None:
    places, goes_on = SlowWorkPlaces(), threading.Event()
    waiting = [
        asyncio.ensure_future(checked(places, str(number), lambda: goes_on.wait(60)))
        for number in range(PASSWORDS_WAITING)
    ]
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await checked(places, "one more", lambda: None)
    goes_on.set()
    await asyncio.gather(*waiting)
    places.close()

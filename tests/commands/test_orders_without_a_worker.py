"""An order that no worker takes is answered in words, not by a trace."""

import pytest

from commands import orders
from commands.errors import UnavailableError
from tests.town import Town


async def test_an_order_says_that_no_worker_answers(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "GO_LIVE_QUEUE", "served-by-nobody")
    monkeypatch.setattr(orders, "ANSWER_WITHIN_SECONDS", 1)
    organisation = town.found_organisation()
    await organisation.start()
    with pytest.raises(UnavailableError, match="No worker answered in time"):
        await town.orders().pause(organisation.slug)
    assert [action for _, action, _ in organisation.audit()][-2:] == ["pause", "order_refused"]
    await organisation.handle.terminate()

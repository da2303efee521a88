"""What is spooled comes back whole, in order, after whoever gave it is done."""

from collections.abc import Iterator

import pytest

from commands.spool import spooled


@pytest.mark.parametrize("many", [0, 1, 999, 1_000, 2_001])
def test_rows_come_back_in_order(many: int) -> None:
    given = [(number, f"Jürgen {number}", None) for number in range(many)]
    with spooled(iter(given)) as kept:
        assert list(kept) == given


def test_all_are_taken_before_the_first_is_given() -> None:
    left = iter(range(5_000))
    with spooled(left) as kept:
        assert next(left, None) is None
        assert next(kept) == 0


def test_what_fails_while_it_is_read_fails_at_once() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"), spooled(broken()):
        pass

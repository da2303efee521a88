"""Rows kept in a temporary file between whoever gives them and whoever takes them.

However many they are, they take no memory; and neither Microsoft, which gives a directory slowly,
nor a slow reader of a list keeps a transaction open meanwhile.
"""

import pickle
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from tempfile import TemporaryFile
from typing import TypeVar

Row = TypeVar("Row")

_AT_ONCE = 1_000


@contextmanager
def spooled(rows: Iterable[Row]) -> Iterator[Iterator[Row]]:
    """Take all rows, and give them one by one, once, inside the block.

    The file has no name, so nobody else opens it, and it is gone with the block or the process.
    """
    with TemporaryFile() as file:
        left = iter(rows)
        while batch := list(islice(left, _AT_ONCE)):
            pickle.dump(batch, file)
        file.seek(0)

        def read() -> Iterator[Row]:
            while True:
                try:
                    batch = pickle.load(file)  # noqa: S301  (what was written above)
                except EOFError:
                    return
                yield from batch

        yield read()

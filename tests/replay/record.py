"""Records one history per path, after really waiting at each wait: python -m tests.replay.record.

Run it when the order of the workflow's steps changes on purpose, which it may until the first
release; then `UPDATE_GOLDENS=1 python -m pytest tests/replay/test_commands.py`. What the histories
keep of the machine is replaced.
"""

import asyncio
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from bootstrap.exit import leave
from tests.cluster import build_cluster, working
from tests.replay.paths import PATHS

FOLDER = Path(__file__).parent / "histories"


def _names_a_machine(name: str, value: Any) -> bool:
    """Whether this is a worker's identity, or the name of its own (sticky) task queue."""
    return name == "identity" or (name == "name" and isinstance(value, str) and "@" in value)


_FOLDERS = re.compile(r'(?<=File ")/(?:[^"/]+/)*(?=[^"/]+/[^"/]+")')
"""Of a file in a stack trace, all but its room and its name."""


def without_machine(kept: Any) -> Any:
    """Replace what names the machine the history was recorded on."""
    if isinstance(kept, dict):
        return {
            name: "recorded" if _names_a_machine(name, value) else without_machine(value)
            for name, value in kept.items()
        }
    if isinstance(kept, str):
        return _FOLDERS.sub("", kept)
    return [without_machine(one) for one in kept] if isinstance(kept, list) else kept


async def record(names: list[str]) -> None:
    """Play each path and write its history."""
    with tempfile.TemporaryDirectory(prefix="replay-") as folder:
        async with build_cluster(Path(folder)) as cluster, working(cluster):
            for name in names:
                path, outcome = PATHS[name]
                organisation = await path(cluster)
                result = await organisation.ended()
                assert result.outcome is outcome, (name, result)
                history = await organisation.handle.fetch_history()
                kept = without_machine(history.to_json_dict())
                text = json.dumps(kept, separators=(",", ":"))
                (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
                print(f"{name}: {len(history.events)} events")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1:] or list(PATHS)))
    leave(0)

"""Forgets the local state; needs nothing but Python, and refuses while a stack runs on it."""

import fcntl
import os
import shutil
import sys
from pathlib import Path


def main() -> int:
    """Delete the state folder; return 1, with the mend, when it is in use or cannot be deleted."""
    folder = Path(os.environ.get("GOLIVE_LOCAL_STATE", ".state"))
    lock = folder / "stack.lock"
    if lock.exists():
        with lock.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                print(
                    f"A stack is running on {folder}. Stop it with Ctrl-C first.", file=sys.stderr
                )
                return 1
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        print(f"{folder} could not be deleted: {error.strerror}.", file=sys.stderr)
        return 1
    Path("demo.json").unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

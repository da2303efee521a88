"""Runs the local stack until Ctrl-C: python -m local."""

# isort: off
import local.early_stop  # noqa: F401

# isort: on
import argparse
import sys

from local.errors import LocalError, PartFailedError
from local.ports import Ports
from local.stack import PART_NAMES, Stack
from local.state_folder import chosen_state_folder
from local.stop_signals import StopRequested, stop_on_signal


def main() -> int:
    """Run the stack; return 0 after Ctrl-C or SIGTERM, 1 if a part failed, 2 on wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=PART_NAMES,
        help="leave out a part, to run it yourself; may be given several times",
    )
    arguments = parser.parse_args()
    try:
        with stop_on_signal():
            return _run(set(arguments.without))
    except StopRequested:
        print("Stopped.")
        return 0
    except LocalError as error:
        print(error, file=sys.stderr)
        return error.exit_status


def _run(without: set[str]) -> int:
    folder = chosen_state_folder()
    stack = Stack(folder, Ports.from_environment(), without=without, say=print)
    print(f"Starting the local stack on {folder}", flush=True)
    with stack.running():
        print(_table(stack), flush=True)
        try:
            stack.wait()
        except PartFailedError as error:
            print(f"{error}\nStopping the other parts.", file=sys.stderr, flush=True)
            return error.exit_status
        except StopRequested:
            print("\nStopping all parts.", flush=True)
            raise
    return 0


def _table(stack: Stack) -> str:
    rows = [("Part", "Where", "Log")]
    rows += [(place.part, place.address, str(place.log)) for place in stack.places()]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = [f"  {part:<{widths[0]}}  {where:<{widths[1]}}  {log}" for part, where, log in rows]
    return "\n".join([*lines, "Running. Stop it with Ctrl-C."])


if __name__ == "__main__":
    sys.exit(main())

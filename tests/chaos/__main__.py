"""Takes organisations live in the middle of trouble: python -m tests.chaos --kills 200.

Prints what was survived and whatever was lost or doubled; exit status 0 if nothing was. Started in
the folder of the code.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from bootstrap.exit import leave
from tests.chaos.runner import run

SEED = 20261201

ENOUGH = 200
"""Kills from which on the figures are kept with the code."""
KEPT = Path("benchmarks/chaos.json")
PASSING = Path(".state/chaos.json")


def report_of(kills: int) -> Path:
    """Return where the figures of a run belong: a short trial leaves those of a long run alone."""
    return KEPT if kills >= ENOUGH else PASSING


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=SEED, help="decides what goes wrong and when")
    parser.add_argument(
        "--report",
        type=Path,
        help=f"write the figures here, as JSON ({KEPT} from {ENOUGH} kills on, else {PASSING})",
    )
    parser.add_argument("--keep", type=Path, help="work in this folder, and leave it there")
    chosen = parser.parse_args()
    chosen.report = chosen.report or report_of(chosen.kills)
    with tempfile.TemporaryDirectory(prefix="golive-chaos-") as passing:
        report = asyncio.run(run(chosen.keep or Path(passing), chosen.kills, chosen.seed))
    found = report.found
    for one in found.everything:
        print(one, file=sys.stderr)
    print(
        f"{report.kills} kills survived, {sum(report.outages.values())} outages "
        f"({', '.join(f'{part} {count}' for part, count in sorted(report.outages.items()))}), "
        f"{report.go_lives} go-lives, {report.mails} mails, {report.seconds:.0f} s, "
        f"seed {report.seed}."
    )
    print(
        f"Lost {len(found.lost)}, doubled {len(found.doubled)}, otherwise wrong "
        f"{len(found.wrong)}. {found.repeated_deliveries} mails came again under their own "
        f"Message-ID after a cut or a kill (which could excuse a few in "
        f"{found.excused_share:.0%} of the time); people tried again {report.tried_again} times; "
        f"needed attention: {', '.join(report.attentions) or 'nothing'}."
    )
    chosen.report.parent.mkdir(parents=True, exist_ok=True)
    chosen.report.write_text(json.dumps(report.figures(), indent=2) + "\n")
    return 1 if found.everything else 0


if __name__ == "__main__":
    leave(main())

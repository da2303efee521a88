"""Asks pip-audit about every locked package, and says so when it could not.

`make audit` runs it: python -m scripts.audit PIP_AUDIT.

pip-audit counts a package that its service does not know as no vulnerability found. Behind a
mirror that serves files only, that is all of them, and its answer would be false comfort. So the
exit status is then 3, unless `AUDIT_MAY_BE_SILENT=1` says that this is known and accepted.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

NOTHING_AUDITED = 3
"""The exit status when nothing was asked, so that nobody takes it for a yes."""

LOCK = Path(__file__).parents[1] / "requirements.lock"
_ARGUMENTS = (
    *("--require-hashes", "-r", str(LOCK), "--disable-pip"),
    *("--format", "json", "--progress-spinner", "off"),
)


def main() -> int:
    """Return 1 when a vulnerability is known, 3 when nothing could be asked, else 0."""
    program = sys.argv[1] if len(sys.argv) > 1 else "pip-audit"
    done = subprocess.run(
        [program, *_ARGUMENTS],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        return report_nothing_audited(f"pip-audit could not ask: {last[0]}")
    return report(answer["dependencies"])


def report(packages: list[dict[str, Any]]) -> int:
    """Print what is known of each package; return the exit status."""
    skipped = [one["name"] for one in packages if "skip_reason" in one]
    if len(skipped) == len(packages):
        return report_nothing_audited("The vulnerability service knows none of our packages")
    bad = [one for one in packages if one.get("vulns")]
    for one in bad:
        ids = ", ".join(vulnerability["id"] for vulnerability in one["vulns"])
        mended = sorted({fix for each in one["vulns"] for fix in each.get("fix_versions", [])})
        print(
            f"{one['name']} {one['version']}: {ids}; mended in {', '.join(mended) or 'no version'}"
        )
    print(f"{len(packages) - len(skipped)} packages were audited, {len(bad)} are vulnerable.")
    if skipped:
        print(f"Not known to the service, so not audited: {', '.join(skipped)}.")
    return 1 if bad else 0


def report_nothing_audited(why: str) -> int:
    """Print that nothing is known about vulnerabilities; return the exit status."""
    print(
        f"NOTHING WAS AUDITED. {why}. Run this where PyPI's JSON API answers "
        "(a mirror of files alone is not enough), for example nightly in CI."
    )
    return 0 if os.environ.get("AUDIT_MAY_BE_SILENT") == "1" else NOTHING_AUDITED


if __name__ == "__main__":
    sys.exit(main())

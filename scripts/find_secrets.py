"""Finds secrets in the files that are committed: python -m scripts.find_secrets [FILE ...].

`.secrets.baseline` lists by hash what looks like a secret and is none: examples, the simulator's
own, made-up ones of tests. Whoever adds such a thing looks at it and runs it with `--accept`.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).parents[1]
BASELINE = ".secrets.baseline"
NOT_READ = (".png", ".ttf", ".lock", ".csv", BASELINE)
"""Pictures and fonts; the lock file is hashes from end to end; lists hold names and addresses."""
RECORDED = "tests/replay/histories/"
"""Recorded runs: base64 from end to end; a test of their own looks into them, decoded."""

_DETECTORS = (
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "BasicAuthDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "JwtTokenDetector",
    "KeywordDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SendGridDetector",
    "SlackDetector",
)
"""What people here could hold in their hands. None that judges by entropy alone: ids and hashes of
tests are random on purpose. None for services that nobody here uses: each costs a third of a
second in `make check`."""

_SETTINGS = {
    "plugins_used": [
        *({"name": name} for name in _DETECTORS),
        # A client secret of Entra has its own form: three characters, a digit, Q~, 31 to 34 more.
        {
            "name": "EntraClientSecretDetector",
            "path": f"file://{Path(__file__).with_name('entra_secret.py')}",
        },
    ],
    # No filter that asks the network whether a secret works: nothing found here leaves here.
    "filters_used": [
        {"path": f"detect_secrets.filters.heuristic.{name}"}
        for name in (
            "is_potential_uuid",
            "is_templated_secret",
            "is_indirect_reference",
            "is_prefixed_with_dollar_sign",
            "is_sequential_string",
        )
    ],
}


class Found(NamedTuple):
    """Something that looks like a secret; what it is, is not repeated."""

    file: str
    kind: str
    hashed: str
    line: int


def committed_files() -> list[str]:
    """Return the files to look into; without Git, every file that is not ignored by habit."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    files = listed.stdout.splitlines() or [
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*")
        if path.is_file() and not path.relative_to(ROOT).parts[0].startswith((".venv", ".state"))
    ]
    return [one for one in files if not one.endswith(NOT_READ) and not one.startswith(RECORDED)]


def find(files: Iterable[str], root: Path = ROOT) -> Iterator[Found]:
    """Yield what looks like a secret, in the order of the files."""
    with transient_settings(_SETTINGS):
        secrets = SecretsCollection(root=str(root))
        for file in files:
            secrets.scan_file(file)
        for file, secret in secrets:
            yield Found(file, secret.type, secret.secret_hash, secret.line_number)


def known(file: Path) -> set[tuple[str, str, str]]:
    """Return what was looked at and found harmless."""
    accepted = json.loads(file.read_text(encoding="utf-8"))
    return {(one["file"], one["kind"], one["sha1"]) for one in accepted}


def accept(found: Iterable[Found]) -> None:
    """Write the baseline anew. Line numbers are left out: they change with every edit."""
    rows = sorted({(one.file, one.kind, one.hashed) for one in found})
    lines = [json.dumps({"file": file, "kind": kind, "sha1": sha1}) for file, kind, sha1 in rows]
    (ROOT / BASELINE).write_text("[\n  " + ",\n  ".join(lines) + "\n]\n", encoding="utf-8")


def main() -> int:
    """Return 0 when nothing is found that is not in the baseline."""
    parser = argparse.ArgumentParser(prog="python -m scripts.find_secrets", description=__doc__)
    parser.add_argument("files", metavar="FILE", nargs="*", help="only these (all committed)")
    parser.add_argument("--accept", action="store_true", help="put what is found into the baseline")
    arguments = parser.parse_args()
    found = list(find(arguments.files or committed_files()))
    if arguments.accept:
        accept(found)
        return 0
    harmless = known(ROOT / BASELINE)
    new = [one for one in found if (one.file, one.kind, one.hashed) not in harmless]
    for one in new:
        print(f"{one.file}:{one.line}: {one.kind}", file=sys.stderr)
    if new:
        print(
            "These look like secrets. Take a real one out, and change it where it is valid: it "
            "stays in the history. For an example: python -m scripts.find_secrets --accept",
            file=sys.stderr,
        )
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())

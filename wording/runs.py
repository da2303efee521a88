"""What is said of a run of Temporal's: how its go-live is steered, and what became of the last."""

from datetime import datetime

from contracts.go_live import GoLiveStage
from wording.sentences import STAGES, instant

DIGEST_ROUND = "The digest to everyone whose working morning has come"
"""What the Temporal UI says of a run of the daily digest."""

_BECAME = {
    "TERMINATED": "was terminated in Temporal",
    "FAILED": "failed in Temporal",
    "TIMED_OUT": "timed out in Temporal",
    "CANCELED": "was cancelled in Temporal without an ending",
    "COMPLETED": "ended in Temporal, which the database does not know,",
}
"""What became of a run, by Temporal's name of its status."""


def steering(slug: str, number: int, console_url: str = "") -> str:
    """Return the Markdown beside a run in the Temporal UI: what it is, and where it is steered."""
    console = f"[the console]({console_url})" if console_url else "the console"
    command = "python starter.py"
    return f"""\
This is go-live {number} of {slug}: it takes the organisation live with Microsoft single sign-on, \
which may take weeks.

**Steer it in {console}, or by these commands:**

| To | Command |
|---|---|
| see where it stands | `{command} status {slug}` |
| hold it, and let it go on | `{command} pause {slug}`, `{command} resume {slug}` |
| move a deadline | `{command} extend {slug} --days 7` |
| undo everything and end it | `{command} roll-back {slug} --reason "..."` |

**Temporal's own pause, reset, terminate and cancel are not for go-lives:**

| There | What it would do |
|---|---|
| pause | Nothing goes on and no date moves with it: what comes due meanwhile is late. |
| reset | The run forgets what it did after that point, though it stays done: it needs attention. |
| terminate | Nothing is undone and nobody is told. `{command} start {slug}` goes on from what the \
database knows. |
| cancel | Everything is undone as by a roll back, and nobody says why. |
"""


def goes_on(number: int, became: str | None, at: datetime | None, stage: GoLiveStage) -> str:
    """Return why a run is begun where there was one before, and where its go-live stands.

    `became` is Temporal's name of the status of the run before; None = it is not there any more.
    """
    what = _BECAME.get(became, "is over in Temporal") if became else "is not in Temporal any more"
    when = f" on {instant(at)}" if at else ""
    return (
        f"The run of go-live {number} {what}{when}; it goes on from what the database knows: "
        f"{STAGES[stage]}."
    )

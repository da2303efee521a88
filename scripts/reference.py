"""Writes the reference part of docs/help.md from the code: python -m scripts.reference."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from contracts.directory import ExceptionReason
from contracts.errors import ErrorType
from contracts.go_live import Attention, GoLiveOutcome, GoLiveStage, Progress, Refusal, Wait
from contracts.notices import Message
from contracts.waiting_on import OF_WAIT
from mail.messages import MESSAGES
from settings import EXAMPLES, Settings
from wording import sentences
from wording.errors import MEANING
from wording.refusals import REFUSALS
from workflows.go_live import SsoGoLive

PAGE = Path(__file__).parents[1] / "docs" / "help.md"
_NO_INSTANT = datetime(2026, 1, 1, tzinfo=UTC)
MARK = "<!-- From here on written by `make reference`. -->"


def reference() -> str:
    """Return the reference in Markdown: every word the product uses, and what it means."""
    return (
        "\n\n".join(
            (
                MARK,
                _section(
                    "Stages",
                    ("Stage", "In words"),
                    ((one, sentences.STAGES[one]) for one in GoLiveStage),
                ),
                _section(
                    "What a go-live waits for",
                    ("Wait", "On whom", "What it means"),
                    (
                        (one, sentences.WHOM[OF_WAIT[one]], sentences.happened(_at(wait=one)))
                        for one in Wait
                    ),
                ),
                _section(
                    "Endings",
                    ("Ending", "What it means"),
                    ((one, sentences.happened(_at(outcome=one))) for one in GoLiveOutcome),
                ),
                _section(
                    "Needs attention",
                    ("Kind", "What happened", "Who does what"),
                    (
                        (
                            one,
                            sentences.happened(_at(attention=one)),
                            sentences.to_do(_at(attention=one)),
                        )
                        for one in Attention
                    ),
                ),
                _section(
                    "Why a consent was not accepted",
                    ("Reason", "What happened", "What to do"),
                    ((one, REFUSALS[one].happened, REFUSALS[one].to_do) for one in Refusal),
                ),
                _section(
                    "Users who cannot be moved",
                    ("Reason", "Why", "Next step"),
                    (
                        (one, sentences.EXCEPTIONS[one].why, sentences.EXCEPTIONS[one].in_shell)
                        for one in ExceptionReason
                    ),
                ),
                _section(
                    "Mails",
                    ("Message", "To whom", "What for"),
                    ((one, MESSAGES[one].audience, MESSAGES[one].purpose) for one in Message),
                ),
                _section(
                    "Messages to a running go-live",
                    ("Message", "Kind", "What it says"),
                    _messages_of_a_run(),
                ),
                _section(
                    "Types of activity errors",
                    ("Type", "What happens"),
                    ((one, MEANING[one]) for one in ErrorType),
                ),
                _section("Settings", ("Variable", "Default", "Example"), _settings()),
            )
        )
        + "\n"
    )


def _section(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"## {title}", "", "| " + " | ".join(columns) + " |", "| --- " * len(columns) + "|"]
    lines += [
        f"| `{first}` | " + " | ".join(str(cell) for cell in rest) + (" |" if rest else "")
        for first, *rest in rows
    ]
    return "\n".join(lines)


def _at(
    *,
    wait: Wait = Wait.NOTHING,
    attention: Attention | None = None,
    outcome: GoLiveOutcome | None = None,
) -> Progress:
    return Progress(
        slug="",
        number=1,
        stage=GoLiveStage.ENTITLEMENT_CONFIRMED,
        wait=wait,
        since=_NO_INSTANT,
        attention=attention,
        outcome=outcome,
    )


def _messages_of_a_run() -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for owner in SsoGoLive.__mro__:
        for name, member in vars(owner).items():
            for mark, kind in (
                ("__temporal_signal_definition", "signal"),
                ("__temporal_query_definition", "query"),
                ("_defn", "update"),
            ):
                definition = getattr(member, mark, None)
                if definition is not None and not name.startswith("_"):
                    found.append((definition.name or name, kind, definition.description or ""))
    return sorted(set(found))


def _settings() -> list[tuple[str, str, str]]:
    return [
        (
            f"GOLIVE_{name.upper()}",
            "none"
            if field.default in (None, frozenset())
            else ""
            if field.is_required()
            else f"`{field.default}`",
            f"`{EXAMPLES[name.upper()]}`" if name.upper() in EXAMPLES else "",
        )
        for name, field in Settings.model_fields.items()
    ]


def page() -> str:
    """Return the whole page: what people wrote, then the reference."""
    written, _, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    return written + reference()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

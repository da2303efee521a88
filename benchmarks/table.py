"""Puts the figures of `results.json` into words: the table in the README, written by a program.

A test holds the two together; `python -m benchmarks` writes both.
"""

from collections.abc import Mapping
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- benchmarks -->\n", "<!-- /benchmarks -->\n"

ROWS: tuple[tuple[str, str, str], ...] = (
    ("graph_listing_users_per_second", "{:,.0f}/s", "users listed from Graph"),
    ("graph_listing_vs_floor_ratio", "{:.2f} ×", "the same, beside bare HTTP and JSON"),
    ("migration_100k_seconds", "{:.1f} s", "100,000 users moved: read, decided, linked, sessions "
     "ended, mail queued, audited"),
    ("migration_100k_floor_ratio", "{:.1f} ×", "the same, beside a bare script: list, COPY, one "
     "UPDATE"),
    ("migration_100k_vs_one_by_one", "{:.0f} ×", "faster than one GET and one UPDATE a user "
     "(a sample of 300, scaled)"),
    ("migration_1m_vs_100k", "{:.1f} ×", "1,000,000 users beside 100,000"),
    ("migration_worker_rss_mb", "{:.0f} MB", "memory of the process that moved them, at most"),
    ("go_live_history_events_40", "{:.0f}", "workflow events of a go-live of 40 users"),
    ("go_live_history_events_100k", "{:.0f}", "workflow events of a go-live of 100,000 users"),
    ("mails_per_s", "{:,.0f}/s", "mails built and sent to a relay on this machine"),
    ("mail_vs_smtplib_ratio", "{:.1f} ×", "the same, beside one smtplib connection a mail"),
    ("go_lives_per_s", "{:.1f}/s", "go-lives whose activities do nothing"),
    ("go_live_vs_bare_ratio", "{:.2f} ×", "the same, beside a bare workflow with as many "
     "activities"),
    ("consent_to_next_activity_ms", "{:.0f} ms", "from the consent to the next activity"),
    ("consent_to_next_activity_ratio", "{:.2f} ×", "the same, beside a signal to a bare workflow"),
    ("waiting_go_lives", "{:,.0f}", "go-lives waiting in one worker"),
    ("waiting_10000_rss_mb", "{:.0f} MB", "that worker's memory"),
    ("waiting_10000_answer_ratio", "{:.1f} ×", "its answer to an order, beside ten waiting"),
    ("fairness_ratio", "{:.2f} ×", "speed of small go-lives beside a large one, to that of the "
     "same alone"),
    ("web_login_ratio", "{:.2f} ×", "login pages a second, beside a bare page as large"),
    ("web_console_ratio", "{:.2f} ×", "the console's list of 1,000 organisations, likewise"),
    ("beside_passwords_ratio", "{:.1f} ×", "a log-in (the slowest of twenty) while somebody tries "
     "160 wrong passwords at once, beside a quiet one"),
    ("beside_dry_runs_ratio", "{:.1f} ×", "the same, while 24 dry runs of 10,000 accounts are "
     "asked for at once"),
    ("beside_documents_ratio", "{:.1f} ×", "the same, while 120 PDFs are asked for by one link"),
    ("beside_lists_ratio", "{:.1f} ×", "the same, while 22 lists are downloaded and not read"),
    ("beside_outbox_ratio", "{:.1f} ×", "the same, while the outbox holds what can never leave"),
    ("beside_turned_away", "{:.0%}", "log-ins that were turned away in the worst of these"),
)  # fmt: skip
"""Figure, how it is written, what was measured."""


def table(
    figures: Mapping[str, float], at_least: Mapping[str, float], at_most: Mapping[str, float]
) -> str:
    """Return the figures that are there as Markdown, with the machine they are from."""
    machine = f"{figures['machine_cores']:.0f} cores, {figures['machine_memory_gib']:.0f} GiB"
    lines = [
        f"Measured on one machine of {machine}; a ratio compares two things in the same run.",
        "",
        "| Figure | What | Promised |",
        "| ---: | --- | --- |",
    ]
    for key, form, words in ROWS:
        if key in figures:
            promised = f"at least {at_least[key]:g}" if key in at_least else ""
            promised = f"at most {at_most[key]:g}" if key in at_most else promised
            lines.append(f"| {form.format(figures[key])} | {words} | {promised} |")
    return "\n".join(lines) + "\n"


def replaced(text: str, new_table: str) -> str:
    """Return a page with what stands between the two marks replaced."""
    before, _, rest = text.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"The page lacks {BEGIN.strip()} and {END.strip()}.")
    return before + BEGIN + new_table + END + after

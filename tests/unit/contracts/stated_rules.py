"""Prints, as JSON, what the product says and asks for: python -m tests.unit.contracts.stated_rules.

With `--changed` every rule of `CHANGED` has another value first, before anything reads it.
"""

import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from html import unescape
from typing import get_type_hints
from uuid import UUID

from contracts import rules
from contracts.notices import Audience, Message

MONDAY = datetime(2027, 1, 4, 11, 0, tzinfo=UTC)
"""When what is rehearsed begins; the changed reminders are all due on working days."""


def _remind(message: Message, days: int) -> tuple[rules.ReminderRule, ...]:
    return (rules.ReminderRule(timedelta(days=days), message, Audience.CUSTOMER_SUCCESS),)


CHANGED: dict[str, object] = {
    "MORNING": time(10, 0),
    "FURTHEST_DATE": timedelta(days=400),
    "EXTENSION_DAYS": 13,
    "MOST_EXTENSION_DAYS": 222,
    "ENTITLEMENT_WINDOW": timedelta(days=29),
    "ENTITLEMENT_REMINDERS": _remind(Message.ENTITLEMENT_REMINDER, 8),
    "ACKNOWLEDGEMENT_WINDOW": timedelta(days=16),
    "ACKNOWLEDGEMENT_REMINDERS": _remind(Message.IT_ACKNOWLEDGEMENT_REMINDER, 8),
    "CONSENT_WINDOW": timedelta(days=33),
    "CONSENT_REMINDERS": _remind(Message.CONSENT_REMINDER, 11),
    "PROPAGATION": timedelta(minutes=25),
    "EVIDENCE_DAYS": 12,
    "APPROVAL_REMINDERS": _remind(Message.APPROVAL_NEEDED, 9),
    "PLAN_LIFE": timedelta(hours=2),
    "FIRST_SIGN_IN_WINDOW": timedelta(days=6),
    "FIRST_SIGN_IN_REMINDERS": _remind(Message.PILOT_WAITING, 2),
    "STRAGGLER_REMINDERS": _remind(Message.SIGN_IN_REMINDER, 7),
    "PASSWORD_GRACE_DAYS": 21,
    "AFTERCARE_DAYS": 17,
    "MOST_AFTERCARE_DAYS": 333,
    "FAILURE_MINUTES": 45,
}


def everything() -> dict[str, str]:
    """Return what is said, by where it is said; no server is asked."""
    return {
        place: " ".join(say().split())
        for part in (_mails(), _pages(), _shell(), _words())
        for place, say in part.items()
    }


def _mails() -> dict[str, Callable[[], str]]:
    from mail.messages import MESSAGES
    from mail.rendering import render

    mails = {name: render(name, described.sample) for name, described in MESSAGES.items()}
    return {
        f"mail {name} {kind}": lambda body=body: _seen(body)
        for name, mail in mails.items()
        for kind, body in (("text", mail.text), ("HTML", mail.html))
    }


def _pages() -> dict[str, Callable[[], str]]:
    from jinja2 import ChainableUndefined

    from web.console import organisations
    from web.console.orders import CONSOLE_ORDERS
    from web.templating import TEMPLATES
    from wording.pages import RateLimit, too_many

    pages = TEMPLATES.env.overlay(undefined=ChainableUndefined)

    def page(template: str, **values: object) -> str:
        return pages.get_template(template).render(**values)

    form = get_type_hints(organisations.give_order, include_extras=True)["aftercare_days"]
    return {
        "page setup": lambda: _seen(page("setup.html", may_choose=True)),
        "page too_many": lambda: _seen(page("too_many.html")),
        "page console": lambda: page(
            "console_organisation.html",
            orders=[("start", CONSOLE_ORDERS["start"])],
            order_ids={},
            instant=str,
            found={},
        ),
        "page console, extend": lambda: CONSOLE_ORDERS["extend"].words.does,
        "page guessing": lambda: too_many(RateLimit.LINKS).to_do,
        "form of the console": lambda: repr(form.__metadata__[0].metadata),
    }


def _shell() -> dict[str, Callable[[], str]]:
    from typer.testing import CliRunner

    import wording.rehearsal
    from commands import imports, rehearsal, sheets
    from commands.errors import UsageError
    from commands.orders import Orders
    from database.models import Preference
    from starter import app
    from wording import shell

    def help_of(command: str) -> str:
        answer = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "300"})
        return re.sub(r"\x1b\[[0-9;]*m|[│╭╮╰╯─]", "", answer.output)

    def too_long() -> str:
        orders = Orders(None, None, "dana")  # type: ignore[arg-type]
        try:
            orders.extend("acme", days=10_000).send(None)
        except UsageError as error:
            return error.words(shell.said_of)
        return ""

    def too_far() -> str:
        sheet = sheets.Sheet("organisations.csv", ["go_live_date"])
        imports._go_live_date(sheets.SheetRow(sheet, 2, {"go_live_date": "9999-12-31"}))
        return " ".join(sheet.faults)

    def rehearse() -> str:
        preference = Preference(
            organisation_id=UUID(int=1),
            owner_id=UUID(int=2),
            time_zone="UTC",
            it_acknowledgement=True,
        )
        everything = rehearsal.Rehearsal(preference, None, MONDAY).everything()
        return "\n".join(wording.rehearsal.lines(everything))

    return {
        **{
            f"help {name}": lambda name=name: help_of(name)
            for name in ("start", "extend", "approve")
        },
        "extend too long": too_long,
        "import too far": too_far,
        "rehearse": rehearse,
    }


def _words() -> dict[str, Callable[[], str]]:
    from contracts.go_live import Attention, Refusal, StartGoLive
    from database.models import GoLive
    from wording.refusals import REFUSALS
    from wording.situations import ATTENTION
    from workflows.policies import PROPAGATION_CALL

    start = StartGoLive("", "", "", 1, "")
    return {
        "refusal sign_in_too_old": lambda: REFUSALS[Refusal.SIGN_IN_TOO_OLD].happened,
        "refusal self_only": lambda: REFUSALS[Refusal.SELF_ONLY].happened,
        "attention not_caught_up": lambda: ATTENTION[Attention.MICROSOFT_NOT_CAUGHT_UP][0],
        "start": lambda: f"{start.aftercare_days} {start.consent_window_days}",
        "row of a go-live": lambda: str(GoLive().aftercare_days),
        "reading back": lambda: str(PROPAGATION_CALL["schedule_to_close_timeout"]),
    }


def _seen(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html))


if __name__ == "__main__":
    if "--changed" in sys.argv:
        for changed, value in CHANGED.items():
            setattr(rules, changed, value)
    sys.stdout.write(json.dumps(everything()))

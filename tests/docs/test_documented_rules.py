"""Pages that people wrote state rules in numbers; each number is the rule's."""

from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from contracts import rules
from contracts.errors import ErrorType
from database.go_live import repeated_events
from wording.errors import MEANING
from workflows import policies

ROOT = Path(__file__).parents[2]
SPELLED = {1: "a", 2: "two", 4: "four", 5: "five", 9: "nine", 15: "fifteen"}


def spelled(number: float) -> str:
    return SPELLED[int(number)]


def weeks(length: timedelta) -> str:
    assert length.days % 7 == 0
    return spelled(length.days / 7)


def minutes(length: timedelta) -> int:
    return length // timedelta(minutes=1)


SENTENCES = [
    ("docs/help.md", f"first SSO sign-in, {rules.PASSWORD_GRACE_DAYS} days at most"),
    (
        "docs/customer-success.md",
        f"go out between {spelled(rules.MORNING.hour)} and {spelled(rules.EVENING.hour - 12)} on "
        "working days",
    ),
    ("docs/customer-success.md", f"on working mornings at {spelled(rules.MORNING.hour)} of"),
    ("docs/customer-success.md", f"two mails within {spelled(rules.SAME_DAY.days)} day, unless"),
    ("docs/customer-success.md", f"when the pack is {spelled(rules.SAME_DAY.days)} day old"),
    (
        "docs/customer-success.md",
        f"For {weeks(timedelta(days=rules.AFTERCARE_DAYS))} weeks the go-live stays open",
    ),
    (
        "docs/operating.md",
        f"Consent and entitlement are waited for at most {weeks(rules.CONSENT_WINDOW)} weeks",
    ),
    (
        "docs/operating.md",
        f"Consent and entitlement are waited for at most {weeks(rules.ENTITLEMENT_WINDOW)} weeks",
    ),
    ("docs/consent.md", f"sign-in counts for {rules.EVIDENCE_DAYS} days from when we wait"),
    ("docs/consent.md", f"sign-in proved after those {rules.EVIDENCE_DAYS} days"),
    (
        "docs/consent.md",
        f"such a request goes after {spelled(rules.AUTHORIZATION_REQUEST_KEPT_DAYS)} day",
    ),
    ("docs/consent.md", f"pauses for {minutes(rules.PROPAGATION)} minutes, then a person"),
    ("docs/consent.md", f"at most {rules.AUTHORIZATION_REQUEST_MINUTES} minutes ago"),
    ("docs/operating.md", f"the first {repeated_events.WRITTEN_EACH} an hour of a network"),
    ("README.md", f"for up to {spelled(minutes(rules.PROPAGATION))} minutes that Microsoft"),
    (
        "docs/deploying.md",
        f"they are more than {policies.FEW_USERS}, or their directory has more than "
        f"{policies.SMALL_DIRECTORY:,} entries",
    ),
]


@pytest.mark.parametrize(("page", "words"), SENTENCES)
def test_a_page_states_the_rule_of_today(page: str, words: str) -> None:
    assert words in " ".join((ROOT / page).read_text(encoding="utf-8").split())


def test_half_an_hour_and_a_quarter_of_one_are_what_the_pages_call_them() -> None:
    consent, operating = (
        " ".join((ROOT / "docs" / page).read_text(encoding="utf-8").split())
        for page in ("consent.md", "operating.md")
    )
    assert "of one that never comes back, after half an hour." in consent
    assert rules.AUTHORIZATION_REQUEST_MINUTES == 30
    assert "is slowed down for a quarter of an hour by itself" in operating
    assert rules.FAILURE_MINUTES == 15


def test_a_stage_that_takes_as_long_as_it_may_alarms_nobody() -> None:
    groups = yaml.safe_load((ROOT / "operations" / "alerts.yaml").read_text(encoding="utf-8"))
    (expression,) = (
        one["expr"]
        for group in groups["groups"]
        for one in group["rules"]
        if one.get("alert") == "StageTakesWeeks"
    )
    alarmed_after = int(expression.rpartition("> ")[2].removesuffix(" * 86400"))
    assert max(rules.CONSENT_WINDOW, rules.ENTITLEMENT_WINDOW).days < alarmed_after


def test_what_is_retried_for_a_day_is() -> None:
    for kind, call in (
        (ErrorType.MICROSOFT_UNREACHABLE, policies.GRAPH_CALL),
        (ErrorType.MAIL_UNAVAILABLE, policies.MAIL_CALL),
    ):
        assert MEANING[kind] == "retried for a day"
        assert call["schedule_to_close_timeout"] == timedelta(days=1)

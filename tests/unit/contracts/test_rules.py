"""The product's rules: what each is today, that each counts, and that whoever says one reads it."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from contracts import business_hours, rules
from contracts.notices import Audience, Message
from tests.bounds import LONGEST_WAIT
from tests.unit.contracts.stated_rules import CHANGED
from wording.durations import in_words

ROOT = Path(__file__).parents[3]
ROOMS = (
    "activities", "commands", "contracts", "database", "graph", "mail", "telemetry", "web",
    "workflows",
)  # fmt: skip
RULES = ROOT / "contracts" / "rules.py"
TEMPLATES = sorted(
    path for room in ("mail", "web") for path in (ROOT / room / "templates").rglob("*.*")
)

CUSTOMER_SUCCESS = Audience.CUSTOMER_SUCCESS
TODAY: dict[str, object] = {
    "UNCLEAR_REFUSAL": timedelta(hours=1),
    "UPLOAD_LIFE": timedelta(days=1),
    "MOST_WAITING_UPLOADS": 10,
    "MOST_IMPORTED_BYTES": 50_000_000,
    "MOST_FAULTS": 1_000,
    "MOST_IMPORTED_ROWS": 1_000_000,
    "MORNING": time(9),
    "EVENING": time(17),
    "WORKING_DAYS": {0, 1, 2, 3, 4},
    "SAME_DAY": timedelta(days=1),
    "LATE": timedelta(hours=1),
    "FURTHEST_DATE": timedelta(days=366),
    "DATE_QUIET_TIME": timedelta(hours=1),
    "DATE_ANNOUNCED_AT_MOST_EVERY": timedelta(days=1),
    "MOST_DATE_CHANGES_A_DAY": 10,
    "MOST_MAILS_REQUESTED_A_DAY": 100,
    "MOST_HAND_OFFS_A_DAY": 10,
    "SESSION_KEPT_DAYS": 30,
    "KNOWN_BROWSER_DAYS": 365,
    "OTHER_DATE": timedelta(hours=1),
    "EXTENSION_DAYS": 7,
    "MOST_EXTENSION_DAYS": 366,
    "DIGEST_LOOKS_BACK": timedelta(days=4),
    "CREDENTIAL_ENDS_SOON": timedelta(days=60),
    "ENTITLEMENT_WINDOW": timedelta(days=28),
    "ENTITLEMENT_REMINDERS": (
        (timedelta(days=3), Message.ENTITLEMENT_REMINDER, CUSTOMER_SUCCESS),
        (timedelta(days=10), Message.ENTITLEMENT_REMINDER, CUSTOMER_SUCCESS),
        (timedelta(days=21), Message.ENTITLEMENT_REMINDER, CUSTOMER_SUCCESS),
    ),
    "ACKNOWLEDGEMENT_WINDOW": timedelta(days=14),
    "ACKNOWLEDGEMENT_REMINDERS": (
        (timedelta(days=4), Message.IT_ACKNOWLEDGEMENT_REMINDER, Audience.FIRST_CONTACT),
        (timedelta(days=9), Message.IT_ACKNOWLEDGEMENT_REMINDER, Audience.FIRST_CONTACT),
    ),
    "MOST_CONTACTS": 10,
    "MOST_CONTACT_CHANGES_A_DAY": 10,
    "LINK_DAYS": 14,
    "NEW_LINKS_A_DAY": 3,
    "CONSENT_WINDOW": timedelta(days=28),
    "CONSENT_REMINDERS": (
        (timedelta(days=3), Message.CONSENT_REMINDER, Audience.FIRST_CONTACT),
        (timedelta(days=7), Message.CONSENT_REMINDER, Audience.FIRST_CONTACT),
        (timedelta(days=12), Message.CONSENT_REMINDER, Audience.EVERY_CONTACT),
        (timedelta(days=18), Message.CONSENT_ESCALATION, CUSTOMER_SUCCESS),
    ),
    "AUTHORIZATION_REQUEST_MINUTES": 30,
    "AUTHORIZATION_REQUEST_KEPT_DAYS": 1,
    "REFUSED_SIGN_INS_SHOWN": timedelta(days=7),
    "PROPAGATION": timedelta(minutes=15),
    "EVIDENCE_DAYS": 7,
    "APPROVAL_REMINDERS": (
        (timedelta(days=3), Message.APPROVAL_NEEDED, CUSTOMER_SUCCESS),
        (timedelta(days=10), Message.APPROVAL_NEEDED, CUSTOMER_SUCCESS),
        (timedelta(days=21), Message.APPROVAL_NEEDED, CUSTOMER_SUCCESS),
    ),
    "PLAN_LIFE": timedelta(hours=1),
    "FIRST_WAVE_SIZE": 5,
    "FIRST_SIGN_IN_WINDOW": timedelta(days=5),
    "FIRST_SIGN_IN_CHECKS": tuple(timedelta(days=day) for day in (1, 2, 3, 4)),
    "FIRST_SIGN_IN_REMINDERS": ((timedelta(days=1), Message.PILOT_WAITING, CUSTOMER_SUCCESS),),
    "STRAGGLER_REMINDERS": (
        (timedelta(days=3), Message.SIGN_IN_REMINDER, Audience.USERS),
        (timedelta(days=8), Message.SIGN_IN_REMINDER, Audience.USERS),
    ),
    "PASSWORD_GRACE_DAYS": 14,
    "INVITATION_DAYS": 30,
    "AFTERCARE_DAYS": 14,
    "MOST_AFTERCARE_DAYS": 365,
    "SESSION_HOURS": 12,
    "STAFF_SESSION_HOURS": 9,
    "ROLE_CHECK_MINUTES": 10,
    "ROLE_CHECK_RETRY_MINUTES": 1,
    "UNCHECKED_STAFF_SESSION_MINUTES": 15,
    "SETUP_SIGN_IN_HOURS": 2,
    "FAILURE_MINUTES": 15,
}

SAID = [
    ("PASSWORD_GRACE_DAYS", "mail move_announcement text", "at most 21 days"),
    ("PASSWORD_GRACE_DAYS", "mail move_announcement HTML", "at most 21 days"),
    ("PASSWORD_GRACE_DAYS", "mail result text", "at most 21 days"),
    ("PASSWORD_GRACE_DAYS", "mail result HTML", "at most 21 days"),
    ("PASSWORD_GRACE_DAYS", "page setup", "for up to 21 days."),
    ("AFTERCARE_DAYS", "page console", 'value="17"'),
    ("AFTERCARE_DAYS", "help start", "[default: 17]"),
    ("AFTERCARE_DAYS", "rehearse", "Fri 22 Jan 2027, 10:00 UTC The go-live closes as LIVE"),
    ("AFTERCARE_DAYS", "start", "17 33"),
    ("AFTERCARE_DAYS", "row of a go-live", "17"),
    ("MOST_AFTERCARE_DAYS", "page console", 'max="333"'),
    ("MOST_AFTERCARE_DAYS", "form of the console", "Le(le=333)"),
    ("MOST_AFTERCARE_DAYS", "help start", "0<=x<=333"),
    ("CONSENT_WINDOW", "start", "17 33"),
    ("CONSENT_WINDOW", "rehearse", "Sat 6 Feb 2027, 11:00 UTC It ends as expired"),
    ("CONSENT_REMINDERS", "rehearse", "Fri 15 Jan 2027, 11:00 UTC consent reminder"),
    ("ENTITLEMENT_WINDOW", "rehearse", "Tue 2 Feb 2027, 11:00 UTC It ends as not entitled"),
    ("ENTITLEMENT_REMINDERS", "rehearse", "Tue 12 Jan 2027, 11:00 UTC entitlement reminder"),
    ("ACKNOWLEDGEMENT_WINDOW", "rehearse", "Wed 20 Jan 2027, 11:00 UTC It goes on without"),
    ("ACKNOWLEDGEMENT_REMINDERS", "rehearse", "Tue 12 Jan 2027, 11:00 UTC it acknowledgement"),
    ("APPROVAL_REMINDERS", "rehearse", "Wed 13 Jan 2027, 11:00 UTC approval needed"),
    ("FIRST_SIGN_IN_WINDOW", "rehearse", "Sun 10 Jan 2027, 11:00 UTC It needs attention"),
    ("FIRST_SIGN_IN_REMINDERS", "rehearse", "Wed 6 Jan 2027, 11:00 UTC pilot waiting"),
    ("STRAGGLER_REMINDERS", "rehearse", "Tue 12 Jan 2027, 10:00 UTC sign in reminder"),
    ("MORNING", "rehearse", "Tue 5 Jan 2027, 10:00 UTC sign in with sso"),
    ("FURTHEST_DATE", "import too far", "more than 400 days away"),
    ("EXTENSION_DAYS", "page console, extend", "Without a date it is 13 days later."),
    ("EXTENSION_DAYS", "help extend", "[default: 13]"),
    ("MOST_EXTENSION_DAYS", "help extend", "1<=x<=222"),
    ("MOST_EXTENSION_DAYS", "extend too long", "moves by 1 to 222 days"),
    ("PLAN_LIFE", "help approve", "more than 2 hours old"),
    ("EVIDENCE_DAYS", "refusal sign_in_too_old", "not proven within 12 days of"),
    ("PROPAGATION", "refusal self_only", "After 25 minutes nothing is granted"),
    ("PROPAGATION", "attention not_caught_up", "after 25 minutes."),
    ("PROPAGATION", "mail needs_attention text", "after 25 minutes."),
    ("PROPAGATION", "reading back", "0:25:00"),
    ("FAILURE_MINUTES", "page too_many", "Try again in 45 minutes"),
    ("FAILURE_MINUTES", "page guessing", "Wait 45 minutes"),
]
"""What is said, and where, once the rules are those of `stated_rules.CHANGED`."""


def stated_rules(*options: str) -> dict[str, str]:
    """What a product says that starts with other rules: some are read once, when it starts."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.contracts.stated_rules", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONGEST_WAIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, str] = json.loads(done.stdout)
    return said


@pytest.fixture(scope="module")
def said_now() -> dict[str, str]:
    return stated_rules()


@pytest.fixture(scope="module")
def said_then() -> dict[str, str]:
    return stated_rules("--changed")


def test_each_rule_is_what_was_decided() -> None:
    known = {name: value for name, value in vars(rules).items() if name.isupper()}
    assert known == TODAY


@pytest.mark.parametrize(("rule", "place", "words"), SAID)
def test_a_rule_that_changes_changes_wherever_it_is_said(
    rule: str, place: str, words: str, said_now: dict[str, str], said_then: dict[str, str]
) -> None:
    assert rule in CHANGED
    assert words in said_then[place]
    assert words not in said_now[place]


def test_nothing_that_is_changed_goes_unnoticed() -> None:
    assert CHANGED.keys() == {rule for rule, _, _ in SAID}
    assert all(getattr(rules, rule) != value for rule, value in CHANGED.items())


def test_no_text_says_the_old_value_once_the_rules_have_changed(
    said_then: dict[str, str],
) -> None:
    old = re.compile(r"\b(14|15|28|365|366|7) (days?|minutes?)\b")
    assert {place: old.findall(text) for place, text in said_then.items() if old.search(text)} == {}


def test_every_rule_is_kept_by_some_code() -> None:
    """A rule that nothing reads is a promise that nobody keeps."""
    used = {name for path in product_code() for name in names_read(path)}
    used |= {name for path in TEMPLATES for name in re.findall(r"rules\.(\w+)", path.read_text())}
    assert TODAY.keys() - used == set()


# --- nothing of them is left elsewhere ------------------------------------------------------------


def product_code() -> Iterator[Path]:
    for room in ROOMS:
        yield from (path for path in (ROOT / room).rglob("*.py") if path != RULES)
    yield from (ROOT / name for name in ("worker.py", "starter.py", "settings.py"))


def names_read(path: Path) -> Iterator[str]:
    """Yield the X of every `rules.X`: rules are read where they count, never imported by name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "rules":
            yield node.attr


A_LENGTH = re.compile(r"\b\d+ (minute|hour|day|week)s?\b")


def test_no_template_says_a_length_of_time_by_a_number_of_its_own() -> None:
    for path in TEMPLATES:
        assert not A_LENGTH.search(path.read_text(encoding="utf-8")), path


def test_no_sentence_in_the_code_says_a_length_of_time_by_a_number_of_its_own() -> None:
    for path in product_code():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prose = {one.value for one in ast.walk(tree) if isinstance(one, ast.Expr)}
        found = [
            one.value
            for one in ast.walk(tree)
            if isinstance(one, ast.Constant) and one not in prose and isinstance(one.value, str)
            if A_LENGTH.search(one.value)
        ]
        assert found == [], path


NO_RULES = {
    "wording/durations.py": {"timedelta(days=1)"},  # what a day is
    "contracts/business_hours.py": {
        "timedelta(days=1)",  # the next day
        "timedelta(days=8)",  # every day of the week has been looked at by then
    },
    "database/links/renewal.py": {"timedelta(days=1)"},  # what "a day" is in NEW_LINKS_A_DAY
    "database/links/hand_off.py": {"timedelta(days=1)"},  # in MOST_HAND_OFFS_A_DAY
    "database/people/it_team.py": {"timedelta(days=1)"},  # in MOST_DATE_CHANGES_A_DAY
    "database/go_live/records.py": {
        "timedelta(days=1)"
    },  # and in MOST_REPORTS_OF_ACCOUNT, a limit of the history
}


def test_no_code_counts_days_or_takes_a_default_that_is_not_a_rule() -> None:
    """Days are what people are promised; calls have theirs in `workflows/policies.py`."""
    for path in product_code():
        name = path.relative_to(ROOT).as_posix()
        if name == "workflows/policies.py" or "migrations" in path.parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert {ast.unparse(one) for one in own_days(tree)} <= NO_RULES.get(name, set()), name


def own_days(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what counts days by a number: a `timedelta(days=7)`, or a name of days that is one."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(keywords=keywords) if ast.unparse(node.func).endswith("timedelta"):
                if any(is_a_number(one.value) and one.arg in {"days", "weeks"} for one in keywords):
                    yield node
            case ast.keyword(arg=str(name), value=value) if name.endswith("_days"):
                if is_a_number(value):
                    yield node
            case ast.Assign(targets=[ast.Name(name)], value=value) if is_of_days(name):
                if is_a_number(value):
                    yield node
            case ast.AnnAssign(target=ast.Name(name), value=value) if is_of_days(name):
                if is_a_number(value):
                    yield node
            case ast.arguments():
                positional = [*node.posonlyargs, *node.args]
                given = [
                    *zip(positional[::-1], node.defaults[::-1], strict=False),
                    *zip(node.kwonlyargs, node.kw_defaults, strict=True),
                ]
                yield from (
                    value
                    for argument, value in given
                    if value and is_of_days(argument.arg) and is_a_number(value)
                )


def is_of_days(name: str) -> bool:
    return name.lower() == "days" or name.lower().endswith("_days")


def is_a_number(value: ast.AST | None) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, int)


@pytest.mark.parametrize(
    "code",
    [
        "def start(aftercare_days: int = 14): ...",
        "def start(*, aftercare_days: int = 14): ...",
        "_GRACE_DAYS = 14",
        "class Start:\n    aftercare_days: int = 14",
        "describe(password_grace_days=14)",
        "CONSENT_WINDOW = timedelta(days=28)",
        "until = at + datetime.timedelta(weeks=2)",
    ],
)
def test_a_number_of_days_is_found(code: str) -> None:
    assert list(own_days(ast.parse(code)))


# --- working hours --------------------------------------------------------------------------------

FRIDAY_NOON = datetime(2027, 1, 8, 12, tzinfo=UTC)
SATURDAY_NOON = datetime(2027, 1, 9, 12, tzinfo=UTC)


def test_working_hours_begin_and_end_by_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MORNING", time(7, 30))
    monkeypatch.setattr(rules, "EVENING", time(11, 45))
    day = date(2027, 1, 8)
    assert business_hours.morning_of(day, "UTC") == datetime(2027, 1, 8, 7, 30, tzinfo=UTC)
    assert business_hours.evening_of(day, "UTC") == datetime(2027, 1, 8, 11, 45, tzinfo=UTC)
    assert not business_hours.is_working_time(FRIDAY_NOON, "UTC")
    assert business_hours.is_working_time(FRIDAY_NOON - timedelta(hours=4, minutes=30), "UTC")
    moved = business_hours.into_business_hours(FRIDAY_NOON, "UTC")
    assert moved == datetime(2027, 1, 11, 7, 30, tzinfo=UTC)


def test_working_days_are_those_of_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not business_hours.is_working_time(SATURDAY_NOON, "UTC")
    # Sunday to Thursday, as much of the world works.
    monkeypatch.setattr(rules, "WORKING_DAYS", frozenset({6, 0, 1, 2, 3}))
    assert not business_hours.is_working_time(FRIDAY_NOON, "UTC")
    sunday = datetime(2027, 1, 10, 9, tzinfo=UTC)
    assert business_hours.next_working_morning(FRIDAY_NOON, "UTC") == sunday


def test_two_mails_keep_the_distance_of_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "SAME_DAY", timedelta(days=2))
    monday = datetime(2027, 1, 11, 12, tzinfo=UTC)
    moments = business_hours.spread_over_business_hours([(monday, ["UTC"])] * 2)
    assert moments == [monday, monday + timedelta(days=2)]


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(days=28), "28 days"),
        (timedelta(hours=24), "1 day"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(seconds=61), "61 seconds"),
        (timedelta(), "0 days"),
    ],
)
def test_a_length_of_time_is_said_whole(length: timedelta, words: str) -> None:
    assert in_words(length) == words

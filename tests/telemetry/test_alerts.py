"""The alert rules are complete, and each says what it means and what to do."""

import re

import pytest

from contracts.go_live import GO_LIVE_BULK_QUEUE, GO_LIVE_QUEUE
from tests.cluster import ROOT
from tests.telemetry.rules import rules

OPERATING = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")


def test_every_alert_has_an_expression_a_severity_and_words() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names) > 10
    for rule in rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"].endswith(".")
        assert re.fullmatch(r"\d+[mh]", rule.get("for", "1m"))
        for opening, closing in ("()", "{}", "[]"):
            assert rule["expr"].count(opening) == rule["expr"].count(closing)


def test_what_a_summary_names_is_kept_by_its_expression() -> None:
    for rule in rules():
        for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
            assert re.search(rf"by \([^)]*\b{label}\b", rule["expr"]), rule["alert"]


@pytest.mark.parametrize("queue", [GO_LIVE_QUEUE, GO_LIVE_BULK_QUEUE])
def test_a_queue_that_nobody_serves_is_noticed(queue: str) -> None:
    absent = re.compile(r"absent\(temporal_num_pollers\{([^}]*)\} > 0\)")
    found = [
        rule["labels"]["severity"]
        for rule in rules()
        if (read := absent.fullmatch(rule["expr"])) and f'task_queue="{queue}"' in read[1]
    ]
    assert found == ["page"]


def test_every_alert_has_a_heading_in_the_operating_page_and_no_heading_lacks_one() -> None:
    _, _, after = OPERATING.partition("## Alerts")
    described, _, _ = after.partition("\n## ")
    headings = re.findall(r"(?m)^### (\w+)$", described)
    assert headings == [rule["alert"] for rule in rules()]


def test_a_run_that_grows_is_noticed_long_before_temporal_ends_it() -> None:
    """Temporal ends a run at 51,200 events, and takes 2,000 updates of it."""
    (expression,) = (rule["expr"] for rule in rules() if rule["alert"] == "RunGrowsLong")
    bounds = re.findall(r"max\((\w+)\) > (\d+)", expression)
    assert {name: int(bound) for name, bound in bounds} == {
        "golive_run_events": 51_200 // 10 - 120,
        "golive_run_updates": 2_000 // 4,
    }


def test_every_metric_of_ours_that_a_rule_reads_is_exported() -> None:
    exported = "".join(
        path.read_text(encoding="utf-8")
        for room in ("telemetry", "bootstrap")
        for path in (ROOT / room).glob("*.py")
    )
    for rule in rules():
        for name in re.findall(r"\bgolive_\w+", rule["expr"]):
            family = re.sub(r"_(total|count|sum|bucket)$", "", name)
            assert family in exported, (rule["alert"], name)

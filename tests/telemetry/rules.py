"""The alert rules, read as far as they can be held against what a stack really exports."""

import re
from dataclasses import dataclass
from typing import Any

import yaml

from tests.cluster import ROOT

FILE = ROOT / "operations" / "alerts.yaml"


@dataclass(frozen=True)
class Selector:
    """A metric that a rule reads, and the labels it asks for or groups by."""

    alert: str
    metric: str
    labels: frozenset[str]


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(FILE.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def selectors() -> list[Selector]:
    """Every metric in every rule."""
    return [
        Selector(
            rule["alert"], metric, frozenset(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", braces or ""))
        )
        for rule in rules()
        for metric, braces in re.findall(
            r"\b((?:golive|temporal)_\w+)(?:\{([^}]*)\})?", rule["expr"]
        )
    ]

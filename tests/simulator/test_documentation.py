"""The page about the simulator names everything that can be ordered."""

import re

import pytest

from simulator.control import ROUTES
from simulator.faults import FaultKind
from simulator.state import PropagationMode
from tests.simulator.pretend import ROOT

PAGE = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*FaultKind, *PropagationMode])
def test_every_fault_and_delay_is_described(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_every_control_request_is_described() -> None:
    table = [line for line in PAGE.splitlines() if "/_control/" in line and line.startswith("|")]
    described = set()
    for line in table:
        path = re.sub(r"\{[^}]*\}", "{}", re.findall(r"(/_control/[^`]*)`", line)[0])
        described |= {
            (method, path) for method in re.findall(r"\b[A-Z]{3,6}\b", line.split("|")[1])
        }
    offered = {
        (method, re.sub(r"\{[^}]*\}", "{}", route.path))
        for route in ROUTES
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert described == offered

"""Traces change nothing: histories replay with them, and no person gets into a pattern."""

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from graph.spans import pattern
from telemetry.tracing import Tracing, set_up_tracing
from tests.cluster import ROOT
from workflows.go_live import SsoGoLive
from workflows.payloads import DATA_CONVERTER

HISTORIES = sorted((ROOT / "tests" / "replay" / "histories").glob("*.json"))


@pytest.mark.parametrize("path", HISTORIES[:3], ids=lambda path: path.stem)
async def test_a_history_recorded_without_traces_replays_with_them(path: Path) -> None:
    history = WorkflowHistory.from_json("replayed", json.loads(path.read_text(encoding="utf-8")))
    replayer = Replayer(
        workflows=[SsoGoLive], data_converter=DATA_CONVERTER, interceptors=[Tracing()]
    )
    await replayer.replay_workflow(history)


def test_nothing_is_traced_unless_a_collector_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    assert set_up_tracing("test") == []


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/v1.0/users", "/v1.0/users"),
        ("/v1.0/users/anna@acme.example/manager", "/v1.0/users/{}/{}"),
        ("/acme.example/v2.0/.well-known/openid-configuration",
         "/{}/v2.0/.well-known/openid-configuration"),
        ("", ""),
    ],
)  # fmt: skip
def test_of_a_path_only_microsoft_s_own_words_are_kept(path: str, kept: str) -> None:
    assert pattern(path) == kept

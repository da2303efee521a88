"""Makes the trouble of a plan, step by step, and notes what happened when."""

import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2

from local import loopback
from tests.chaos.checker import Moment
from tests.chaos.environment import ChaosEnvironment
from tests.chaos.plan import WORKERS, Plan, Step
from tests.chaos.workers import Workers

AT_ONCE = 4
"""Mails that a worker has on their way to the relay at the same time, at most."""

BETWEEN_RELAY_AND_NOTE = {"mailbox", "postgresql", "temporal"}
"""Parts whose end may keep a worker from noting what the relay took; the web sends no mail."""


@dataclass
class Trouble:
    """What has been done to the chaos_environment so far."""

    chaos_environment: ChaosEnvironment
    workers: Workers
    kills: int = 0
    outages: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    moments: list[Moment] = field(default_factory=list)
    """Whatever may have come between the relay's yes and our note."""
    stopped: threading.Event = field(default_factory=threading.Event)

    def make(self, plan: Plan) -> None:
        """Do all of the plan; in the end everything is there again."""
        for step in plan.steps:
            if self.stopped.is_set():
                return
            self._step(step)
        self.end()

    def end(self) -> None:
        """Let everything work again."""
        self._ask("DELETE", f"{self.chaos_environment.cluster.simulator}/_control/faults")
        self._ask("DELETE", f"{self.chaos_environment.cluster.endpoints.mailbox}/api/faults")
        for slot in range(WORKERS):
            self.workers.until_ready(slot)

    def _step(self, step: Step) -> None:
        if step.graph_fault is not None:
            self.faults[step.graph_fault["kind"]] += 1
            self._ask(
                "POST",
                f"{self.chaos_environment.cluster.simulator}/_control/faults",
                step.graph_fault,
            )
        if step.drop_after_data:
            self.faults["drop_after_data"] += 1
            order = {"drop_after_data": step.drop_after_data}
            self._ask(
                "POST", f"{self.chaos_environment.cluster.endpoints.mailbox}/api/faults", order
            )
        self.workers.until_ready(step.slot)
        time.sleep(step.after)
        away_from = time.time()
        if step.outage is not None:
            self.chaos_environment.stack.supervisor.kill(step.outage)
            self.outages[step.outage] += 1
        if step.line_fault is not None:
            self.chaos_environment.lines.begin(step.line_fault)
            self.faults[step.line_fault] += 1
        kill_from = time.time()
        self.workers.kill(step.slot)
        self.moments.append(Moment(kill_from, time.time(), AT_ONCE))
        self.kills += 1
        self.workers.start(step.slot)
        if step.line_fault is not None:
            time.sleep(step.away)
            self.chaos_environment.lines.end(step.line_fault)
            # Whatever it is, it lies between the relay's yes and our note of it.
            self.moments.append(Moment(away_from, time.time(), AT_ONCE * WORKERS))
        if step.outage is not None:
            time.sleep(step.away)
            self.chaos_environment.stack.supervisor.restart(step.outage)
            if step.outage in BETWEEN_RELAY_AND_NOTE:
                self.moments.append(Moment(away_from, time.time(), AT_ONCE * WORKERS))

    @staticmethod
    def _ask(method: str, url: str, body: dict[str, Any] | None = None) -> None:
        # A part that has just been killed cannot be asked; the next step asks again.
        with suppress(httpx2.TransportError):
            loopback.request(method, url, json=body).raise_for_status()

"""Metrics that are read at each scrape: of the record, and of Microsoft Graph."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from contracts.go_live import Attention, GoLiveOutcome
from contracts.orders import Order
from database.engine import Sessions, refuse_read_only
from database.go_live import operator_counts


class RecordCollector(Collector):
    """Where every go-live stands, read from the database at each scrape.

    Ages are given as the Unix time at which something began, as Prometheus recommends:
    `time() - golive_stage_began_timestamp_seconds` is the age at any moment.
    """

    def __init__(self, sessions: Sessions) -> None:
        """Read this database."""
        self._sessions = sessions

    def describe(self) -> list[Metric]:
        """Describe nothing: registering must not query the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Read the record; an unavailable database is a metric of its own, not a failed scrape."""
        try:
            found = list(self._read())
        except SQLAlchemyError:
            found = []
        yield GaugeMetricFamily(
            "golive_database_up",
            "Whether the database answered this scrape and takes what is written.",
            float(bool(found)),
        )
        yield from found

    def _read(self) -> Iterator[Metric]:
        with self._sessions.begin() as session:
            refuse_read_only(session)
            waiting = operator_counts.waiting(session)
            stages = operator_counts.oldest_stages(session)
            attention = dict(operator_counts.needing_attention(session))
            endings = dict(operator_counts.endings(session))
            queued, first_due = operator_counts.waiting_mail(session)
            events, orders = operator_counts.longest_runs(session)
            set_aside, pending, pending_since = operator_counts.outbox(session)
            unaudited = dict(operator_counts.orders_without_audit(session))
        yield from _of_waiting(waiting)
        yield _gauge(
            "golive_stage_began_timestamp_seconds",
            "When the open go-live that is longest in this stage entered it.",
            ["stage"],
            {(stage,): began for stage, began in stages},
        )
        yield _gauge(
            "golive_needs_attention",
            "Open go-lives that stand still until a person decides, by kind.",
            ["kind"],
            {(kind.value,): attention.get(kind.value, 0) for kind in Attention},
        )
        yield _gauge(
            "golive_ended",
            "Go-lives that have ended, by outcome.",
            ["outcome"],
            {(outcome.value,): endings.get(outcome.value, 0) for outcome in GoLiveOutcome},
        )
        yield _gauge(
            "golive_unaudited_updates",
            "What runs have carried out without an entry in the audit trail, by order.",
            ["order"],
            {(order.value,): unaudited.get(order.value, 0) for order in Order},
        )
        yield GaugeMetricFamily(
            "golive_run_events", "Events in the longest history of an open go-live.", events
        )
        yield GaugeMetricFamily(
            "golive_run_updates", "Updates that an open go-live has taken, at most.", orders
        )
        yield from _of_outbox(set_aside, pending, pending_since)
        yield GaugeMetricFamily(
            "golive_mails_waiting", "Mails in the ledger that are still to be sent.", queued
        )
        yield _gauge(
            "golive_mail_due_timestamp_seconds",
            "When the mail that waits longest was due.",
            [],
            {(): first_due} if first_due is not None else {},
        )


def _of_outbox(set_aside: int, pending: int, since: float | None) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "golive_signals_set_aside", "Signals that can never reach their go-live.", set_aside
    )
    yield GaugeMetricFamily(
        "golive_signals_waiting", "Signals that are still to reach their go-live.", pending
    )
    yield _gauge(
        "golive_signal_enqueued_timestamp_seconds",
        "When the signal that waits longest was enqueued.",
        [],
        {(): since} if since is not None else {},
    )


def _of_waiting(waiting: Sequence[operator_counts.Waiting]) -> Iterator[Metric]:
    yield _gauge(
        "golive_open",
        "Open go-lives by stage and by what they wait for.",
        ["stage", "waits_for", "paused"],
        {(one.stage, one.waits_for, str(one.paused).lower()): one.go_lives for one in waiting},
    )
    # A person wanted the pause, so a paused go-live is not late.
    running = [one for one in waiting if not one.paused]
    yield _gauge(
        "golive_wait_began_timestamp_seconds",
        "When the go-live that waits longest for this began to, paused ones left out.",
        ["stage", "waits_for"],
        {(one.stage, one.waits_for): one.oldest_since for one in running},
    )
    yield _gauge(
        "golive_due_timestamp_seconds",
        "The earliest deadline of what is waited for, paused go-lives left out.",
        ["stage", "waits_for"],
        {(one.stage, one.waits_for): one.first_due for one in running if one.first_due is not None},
    )


class Spending(Protocol):
    """Usage of Microsoft Graph since the process started."""

    @property
    def units(self) -> int:
        """Resource units charged."""

    @property
    def throttles(self) -> int:
        """Times that Graph asked us to wait."""


class GraphUsageCollector(Collector):
    """Reads the usage of the Graph client, all tenants together."""

    def __init__(self, spending: Spending) -> None:
        """Read this client's usage."""
        self._spending = spending

    def collect(self) -> Iterator[Metric]:
        """Read it."""
        yield CounterMetricFamily(
            "golive_graph_resource_units",
            "Resource units that Microsoft Graph charged this process.",
            self._spending.units,
        )
        yield CounterMetricFamily(
            "golive_graph_throttles",
            "Times that Microsoft Graph asked this process to wait.",
            self._spending.throttles,
        )


def _gauge(
    name: str, text: str, labels: list[str], values: dict[tuple[str, ...], float]
) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, text, labels=labels)
    for of, value in values.items():
        gauge.add_metric(of, value)
    return gauge

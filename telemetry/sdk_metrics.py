"""The Temporal SDK's own metrics, on the same page as ours.

The SDK can serve its metrics itself, on one more port of each process. This module reads them from
its buffer instead, so that a process has one page. It empties the buffer every few seconds and
keeps the counts, so the counters only grow.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from temporalio.runtime import (
    BUFFERED_METRIC_KIND_COUNTER,
    BUFFERED_METRIC_KIND_GAUGE,
    BufferedMetricUpdate,
    MetricBuffer,
)

BUFFER_SIZE = 100_000
EMPTY_EVERY_SECONDS = 5.0

_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of the histograms' buckets, in seconds."""

_LEFT_OUT = frozenset({"service_name"})

Labels = tuple[tuple[str, str], ...]


class _Histogram:
    """Counts by bucket, and the sum."""

    def __init__(self) -> None:
        self.counts = [0] * (len(_BOUNDS) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(_BOUNDS, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        total = 0
        found = []
        for bound, count in zip((*map(str, _BOUNDS), "+Inf"), self.counts, strict=True):
            total += count
            found.append((bound, float(total)))
        return found


class SdkMetrics(Collector):
    """Keeps the counts of this process's SDK. Inside `with`, a thread empties the buffer."""

    def __init__(self, buffer: MetricBuffer) -> None:
        """Read this buffer, whose durations are seconds."""
        self._buffer = buffer
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._empty_regularly, daemon=True)
        self._texts: dict[str, str] = {}
        self._counters: dict[str, dict[Labels, float]] = {}
        self._gauges: dict[str, dict[Labels, float]] = {}
        self._histograms: dict[str, dict[Labels, _Histogram]] = {}

    def __enter__(self) -> "SdkMetrics":
        """Start to empty the buffer."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop emptying the buffer."""
        self._stopped.set()
        self._thread.join()

    def describe(self) -> list[Metric]:
        """Describe nothing in advance."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Return everything counted so far."""
        with self._lock:
            self._empty()
            for name, counted in self._counters.items():
                counter = CounterMetricFamily(name, self._texts[name])
                for labels, value in counted.items():
                    counter.add_sample(f"{name}_total", dict(labels), value)
                yield counter
            for name, counted in self._gauges.items():
                gauge = GaugeMetricFamily(name, self._texts[name])
                for labels, value in counted.items():
                    gauge.add_sample(name, dict(labels), value)
                yield gauge
            for name, kept in self._histograms.items():
                yield self._shown(name, kept)

    def _shown(self, name: str, kept: Mapping[Labels, _Histogram]) -> Metric:
        shown = HistogramMetricFamily(name, self._texts[name])
        for labels, histogram in kept.items():
            buckets = histogram.buckets()
            for bound, value in buckets:
                shown.add_sample(f"{name}_bucket", {**dict(labels), "le": bound}, value)
            shown.add_sample(f"{name}_count", dict(labels), buckets[-1][1])
            shown.add_sample(f"{name}_sum", dict(labels), histogram.sum)
        return shown

    def _empty_regularly(self) -> None:
        while not self._stopped.wait(EMPTY_EVERY_SECONDS):
            with self._lock:
                self._empty()

    def _empty(self) -> None:
        for update in self._buffer.retrieve_updates():
            self._take(update)

    def _take(self, update: BufferedMetricUpdate) -> None:
        metric = update.metric
        name = metric.name.removesuffix("_total")
        self._texts.setdefault(name, metric.description or "Counted by the Temporal SDK.")
        labels = _labels(update.attributes)
        if metric.kind == BUFFERED_METRIC_KIND_COUNTER:
            counted = self._counters.setdefault(name, {})
            counted[labels] = counted.get(labels, 0.0) + update.value
        elif metric.kind == BUFFERED_METRIC_KIND_GAUGE:
            self._gauges.setdefault(name, {})[labels] = update.value
        else:
            kept = self._histograms.setdefault(name, {})
            kept.setdefault(labels, _Histogram()).add(update.value)


def _labels(attributes: Mapping[str, Any]) -> Labels:
    return tuple(
        sorted((name, str(value)) for name, value in attributes.items() if name not in _LEFT_OUT)
    )

"""The Temporal runtime of a process, with its log lines and metrics among ours."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    MetricBuffer,
    MetricBufferDurationFormat,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from telemetry.metrics import registered
from telemetry.sdk_metrics import BUFFER_SIZE, SdkMetrics

_log = logging.getLogger("temporalio.core")


@contextmanager
def runtime(*, with_metrics: bool) -> Iterator[Runtime]:
    """Yield a runtime for this process's one client, valid inside the block."""
    lines = LoggingConfig(
        filter=TelemetryFilter(core_level="WARN", other_level="ERROR"),
        forwarding=LogForwardingConfig(
            logger=_log, append_target_to_name=False, prepend_target_on_message=False
        ),
    )
    if not with_metrics:
        yield Runtime(telemetry=TelemetryConfig(logging=lines))
        return
    buffer = MetricBuffer(BUFFER_SIZE, MetricBufferDurationFormat.SECONDS)
    made = Runtime(telemetry=TelemetryConfig(logging=lines, metrics=buffer))
    with SdkMetrics(buffer) as metrics, registered(metrics):
        yield made

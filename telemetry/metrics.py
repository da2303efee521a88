"""Metrics that the processes count; `bootstrap.collectors` has those that are read at a scrape.

No label is a person, a link or an organisation: each is one of a closed set, so that the number of
series does not grow with customers. The console and the shell show single organisations.
"""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.registry import Collector

# Those would be one more series for each counter, which nothing of ours reads.
disable_created_metrics()  # type: ignore[no-untyped-call]

CONTENT_TYPE = CONTENT_TYPE_LATEST

HTTP_SECONDS = Histogram(
    "golive_http_request_seconds",
    "How long answering a request took; the route is a pattern, never an address.",
    ["method", "route", "status"],
)
CONSENTS_REFUSED = Counter(
    "golive_consents_refused", "Consents that were not accepted, by reason.", ["reason"]
)
SLOWED_DOWN = Counter(
    "golive_slowed_down",
    "Requests refused because too many before them were made up or wrong, by what was tried.",
    ["what"],
)
BUSY = Counter("golive_busy", "Requests that found no place for their kind of slow work.", ["work"])
SIGN_INS_REFUSED = Counter(
    "golive_sign_ins_refused", "Sign-ins with Microsoft that led nowhere, by reason.", ["reason"]
)
CREDENTIAL_REFUSED = Counter(
    "golive_credential_refused",
    "Times that Microsoft refused our own certificate or secret, whatever for.",
)
CREDENTIAL_ENDS = Gauge(
    "golive_credential_ends_timestamp_seconds",
    "When our own certificate or secret at Microsoft ends.",
    ["kind"],
)
MAILS = Counter("golive_mails", "Mails handed to the relay, by what it said.", ["result"])

for _result in ("sent", "refused", "deferred", "cut_off", "perhaps_twice"):
    MAILS.labels(_result)
for _what in ("password", "link", "domain", "callback", "request"):
    SLOWED_DOWN.labels(_what)


def shown() -> bytes:
    """Return every metric of this process in Prometheus' text format."""
    return generate_latest(REGISTRY)


def may_read(authorization: str, token: str) -> bool:
    """Tell whether a request with this `Authorization` header may read the metrics."""
    return hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode())


@contextmanager
def registered(*collectors: Collector) -> Iterator[None]:
    """Register these collectors inside the block."""
    for collector in collectors:
        REGISTRY.register(collector)
    try:
        yield
    finally:
        for collector in collectors:
            REGISTRY.unregister(collector)

"""Logs of every process: JSON lines, or plain lines on a terminal, without personal data.

An exception is logged by its kind and its places. Its text is left out, also if a library logs it
or nobody caught it: a driver's text quotes rows, a mail library's quotes addresses. The text of our
activities' own errors is logged: it holds no personal data.
"""

import json
import logging
import re
import sys
import threading
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError

_organisation: ContextVar[str] = ContextVar("organisation", default="")

_GO_LIVE = "sso-go-live/"
"""Prefix of a go-live's workflow id; its organisation's slug follows."""

_FROM_TEMPORAL = ("temporal_workflow", "temporal_activity")
_KEPT = ("workflow_id", "workflow_run_id", "run_id", "activity_type", "attempt")
"""Fields that we log of those that the SDK gives for a run or an activity."""

_QUOTED = "Traceback (most recent call last)"
"""Begins a traceback that a library wrote into its message, with the exception's text."""
_PLACE = re.compile(r'^\s+File "(.+)", line (\d+), in (.+)$', re.MULTILINE)


def set_organisation(slug: str) -> None:
    """Add this organisation to all log lines of the present task from now on."""
    _organisation.set(slug)


def set_up_logging(*, terminal: bool | None = None) -> None:
    """Log to standard error: JSON lines, or plain lines on a terminal."""
    plain = sys.stderr.isatty() if terminal is None else terminal
    handler = logging.StreamHandler()
    handler.setFormatter(PlainLines() if plain else JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # We log requests by their route, because an address may hold a personal link.
    logging.getLogger("uvicorn.access").disabled = True
    for chatty in ("httpx2", "fontTools"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    _log_uncaught_exceptions()
    # Our lines have fields for that.
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False


def _log_uncaught_exceptions() -> None:
    """Log what Python would otherwise print to standard error with the exception's text."""
    log = logging.getLogger("uncaught")

    def of_process(
        kind: type[BaseException], error: BaseException, places: TracebackType | None
    ) -> None:
        log.critical("The process ends by an exception", exc_info=(kind, error, places))

    def of_thread(caught: threading.ExceptHookArgs) -> None:
        if caught.exc_value is not None:
            about = (caught.exc_type, caught.exc_value, caught.exc_traceback)
            log.error("A thread ended by an exception", exc_info=about)

    def of_nobody(caught: "sys.UnraisableHookArgs") -> None:
        if caught.exc_value is not None:
            about = (caught.exc_type, caught.exc_value, caught.exc_traceback)
            log.error("An exception could not be raised", exc_info=about)

    sys.excepthook, threading.excepthook, sys.unraisablehook = of_process, of_thread, of_nobody
    # Otherwise a log call with wrong arguments would print them.
    logging.raiseExceptions = False
    logging.captureWarnings(capture=True)


class JsonLines(logging.Formatter):
    """A line is one JSON object; `at` is UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return json.dumps(fields_of(record), ensure_ascii=False, default=str)


class PlainLines(logging.Formatter):
    """The same for people: `12:03:04 INFO worker [acme] The worker is ready.`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        known = fields_of(record)
        whom = f" [{known['organisation']}]" if "organisation" in known else ""
        error = f" ({known['error']} at {known['error_at'][-1]})" if "error" in known else ""
        at = known["at"][11:19]
        return f"{at} {known['level']} {known['logger']}{whom} {known['message']}{error}"


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return the fields of one log line."""
    fields: dict[str, Any] = {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "logger": record.name,
        "message": _message(record),
        **getattr(record, "fields", {}),
    }
    temporal = _of_temporal(record)
    fields |= {name: temporal[name] for name in _KEPT if temporal.get(name)}
    workflow_id = str(temporal.get("workflow_id", ""))
    of_run = workflow_id.removeprefix(_GO_LIVE) if workflow_id.startswith(_GO_LIVE) else ""
    organisation = of_run or _organisation.get()
    if organisation:
        fields["organisation"] = organisation
        fields.setdefault("workflow_id", f"{_GO_LIVE}{organisation}")
    if record.exc_info and record.exc_info[0] is not None:
        fields["error"] = record.exc_info[0].__name__
        if temporal and isinstance(record.exc_info[1], ApplicationError):
            fields["error_text"] = str(record.exc_info[1])
        fields["error_at"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(record.exc_info[2])
        ]
    elif _QUOTED in fields["message"]:
        said, _, quoted = fields["message"].partition(_QUOTED)
        fields["message"] = said.strip() or "An exception was raised"
        fields["error"] = "an exception"
        fields["error_at"] = [
            f"{file}:{line} {name}" for file, line, name in _PLACE.findall(quoted)
        ] or ["?"]
    return fields


def _message(record: logging.LogRecord) -> str:
    """Return the message; an exception in its place is named by its kind only."""
    if isinstance(record.msg, BaseException):
        return type(record.msg).__name__
    if any(isinstance(part, BaseException) for part in _parts(record.args)):
        return str(record.msg)
    said = record.getMessage()
    if record.name == "asyncio" and record.exc_info:
        # The first line holds a callback's arguments in brackets; the lines below it hold the
        # exception's text.
        said = said.partition("\n")[0].partition("(")[0]
    return said


def _parts(arguments: object) -> tuple[object, ...]:
    if isinstance(arguments, tuple):
        return arguments
    return tuple(arguments.values()) if isinstance(arguments, dict) else ()


def _of_temporal(record: logging.LogRecord) -> dict[str, Any]:
    for name in _FROM_TEMPORAL:
        found = getattr(record, name, None)
        if isinstance(found, dict):
            return found
    if activity.in_activity():
        info = activity.info()
        return {
            "workflow_id": info.workflow_id,
            "workflow_run_id": info.workflow_run_id,
            "activity_type": info.activity_type,
            "attempt": info.attempt,
        }
    return {}

"""Turns what a room raises into what a workflow understands, without a word that must not leak.

Whether an error may be retried is decided here, where it is known, by `ErrorType`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from contracts.errors import ErrorType
from graph import errors as graph_errors

LONGEST_PATIENCE_SECONDS = 300.0
"""Between two tries while Microsoft says that it is too busy, unless it asks for longer."""


@contextmanager
def microsoft_errors() -> Iterator[None]:
    """Translate the graph room's errors."""
    try:
        yield
    except graph_errors.ThrottledError as error:
        raise ApplicationError(
            str(error),
            type=ErrorType.MICROSOFT_THROTTLES,
            next_retry_delay=_patience(error.retry_after_seconds),
        ) from None
    except graph_errors.ConsentNotVisibleError as error:
        # Known in the tenant, and nothing granted for everyone: not applied yet, or consented for
        # one person only. Both are waited out; which of them it was, shows when the time is over.
        nothing = error.kind is graph_errors.ConsentNotVisibleKind.TOKEN_WITHOUT_ROLES
        raise ApplicationError(
            "Microsoft is still applying the consent.",
            type=ErrorType.NOTHING_GRANTED if nothing else ErrorType.NOT_YET,
        ) from None
    except graph_errors.RetryableError as error:
        raise ApplicationError(str(error), type=ErrorType.MICROSOFT_UNREACHABLE) from None
    except graph_errors.PermissionMissingError as error:
        raise ApplicationError(
            f"The consent lacks {error.permission}.", type=ErrorType.PERMISSION_MISSING
        ) from None
    except graph_errors.ApplicationDisabledError as error:
        raise ApplicationError(
            str(error), type=ErrorType.APPLICATION_DISABLED, non_retryable=True
        ) from None
    except graph_errors.CredentialRefusedError as error:
        raise ApplicationError(
            str(error), type=ErrorType.CREDENTIAL_REFUSED, non_retryable=True
        ) from None
    except graph_errors.TenantUnknownError as error:
        raise ApplicationError(
            str(error), type=ErrorType.TENANT_UNKNOWN, non_retryable=True
        ) from None
    except (graph_errors.UnexpectedAnswerError, graph_errors.ForeignLinkError) as error:
        raise ApplicationError(
            str(error), type=ErrorType.UNEXPECTED_ANSWER, non_retryable=True
        ) from None


def _patience(asked_seconds: float) -> timedelta:
    """Wait as long as Microsoft asked, and longer the longer it keeps asking."""
    attempt = activity.info().attempt if activity.in_activity() else 1
    growing = min(2.0 ** min(attempt - 1, 16), LONGEST_PATIENCE_SECONDS)
    return timedelta(seconds=max(asked_seconds, growing))


class NothingLeaks(Interceptor):
    """Logs each activity's end, and replaces every unforeseen exception by its kind.

    A database driver's text quotes rows, a mail library's quotes addresses; both would be kept
    in the history. The kind and the place are enough to look further in the worker's log.
    """

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Wrap each activity."""
        return _Guard(next)


class _Guard(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        begun = time.perf_counter()
        try:
            result = await super().execute_activity(input)
            seconds = round(time.perf_counter() - begun, 4)
            activity.logger.info("Done.", extra={"fields": {"seconds": seconds}})
            return result
        except (ApplicationError, CancelledError):
            raise
        except Exception as error:
            frame = error.__traceback__
            while frame is not None and frame.tb_next is not None:
                frame = frame.tb_next
            place = f"{frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}" if frame else "?"
            name = activity.info().activity_type
            text = f"{name} failed with {type(error).__name__} at {place}"
        activity.logger.warning(text)
        raise ApplicationError(text, type="unexpected")

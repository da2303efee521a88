"""Turns the rooms' errors into those that a workflow understands, without personal data.

This module also decides by `ErrorType` whether an error may be retried.
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

LONGEST_RETRY_DELAY_SECONDS = 300.0
"""Between two attempts while Microsoft throttles us, unless it asks for longer."""


@contextmanager
def microsoft_errors() -> Iterator[None]:
    """Translate errors of `graph/` inside the block."""
    try:
        yield
    except graph_errors.ThrottledError as error:
        raise ApplicationError(
            str(error),
            type=ErrorType.MICROSOFT_THROTTLES,
            next_retry_delay=_retry_delay(error.retry_after_seconds),
        ) from None
    except graph_errors.ConsentNotVisibleError as error:
        # The tenant knows us, and nothing is granted for everyone: the consent is not applied yet,
        # or covers one person only. We wait in both cases; the time limit shows which one it was.
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


def _retry_delay(asked_seconds: float) -> timedelta:
    """Return how long Microsoft asked us to wait, or longer after many attempts."""
    attempt = activity.info().attempt if activity.in_activity() else 1
    growing = min(2.0 ** min(attempt - 1, 16), LONGEST_RETRY_DELAY_SECONDS)
    return timedelta(seconds=max(asked_seconds, growing))


class RedactingInterceptor(Interceptor):
    """Logs each activity's end, and replaces every unexpected exception by its kind and place.

    A database driver's text quotes rows, a mail library's quotes addresses; the history would keep
    both. Kind and place are enough to find the cause in the worker's log.
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

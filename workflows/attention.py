"""What needs a person's attention: why, the person's answer, and who is notified."""

import asyncio
from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from workflows.cancellation import StoppedAfter
from workflows.execution import execute
from workflows.notices import Notices
from workflows.state import RunState
from workflows.status import StatusPublisher

with workflow.unsafe.imports_passed_through():
    from activities.directory import DirectoryActivities
    from contracts.directory import GoLiveRef
    from contracts.errors import ErrorType
    from contracts.go_live import Attention, Retry, Skip
    from contracts.notices import Audience, Message
    from workflows.policies import BEFORE_CREDENTIAL_CALL, CREDENTIAL_CALL

_OF_ERROR = {
    ErrorType.NOT_YET: Attention.MICROSOFT_NOT_CAUGHT_UP,
    ErrorType.NOTHING_GRANTED: Attention.SELF_ONLY,
    ErrorType.DOMAINS_NOT_VERIFIED: Attention.DOMAINS_NOT_VERIFIED,
    ErrorType.TENANT_UNKNOWN: Attention.TENANT_UNKNOWN,
    ErrorType.DIFFERENT_TENANTS: Attention.DIFFERENT_TENANTS,
    ErrorType.PEOPLE_IN_ANOTHER_TENANT: Attention.PEOPLE_IN_ANOTHER_TENANT,
    ErrorType.MICROSOFT_UNREACHABLE: Attention.MICROSOFT_UNREACHABLE,
    ErrorType.MICROSOFT_THROTTLES: Attention.MICROSOFT_UNREACHABLE,
    ErrorType.CREDENTIAL_REFUSED: Attention.CREDENTIAL_REFUSED,
    ErrorType.APPLICATION_DISABLED: Attention.APPLICATION_DISABLED,
    ErrorType.PERMISSION_MISSING: Attention.PERMISSION_MISSING,
    ErrorType.MAIL_UNAVAILABLE: Attention.MAIL_UNAVAILABLE,
    ErrorType.MAIL_REFUSED: Attention.MAIL_REFUSED,
}

_FOR_THE_ADMINISTRATOR = {
    Attention.SELF_ONLY,
    Attention.PERMISSION_MISSING,
    Attention.APPLICATION_DISABLED,
}
"""What only the customer's administrator can resolve."""


def attention_of(error: ActivityError) -> Attention:
    """Return which kind of attention a failed activity needs."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ApplicationError):
        cause = cause.__cause__
    if isinstance(cause, ApplicationError) and cause.type in list(ErrorType):
        return _OF_ERROR.get(ErrorType(cause.type), Attention.UNEXPECTED)
    return Attention.UNEXPECTED


class RestartStagesError(Exception):
    """The run goes through its stages again; the database knows what is already done."""


def _never() -> bool:
    return False


class AttentionRequests:
    """What needs attention now, until a person orders *retry* or *skip*."""

    def __init__(self, state: RunState, status: StatusPublisher, notices: Notices) -> None:
        """Begin with nothing that needs attention."""
        self._state, self._status, self._notices = state, status, notices
        self.why: Attention | None = None
        self.may_skip = False
        """Whether *skip* would be accepted for it."""
        self._answer: Retry | Skip | None = None
        self._beside: Attention | None = None
        """What is wrong while a wait continues; shown again when nothing else needs attention."""

    def answer(self, order: Retry | Skip) -> bool:
        """Take a person's answer, of which the first counts; False = nothing needs attention."""
        if self.why is None:
            return False
        self._answer = self._answer or order
        return True

    @property
    def is_retried_beside(self) -> bool:
        """Whether a person ordered *retry* for what is shown beside a wait."""
        return self._beside is not None and self.why is self._beside and self._answer is not None

    def show_beside(self, why: Attention) -> None:
        """Show what is wrong while a wait continues."""
        self._beside = self.why = why
        self.may_skip, self._answer = False, None

    def clear(self) -> None:
        """Clear the present request: nothing needs attention any more."""
        self._beside = self.why = self._answer = None

    async def ask_about(self, error: ActivityError, *, may_skip: bool = False) -> bool:
        """Wait until a person decides about a failed call; True = try again.

        Raises:
            ActivityError: the call did not fail, but was cancelled.
        """
        if is_cancelled_exception(error):
            raise error
        why = attention_of(error)
        if why is Attention.CREDENTIAL_REFUSED:
            await self.until_credential_accepted()
            return True
        return await self.ask(why, may_skip=may_skip)

    async def until_credential_accepted(self, *, unless: Callable[[], bool] = _never) -> None:
        """Wait until Microsoft accepts our own credential again, for an order, or for `unless`.

        It is refused in every go-live at once, and operators have an alert and a line in their
        digest: nobody is mailed about a single go-live, and none needs an order to go on.
        """
        accepted = asyncio.create_task(self._credential_accepted())
        async with StoppedAfter(accepted):
            await self.ask(Attention.CREDENTIAL_REFUSED, unless=lambda: accepted.done() or unless())

    async def _credential_accepted(self) -> None:
        await workflow.sleep(BEFORE_CREDENTIAL_CALL, summary="before our credential is tried")
        await execute(
            DirectoryActivities.check_credential,
            GoLiveRef(self._state.start.go_live_id, workflow.now()),
            CREDENTIAL_CALL,
            "does Microsoft accept our own credential again?",
        )

    async def ask(
        self, why: Attention, *, may_skip: bool = False, unless: Callable[[], bool] = _never
    ) -> bool:
        """Wait for a person's order, or for `unless`; True = try again, False = skip it."""
        self.why, self.may_skip, self._answer = why, may_skip, None
        self._state.reset_since()
        await self._status.record()
        # In the background: if mail itself is what failed, the order must not wait for it.
        notifying = asyncio.create_task(self.notify(why))
        try:
            await workflow.wait_condition(lambda: self._answer is not None or unless())
        finally:
            notifying.cancel()
            answer, self.may_skip = self._answer, False
            self.why = self._beside
            if self._beside is not None:
                self._answer = None
        self._state.reset_since()
        await self._status.record()
        return not isinstance(answer, Skip)

    async def check_for_reset(self) -> None:
        """Return at once, unless the run was reset and the record is ahead of it; then ask.

        Raises:
            RestartStagesError: a person ordered *retry*.
        """
        if self._state.ownership.was_reset:
            await self._status.record()
        if self._state.ownership.is_behind and self._state.goes_on:
            self._state.ownership.take_over()
            await self.ask(Attention.RECORD_AHEAD)
            raise RestartStagesError

    async def notify(self, why: Attention) -> None:
        """Notify customer success, and the contacts if only an administrator can help.

        Nobody is notified of our own credential: see `until_credential_accepted`.
        """
        if why is Attention.CREDENTIAL_REFUSED:
            return
        await self._notices.notify(Message.NEEDS_ATTENTION, Audience.CUSTOMER_SUCCESS)
        if why in _FOR_THE_ADMINISTRATOR:
            until = workflow.now() + self._state.consent_window
            contacts = Audience.EVERY_CONTACT
            await self._notices.notify(Message.CONSENT_TROUBLE, contacts, link_expires_at=until)

"""How the fourth stage awaits and proves the administrator's consent.

A browser that comes back from Microsoft *reports* a consent, or that somebody did not consent.
Anybody at the customer can cause such a report, so it proves nothing: `ConsentReports` only keeps
it. `ConsentProof` waits for a report, and then checks at Microsoft whether the consent is there
(`verify_consent`), in two parts:

1. The *first check* takes at most a minute, during which nothing else happens. Most consents are
   there within seconds, and nobody gets a reminder of a consent that they have just given.
2. After it, the same consent is checked for fourteen more minutes *beside* the wait: reminders go
   out and the deadline passes as if there had been no report.

Customer success can confirm a consent that stood before (`confirm_consent`); it is checked alike.

Where Microsoft refuses our own credential, the check waits until it is accepted again, and the
reminders and the deadline wait with it.

A proof that fails shows what is wrong beside the wait and notifies people once a day; a new report,
or a person's *retry*, begins the next proof. Closing as declined ends a proof at once.

A person who did not consent either *declined*: then reminders stop and customer success is
notified. Or the person *could not* consent (for example is no administrator): then reminders
continue and the contacts are notified. After either, a consent still counts, and restores the
reminders unless it is proven. The same report again is not notified again, unless there was another
try in between. Neither ends the stage: customer success does, or the deadline.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError, RetryState, is_cancelled_exception
from temporalio.workflow import ActivityConfig, ActivityHandle

from workflows.waits import Waits, opening

with workflow.unsafe.imports_passed_through():
    from activities.directory import DirectoryActivities
    from contracts import rules
    from contracts.directory import ConsentToVerify, ConsentVerdict
    from contracts.go_live import (
        Attention,
        ConfirmConsent,
        ConsentNotGiven,
        ConsentReported,
        Refusal,
        Wait,
    )
    from contracts.notices import Audience, Message
    from workflows.attention import AttentionRequests, attention_of
    from workflows.cancellation import StoppedAfter, raise_if_cancelled
    from workflows.notices import Notices
    from workflows.policies import (
        AFTER_FIRST_CHECK_CALL,
        FIRST_CHECK,
        FIRST_CHECK_CALL,
        MAIL_GOES_FIRST,
        NEARLY_A_FIRST_CHECK,
    )
    from workflows.reminders import ReminderSchedule
    from workflows.state import RunState
    from workflows.status import StatusPublisher


class ConsentReports:
    """What browsers and customer success have reported of the consent; none of it is a proof."""

    def __init__(self) -> None:
        """Begin without any."""
        self._waiting: list[ConsentReported | ConfirmConsent] = []
        self._reported_at: datetime | None = None
        self._at_hand: ConsentReported | ConfirmConsent | None = None
        self._being_checked: ConsentReported | ConfirmConsent | None = None
        """The report that is being checked at Microsoft."""
        self.not_given: ConsentNotGiven | None = None
        """The last report that somebody did not consent."""
        self.unnotified: ConsentNotGiven | None = None
        """The same, while nobody was notified of it."""
        self._tried_since = False
        """Whether a consent was reported since, so that another refusal counts as new."""
        self.closed = False
        """Whether customer success closed the go-live as declined, which ends a proof."""

    def record_consent(self, fact: ConsentReported | ConfirmConsent) -> None:
        """Record a report to be proven; the same report again only changes its time."""
        if fact not in self._waiting and fact != self._being_checked:
            self._waiting.append(fact)
        self._tried_since = True
        self._reported_at = workflow.now()

    def record_not_given(self, fact: ConsentNotGiven) -> None:
        """Record that somebody did not consent; a consent still counts. Idempotent."""
        if fact != self.not_given or self._tried_since:
            self.unnotified = fact
        self.not_given, self._tried_since = fact, False

    def take_unnotified(self) -> ConsentNotGiven | None:
        """Return the refusal that nobody was notified of yet, and count them as notified."""
        unnotified, self.unnotified = self.unnotified, None
        return unnotified

    def record_closed(self) -> None:
        """Record that customer success takes the customer's refusal as final."""
        self.closed = True

    @property
    def is_any_waiting(self) -> bool:
        """Whether there is a report whose proof has not begun."""
        return bool(self._waiting)

    @property
    def said_no(self) -> bool:
        """Whether the last person who did not consent declined, rather than could not."""
        return self.not_given is not None and self.not_given.said_no

    def take_newest(self) -> None:
        """Take the newest report, and drop older ones."""
        if self._waiting:
            self._at_hand = self._waiting.pop()
            self._waiting.clear()

    def begin_check(self) -> None:
        """Ignore repetitions of the report at hand while it is checked at Microsoft."""
        self._being_checked = self._at_hand

    def end_check(self) -> None:
        """Accept every report again."""
        self._being_checked = None

    def to_verify(self, go_live_id: str, asked_at: datetime) -> ConsentToVerify:
        """Return the newest report to be proven; its age counts from the stage's beginning."""
        self.take_newest()
        assert self._at_hand is not None  # noqa: S101  (a proof begins with a report)
        assert self._reported_at is not None  # noqa: S101
        received_at = max(self._reported_at, asked_at)
        if isinstance(self._at_hand, ConfirmConsent):
            entry = self._at_hand.reason_id
            return ConsentToVerify(go_live_id, None, None, workflow.now(), received_at, entry)
        return ConsentToVerify(
            go_live_id,
            self._at_hand.tenant_id,
            self._at_hand.administrator_object_id,
            workflow.now(),
            received_at,
        )


class ConsentProof:
    """Waits for a report, checks it at Microsoft, and says whether the consent is proven."""

    def __init__(
        self,
        state: RunState,
        status: StatusPublisher,
        notices: Notices,
        attention: AttentionRequests,
        waits: Waits,
    ) -> None:
        """Begin without a report."""
        self._state, self._status, self._notices = state, status, notices
        self._attention, self._waits = attention, waits
        self.reports = ConsentReports()
        self.refusal: Refusal | None = None
        """Why the last consent was not accepted, if one was not."""
        self._link_sent_at: datetime | None = None
        self._asked_at: datetime | None = None
        """When this stage began: the age of an earlier report counts from then on."""
        self._check: ActivityHandle[ConsentVerdict] | None = None
        """The running check at Microsoft."""
        self._notified_at: dict[Attention, datetime] = {}
        """When people were last notified of each kind of attention."""

    def record_link_sent(self) -> None:
        """Count the pack, which carries the consent link, as a consent request."""
        self._link_sent_at = workflow.now()

    def close(self) -> None:
        """End as declined, even while a consent is being proven."""
        self.reports.record_closed()
        if self._check is not None:
            self._check.cancel()

    # --- waiting for a report ----------------------------------------------------------------

    async def wait_for_proof(self) -> bool:
        """Ask for the consent and prove it; False = closed as declined, or not given in time."""
        self._asked_at = workflow.now()
        schedule = self._ask()
        while True:
            answered = await self._waits.until(
                Wait.ADMIN_CONSENT,
                lambda: (
                    self._is_to_be_proven
                    or self.reports.closed
                    or self.reports.unnotified is not None
                ),
                schedule,
            )
            if self.reports.closed:
                return False
            if self._is_to_be_proven:
                # A new try after a refusal restores the reminders, unless it is proven now.
                schedule.remind_again(workflow.now())
                if await self._prove(schedule):
                    return True
            elif not answered:
                return False
            elif (refused := self.reports.take_unnotified()) is not None:
                self._handle_refusal(refused, schedule)

    def _ask(self) -> ReminderSchedule:
        """Return the schedule; it opens with a request unless the pack brought the link today."""
        sent_at, ask = self._link_sent_at, None
        if sent_at is None or workflow.now() - sent_at >= rules.SAME_DAY:
            ask = opening(Message.CONSENT_REQUEST, Audience.FIRST_CONTACT, with_link=True)
        return self._waits.open(self._state.consent_window, *rules.CONSENT_REMINDERS, first=ask)

    def _handle_refusal(self, heard: ConsentNotGiven, schedule: ReminderSchedule) -> None:
        """Notify people beside the wait: a consent, or an order, may come meanwhile."""
        self.refusal = consent_refusal(heard.reason_code)
        if self.reports.said_no:
            schedule.stop_reminders()
            mail = self._notices.notify(Message.CONSENT_DECLINED, Audience.CUSTOMER_SUCCESS)
        else:
            schedule.remind_again(workflow.now())
            mail = self._notices.notify(
                Message.CONSENT_TROUBLE,
                Audience.EVERY_CONTACT,
                link_expires_at=schedule.deadline,
            )
        self._notices.send_in_background(mail)

    @property
    def _is_to_be_proven(self) -> bool:
        """Whether there is a new report, or a person ordered *retry* for a failed proof."""
        return self.reports.is_any_waiting or self._attention.is_retried_beside

    # --- proving it --------------------------------------------------------------------------

    async def _prove(self, schedule: ReminderSchedule) -> bool:
        """Check the consent at Microsoft.

        False = it is not proven, or customer success has closed the go-live as declined meanwhile.
        After a failed proof, a new report has the same effect as a *retry*.
        """
        self.refusal = None
        self._attention.clear()
        try:
            verdict = await self._check_once_credential_is_accepted(schedule)
        except ActivityError as error:
            if not self.reports.closed:
                if is_cancelled_exception(error):
                    raise
                await self._give_up(attention_of(error), schedule)
            return False
        if verdict is None:
            return False
        self.refusal = None if verdict.proven else consent_refusal(verdict.refusal or "")
        return verdict.proven and not self.reports.closed

    async def _check_once_credential_is_accepted(
        self, schedule: ReminderSchedule
    ) -> ConsentVerdict | None:
        """Check it, and again whenever Microsoft accepts our own credential after refusing it.

        Nobody is reminded meanwhile of a consent that they may have given, and no deadline passes.
        """
        while True:
            try:
                return await self._check_consent(schedule)
            except ActivityError as error:
                refused = attention_of(error) is Attention.CREDENTIAL_REFUSED
                if self.reports.closed or is_cancelled_exception(error) or not refused:
                    raise
            self._waits.hold(schedule)
            try:
                self._state.wait_for(Wait.MICROSOFT)
                await self._attention.until_credential_accepted(unless=lambda: self.reports.closed)
            finally:
                self._waits.release()
            if self.reports.closed:
                return None

    async def _check_consent(self, schedule: ReminderSchedule) -> ConsentVerdict | None:
        """Check it alone, then beside reminders; a check that began before the deadline counts.

        None = the go-live was closed as declined before there was an answer.
        """
        assert self._asked_at is not None  # noqa: S101  (`wait_for_proof` sets it)
        consent = self.reports.to_verify(self._state.start.go_live_id, self._asked_at)
        verdict = await self._first_check(consent, schedule)
        if verdict is not None or self.reports.closed:
            return verdict
        # Another report meanwhile does not replace this one: its turn comes if this one is not
        # proven.
        check = self._begin_check(replace(consent, at=workflow.now()), AFTER_FIRST_CHECK_CALL)
        try:
            async with StoppedAfter(check):
                if not await self._waits.until(
                    Wait.MICROSOFT, lambda: check.done() or self.reports.closed, schedule
                ):
                    await self._waits.begin(Wait.MICROSOFT)
                    self._status.update_visibility()
                return await check
        finally:
            self._end_check()

    async def _first_check(
        self, consent: ConsentToVerify, schedule: ReminderSchedule
    ) -> ConsentVerdict | None:
        """Check for the consent and do nothing else; None = it is not there within a minute."""
        check = self._begin_check(consent, FIRST_CHECK_CALL)
        self._waits.hold(schedule)
        try:
            async with StoppedAfter(check):
                await self._waits.begin(Wait.MICROSOFT)
                self._status.clear_listed_attention()
                return await check
        except ActivityError as error:
            if is_cancelled_exception(error) or error.retry_state is not RetryState.TIMEOUT:
                raise
            await self._rest_of_first_check()
            return None
        finally:
            self._end_check()
            self._waits.release()

    async def _rest_of_first_check(self) -> None:
        """Wait for the end of the first check if Microsoft delays the next try beyond it."""
        rest = self._state.since + FIRST_CHECK - workflow.now()
        if rest > NEARLY_A_FIRST_CHECK and not self.reports.closed:
            with suppress(asyncio.TimeoutError):
                await workflow.wait_condition(
                    lambda: self.reports.closed,
                    timeout=rest,
                    timeout_summary="the rest of the first check",
                )
            raise_if_cancelled()

    def _begin_check(
        self, consent: ConsentToVerify, call: ActivityConfig
    ) -> ActivityHandle[ConsentVerdict]:
        config: ActivityConfig = {
            **call,
            "summary": "read the consent back; Microsoft may take minutes to apply it",
        }
        self._check = workflow.start_activity_method(
            DirectoryActivities.verify_consent, consent, **config
        )
        self.reports.begin_check()
        return self._check

    def _end_check(self) -> None:
        self._check = None
        self.reports.end_check()

    # --- a proof that gave up ----------------------------------------------------------------

    async def _give_up(self, why: Attention, schedule: ReminderSchedule) -> None:
        """Show what is wrong beside the wait for the consent, and notify people once a day.

        A report that came meanwhile replaces the failed one, but people are still notified.
        """
        now = workflow.now()
        self.reports.take_newest()
        if not self._state.is_paused and schedule.is_over(now):
            # No proof begins after the deadline, however many reports there are.
            return
        self._attention.show_beside(why)
        self._waits.show(schedule)
        await self._waits.begin(Wait.ADMIN_CONSENT)
        notified_at = self._notified_at.get(why)
        if notified_at is None or now - notified_at >= rules.SAME_DAY:
            self._notified_at[why] = now
            notifying = self._notices.send_in_background(self._attention.notify(why))
            # The mail says what is wrong now, so the next step waits for it; but not for long,
            # and the mail is not cancelled.
            self._status.update_visibility()
            with suppress(asyncio.TimeoutError):
                await workflow.wait_condition(
                    lambda: notifying.done() or self.reports.closed,
                    timeout=MAIL_GOES_FIRST,
                    timeout_summary="mail about the trouble goes first",
                )
            raise_if_cancelled()


def consent_refusal(code: str) -> Refusal:
    """Return the reason that a code names; one that is not known is `OTHER`."""
    return Refusal(code) if code in list(Refusal) else Refusal.OTHER

"""The daily digest: one mail to each customer success manager on a working morning."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.heartbeats import heartbeating, stop_if_cancelled
from activities.mail_content import Branding, Values
from activities.mail_sending import Sending
from contracts.business_hours import is_working_time
from contracts.digests import DigestRound, DigestsSent
from contracts.errors import ErrorType
from contracts.go_live import Progress
from contracts.notices import DeliveryResult, Message
from contracts.waiting_on import WaitingOn, waiting_on
from database.engine import Sessions
from database.go_live.standings import Standing
from database.mail import digests
from database.mail.digests import Manager
from mail.rendering import render
from wording import mails, sentences

_SAID_DAYS_BEFORE = (60, 30)
"""Days before the end of our own credential on which a digest says so; operations/alerts.yaml has
the same. From the longest on it is said in whatever digest there is."""
_SAID_DAILY_DAYS_BEFORE = 7


@dataclass(frozen=True)
class Operators:
    """Who runs this installation, and what they have to know in time."""

    address: str
    credential_ends_at: datetime | None
    """When Microsoft begins to refuse our own certificate or secret; None = not known."""

    def is_time_to_say(self, since: datetime, at: datetime) -> bool:
        """Tell whether the end is worth a digest of its own: near, or nearer since the last one."""
        if self.credential_ends_at is None:
            return False
        before, left = self.credential_ends_at - since, self.credential_ends_at - at
        steps = [timedelta(days=days) for days in _SAID_DAYS_BEFORE]
        return left < timedelta(days=_SAID_DAILY_DAYS_BEFORE) or any(
            left < step <= before for step in steps
        )

    def end_in_words(self, at: datetime) -> list[str]:
        """Return the sentence about the end while it is near."""
        if self.credential_ends_at is None:
            return []
        left = self.credential_ends_at - at
        near = left < timedelta(days=max(_SAID_DAYS_BEFORE))
        return [mails.credential_ends(self.credential_ends_at, left.days)] if near else []


class NotSent(StrEnum):
    """Why a manager gets no digest now."""

    DONE_BEFORE = "done_before"
    NOTHING_TO_SAY = "nothing_to_say"


class DigestActivities:
    """Idempotent: nobody gets a second digest on one day, however often a round runs.

    A cancelled round ends after the digest at hand.
    """

    def __init__(
        self,
        sessions: Sessions,
        sending: Sending,
        branding: Branding,
        operators: Operators | None = None,
    ) -> None:
        """Use this database and this way to the relay; None = nobody is mailed as an operator."""
        self._operators = operators
        self._sessions = sessions
        self._sending = sending
        self._branding = branding

    @activity.defn(no_thread_cancel_exception=True)
    def send_digests(self, asked: DigestRound) -> DigestsSent:
        """Send today's digest to each manager within working hours who has not had it.

        Operators get it too, with go-lives of their own if they have any.

        Raises:
            ApplicationError: `MAIL_UNAVAILABLE` when the relay takes nothing now; the retry skips
                managers who have had theirs.
        """
        at = asked.at or activity.info().current_attempt_scheduled_time
        sent = refused = silent = deferred = 0
        with self._sessions.begin() as session:
            everyone = {one.id: one for one in digests.managers(session, at)}
            operator = None
            if self._operators is not None:
                operator = digests.operator(session, self._operators.address)
                everyone.setdefault(operator.id, operator)
        # The relay may take long for one digest.
        with heartbeating():
            for manager in everyone.values():
                if not is_working_time(at, manager.time_zone):
                    continue
                stop_if_cancelled()
                is_operator = operator is not None and manager.id == operator.id
                outcome = self._send(manager, at, self._operators if is_operator else None)
                sent += outcome is DeliveryResult.SENT
                refused += outcome is DeliveryResult.REFUSED
                silent += outcome is NotSent.NOTHING_TO_SAY
                deferred += outcome in {DeliveryResult.DEFERRED, DeliveryResult.CUT_OFF}
        if deferred:
            raise ApplicationError(
                f"The relay asks to try {deferred} digests again later.",
                type=ErrorType.MAIL_UNAVAILABLE,
            )
        return DigestsSent(sent, refused, silent)

    def _send(
        self, manager: Manager, at: datetime, operators: Operators | None
    ) -> DeliveryResult | NotSent:
        today = at.astimezone(ZoneInfo(manager.time_zone)).date()
        with self._sessions.begin() as session:
            if digests.is_decided(session, manager, today):
                return NotSent.DONE_BEFORE
            since = digests.last_digest(session, manager, today, at)
            found = digests.go_lives_of(session, manager, since)
            ids = [one.go_live_id for one in found if one.go_live_id]
            news = digests.news_of(session, ids, since, at)
            says_something = bool(news) or any(
                one.closed_at is not None or (one.progress is not None and needs_you(one.progress))
                for one in found
            )
            for_operators, is_news = [], False
            if operators is not None:
                refused = digests.waiting_for_credential(session)
                for_operators = operators.end_in_words(at)
                if refused:
                    for_operators = [mails.credential_refused(refused), *for_operators]
                is_news = refused > 0 or operators.is_time_to_say(since, at)
            says_something = says_something or is_news
            row = digests.queue(session, manager, today, at, says_something=says_something)
        if row is None:
            return NotSent.NOTHING_TO_SAY
        go_lives = [
            (
                one,
                one.progress,
                [
                    mails.news(each.action, each.detail, each.times)
                    for each in news.get(one.go_live_id, [])
                ],
            )
            for one in found
            if one.progress is not None and one.go_live_id is not None
        ]
        values = _values(go_lives, manager, at, self._branding) | {
            "for_operators": for_operators,
            "recipient_name": row.name,
            "owner_name": row.name,
            "owner_address": row.address,
        }
        rendered = render(Message.STAFF_DIGEST, values)
        return self._sending.send(row, rendered, self._branding.support_address)


def needs_you(progress: Progress) -> bool:
    """Tell whether a go-live continues only, or better, when its manager acts."""
    return waiting_on(progress) is WaitingOn.CUSTOMER_SUCCESS


GoLiveNews = tuple[Standing, Progress, list[str]]


def _values(
    go_lives: list[GoLiveNews], manager: Manager, at: datetime, branding: Branding
) -> Values:
    zone = ZoneInfo(manager.time_zone)
    still_open = [one for one in go_lives if one[0].closed_at is None]
    by_title: dict[str, list[GoLiveNews]] = {}
    for one in still_open:
        by_title.setdefault(mails.group(waiting_on(one[1])), []).append(one)
    return {
        "organisation_name": "",
        "support_address": branding.support_address,
        "product_name": branding.product_name,
        "login_url": f"{branding.public_url}/login",
        "link": f"{branding.public_url}/console",
        "link_expires": "",
        "digest_date": sentences.day(at.astimezone(zone)),
        "go_lives_open": len(still_open),
        "go_lives_need_you": sum(needs_you(progress) for _, progress, _ in still_open),
        "groups": [
            {
                "title": title,
                "go_lives": [_go_live(one, zone, branding) for one in _in_order(by_title[title])],
            }
            for title in mails.GROUPS
            if title in by_title
        ],
        "ended": [
            {
                "organisation_name": standing.name,
                "what": sentences.happened(progress),
                "link": f"{branding.public_url}/console/{standing.slug}",
            }
            for standing, progress, _ in go_lives
            if standing.closed_at is not None
        ],
    }


def _in_order(go_lives: list[GoLiveNews]) -> Iterable[GoLiveNews]:
    """Return what needs attention first, then what is due first."""
    return sorted(
        go_lives,
        key=lambda one: (
            one[1].attention is None,
            one[1].due_at is None,
            one[1].due_at or one[1].since,
            one[0].slug,
        ),
    )


def _go_live(go_live: GoLiveNews, zone: ZoneInfo, branding: Branding) -> Values:
    standing, progress, news = go_live
    return {
        "organisation_name": standing.name,
        "stage": sentences.STAGES[progress.stage],
        "needs_attention": progress.attention is not None,
        "happened": sentences.happened(progress),
        "to_do": sentences.to_do(progress),
        "by_itself": sentences.by_itself(progress),
        "since": sentences.day(progress.since.astimezone(zone)),
        "news": news,
        "link": f"{branding.public_url}/console/{standing.slug}",
    }

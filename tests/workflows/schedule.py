"""What the ledger says about when people were written to."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from contracts import rules
from contracts.notices import Audience, Message
from tests.bounds import LONGEST_WAIT
from tests.cluster import Organisation

CONSENT_REMINDERS = [
    one.audience for one in rules.CONSENT_REMINDERS if one.message is Message.CONSENT_REMINDER
]
"""To whom of the customer each reminder of the consent goes."""

TO_FIRST_CONTACT = len(CONSENT_REMINDERS)
"""The first contact gets all of them."""

TO_SECOND_CONTACT = CONSENT_REMINDERS.count(Audience.EVERY_CONTACT)

A_MOMENT = timedelta(seconds=LONGEST_WAIT)
"""How long after its time something may happen: the machine may be busy."""


class Mail(NamedTuple):
    message: str
    idempotency_key: str
    address: str
    due_at: datetime
    state: str
    time_zone: str


def ledger(organisation: Organisation, *messages: str) -> list[Mail]:
    """Every ledger row of an organisation's newest go-live, oldest first."""
    rows = organisation.cluster.rows(
        """
        SELECT m.message, m.idempotency_key, coalesce(u.address, c.address, s.address) AS address,
               m.due_at, m.state, coalesce(c.time_zone, p.time_zone) AS time_zone
        FROM golive.mail m JOIN golive.go_live g ON g.id = m.go_live_id
        JOIN pulse.organisation o ON o.id = g.organisation_id
        JOIN golive.preference p ON p.organisation_id = o.id
        LEFT JOIN pulse.app_user u ON u.id = m.recipient_id
        LEFT JOIN golive.contact c ON c.id = m.recipient_id
        LEFT JOIN golive.staff s ON s.id = m.recipient_id
        WHERE o.slug = :slug ORDER BY m.due_at, m.message, address
        """,
        slug=organisation.slug,
    )
    found = [Mail(*row) for row in rows]
    return [mail for mail in found if not messages or mail.message in messages]


def is_in_business_hours(mail: Mail) -> bool:
    """Whether it went out on a working day between nine and five of its reader."""
    local = mail.due_at.astimezone(ZoneInfo(mail.time_zone))
    return local.weekday() < 5 and 9 <= local.hour < 17


def count_by_message(mails: list[Mail]) -> Counter[str]:
    """How many different idempotency keys each message had."""
    return Counter(message for message, _ in {(one.message, one.idempotency_key) for one in mails})


def sent_more_than_once(mails: list[Mail]) -> list[tuple[str, str, str]]:
    """Message, idempotency key and address that stand in the ledger more than once."""
    counted = Counter((one.message, one.idempotency_key, one.address) for one in mails)
    return [key for key, times in counted.items() if times > 1]


def within_a_day(mails: list[Mail]) -> list[tuple[str, str, str, timedelta]]:
    """Address, two messages, and the time between them, for every pair less than a day apart."""
    by_address: dict[str, list[Mail]] = defaultdict(list)
    for mail in sorted(mails, key=lambda one: one.due_at):
        by_address[mail.address].append(mail)
    return [
        (address, first.message, second.message, second.due_at - first.due_at)
        for address, theirs in by_address.items()
        for first, second in pairwise(theirs)
        # The first may have been written into the ledger a moment after its time.
        if second.due_at - first.due_at < timedelta(days=1) - A_MOMENT
    ]

"""An organisation's audit trail, people's lines too, as it would be had nobody been disturbed.

Each line is held to what can be counted elsewhere, and only what an outage may add is left out:
`MAY_BE_ADDED` names all of it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import class_row

MAY_BE_ADDED: Mapping[str, str] = {
    "an order given again": "its line stands before it is given, and whoever got no answer gives "
    "it again: each attempt may have one line, and one that was answered must have one",
    "order_refused": "says of one attempt that the go-live refused it, as one before it had been "
    "carried out without an answer; one for each such attempt",
    "retry": "customer success gives it to a go-live that asks for attention, which the report "
    "of a run names by itself",
    "consent_signed_in": "the administrator whose page did not come goes to Microsoft again: one "
    "for each authorization request that proved it",
    "consent_reported": "goes with each of these, as long as the run may hear of it once more "
    "today",
    "consent_proven without an account": "where a way back from Microsoft came to nothing, the "
    "next visit finds a grant that stands already, and who gave it is not known",
    "consent_refused, sign_in_refused": "the web, of a browser that Microsoft could not be asked "
    "for: no more than there were visits that came to nothing",
}

_HEARD_A_DAY = 10
"""Consents of one administrator that a run hears of in a day."""

_NOT_ASKED = {
    "microsoft_not_asked",
    # A pretend Microsoft that was killed has forgotten the codes it gave.
    "id_token_invalid",
    "failed",
}
"""Why a browser may be refused while Microsoft is away."""

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass
class ActionLog:
    """What the people of an organisation, and customer success for it, remember doing."""

    orders: dict[str, bool] = field(default_factory=dict)
    """The reason given with each order, such as "Not sold. (2)", and whether it was answered."""
    in_vain: int = 0
    """Consents and sign-ins by a browser that came to nothing."""

    def reason(self, words: str) -> str:
        """Return the reason for one more order, which no other has."""
        made = f"{words} ({1 + sum(_words(one) == words for one in self.orders)})"
        self.orders[made] = False
        return made


class Entry(NamedTuple):
    """One line of the trail."""

    id: int
    actor: str
    action: str
    subject: str
    reason: str


def trail(database: psycopg.Connection[Any], slug: str, actions: ActionLog) -> Counter[str]:
    """Return the trail of an organisation as countable lines, without what outages add."""
    entries = _entries(database, slug)
    names = _names(database, slug)
    lines = _orders(entries, actions)
    refusable = {
        f"order:{one.id}" for one in entries if actions.orders.get(one.reason, True) is False
    }
    in_vain = actions.in_vain
    for entry in entries:
        if entry.reason in actions.orders and entry.action != "order_refused":
            continue
        if entry.action == "order_refused" and entry.subject in refusable:
            refusable.discard(entry.subject)
            continue
        if (
            entry.actor == "system"
            and entry.action in {"consent_refused", "sign_in_refused"}
            and entry.reason in _NOT_ASKED
            and in_vain > 0
        ):
            in_vain -= 1
            continue
        if entry.action == "consent_proven" and not entry.reason and actions.in_vain > 0:
            entry = entry._replace(reason=f"account {UUID(int=0)}")
        lines[_line(entry, names)] += 1
    _one_for_each_consent(lines, _proven_trips(database, slug))
    return lines


def _orders(entries: Iterable[Entry], actions: ActionLog) -> Counter[str]:
    """Return one line for each order that had to be given, however often it was."""
    lines: Counter[str] = Counter()
    written: Counter[str] = Counter()
    kinds: dict[str, Entry] = {}
    for entry in entries:
        if entry.reason in actions.orders and entry.action != "order_refused":
            written[entry.reason] += 1
            kinds[_words(entry.reason)] = entry
    for words, entry in kinds.items():
        if entry.action == "retry":
            continue
        attempts = [reason for reason in actions.orders if _words(reason) == words]
        again = sum(max(0, written[reason] - 1) for reason in attempts)
        lacking = sum(actions.orders[reason] and not written[reason] for reason in attempts)
        lines[f"audit {entry.actor} {entry.action} ({words})"] = 1 + again - lacking
    return lines


def _one_for_each_consent(lines: Counter[str], requests: int) -> None:
    for action, due in (
        ("consent_signed_in", requests),
        ("consent_reported", min(requests, _HEARD_A_DAY)),
    ):
        for line in [one for one in lines if one.startswith(f"audit system {action} ")]:
            lines[line] -= max(0, due - 1)


def _line(entry: Entry, names: Mapping[str, str]) -> str:
    said = ["audit", names.get(entry.actor, entry.actor), entry.action]
    if entry.subject:
        said.append(names.get(entry.subject, entry.subject))
    if entry.reason:
        said.append(f"({_ID.sub('ID', entry.reason)})")
    return " ".join(said)


def _words(reason: str) -> str:
    return reason.rpartition(" (")[0]


def _entries(database: psycopg.Connection[Any], slug: str) -> list[Entry]:
    return (
        database.cursor(row_factory=class_row(Entry))
        .execute(
            "SELECT a.id, a.actor, a.action, a.subject, a.reason FROM golive.audit_entry a "
            "JOIN pulse.organisation o ON o.id = a.organisation_id WHERE o.slug = %s ORDER BY a.id",
            (slug,),
        )
        .fetchall()
    )


def _proven_trips(database: psycopg.Connection[Any], slug: str) -> int:
    row = database.execute(
        "SELECT count(*) FROM golive.authorization_request t "
        "JOIN golive.go_live g ON g.id = t.go_live_id "
        "JOIN pulse.organisation o ON o.id = g.organisation_id "
        "WHERE o.slug = %s AND t.purpose = 'consent_sign_in' AND t.evidence_id IS NOT NULL",
        (slug,),
    ).fetchone()
    assert row is not None
    return int(row[0])


def _names(database: psycopg.Connection[Any], slug: str) -> dict[str, str]:
    """Return who or what an id of the trail is: the same for each organisation of a kind."""
    rows = database.execute(
        """
        WITH o AS (SELECT id FROM pulse.organisation WHERE slug = %(slug)s),
             g AS (SELECT g.id, g.tenant_id FROM golive.go_live g JOIN o ON o.id = organisation_id)
        SELECT 'user:' || u.id, split_part(u.address, '@', 1)
        FROM pulse.app_user u JOIN o ON o.id = u.organisation_id
        UNION ALL SELECT 'contact:' || c.id, 'contact ' || c.position
        FROM golive.contact c JOIN o ON o.id = c.organisation_id
        UNION ALL SELECT 'link:' || l.id, l.purpose || ' link of '
            || coalesce('contact ' || c.position, split_part(u.address, '@', 1), 'nobody')
        FROM golive.personal_link l JOIN g ON g.id = l.go_live_id
        LEFT JOIN golive.contact c ON c.id = l.contact_id
        LEFT JOIN pulse.app_user u ON u.id = l.user_id
        UNION ALL SELECT 'evidence:' || e.id, 'its evidence'
        FROM golive.consent_evidence e JOIN g ON g.id = e.go_live_id
        UNION ALL SELECT g.tenant_id::text, 'its tenant' FROM g WHERE g.tenant_id IS NOT NULL
        """,
        {"slug": slug},
    ).fetchall()
    return {str(row[0]): str(row[1]) for row in rows}

"""What an import would change: each organisation and user beside what is known of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import text
from sqlmodel import Session, select

from contracts.addresses import address_key, named_address
from database.go_live import records
from database.mail import mail_facts
from database.models import Agreement, Organisation, Preference, Staff
from database.people.upserts import ImportedOrganisation, ImportedUser, stage_users


class ChangeKind(StrEnum):
    """What an import does to one row."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class ValueChange:
    """One column whose value becomes another one."""

    column: str
    old: str
    new: str


@dataclass(frozen=True)
class OrganisationChange:
    """What becomes of one organisation."""

    slug: str
    name: str
    kind: ChangeKind
    values: tuple[ValueChange, ...] = ()
    handed_over_to: str = ""
    """Handle of the new owner, where it gets another one."""


@dataclass(frozen=True)
class UserChange:
    """What becomes of one user whom we know."""

    organisation: str
    address: str
    values: tuple[ValueChange, ...]


@dataclass(frozen=True)
class ImportChanges:
    """What an import would change."""

    organisations: tuple[OrganisationChange, ...]
    users_new: int
    users_changed: int
    users_unchanged: int
    changed_users: tuple[UserChange, ...]
    """The first of them, by organisation and address."""


def changes_of(
    session: Session,
    organisations: Sequence[ImportedOrganisation],
    users: Sequence[ImportedUser],
    at_most: int,
) -> ImportChanges:
    """Compare checked rows with what is known; list `at_most` changed users. Changes nothing."""
    stage_users(session, users)
    counts = {
        row.kind: row.users
        for row in session.execute(
            text(f"{_COMPARED} SELECT kind, count(*) AS users FROM compared GROUP BY kind")
        )
    }
    listed = session.execute(
        text(
            f"{_COMPARED} SELECT * FROM compared WHERE kind = 'changed' "
            "ORDER BY organisation, address LIMIT :at_most"
        ),
        {"at_most": at_most},
    )
    return ImportChanges(
        tuple(_organisation(session, one) for one in organisations),
        counts.get(ChangeKind.NEW, 0),
        counts.get(ChangeKind.CHANGED, 0),
        counts.get(ChangeKind.UNCHANGED, 0),
        tuple(
            UserChange(
                row.organisation,
                row.address,
                tuple(
                    ValueChange(column, *map(str, pair))
                    for column, pair in zip(
                        _USER_COLUMNS, (row.e, row.d, row.s, row.g), strict=True
                    )
                    if pair[0] != pair[1]
                ),
            )
            for row in listed
        ),
    )


_USER_COLUMNS = ("email", "display_name", "status", "group")
_COMPARED = """
WITH compared AS (
    SELECT i.organisation, i.address,
           ARRAY[k.address, i.address] AS e, ARRAY[k.display_name, i.display_name] AS d,
           ARRAY[k.status, i.status] AS s, ARRAY[k.group_name, i.group_name] AS g,
           CASE WHEN k.id IS NULL THEN 'new'
                WHEN (k.address, k.display_name, k.status, k.group_name)
                     IS DISTINCT FROM (i.address, i.display_name, i.status, i.group_name)
                THEN 'changed' ELSE 'unchanged' END AS kind
    FROM (
        SELECT u.organisation, u.address, u.address_key, u.display_name,
               coalesce(u.group_name, k.group_name, '') AS group_name,
               -- As the import keeps it: nobody who has signed in is invited again.
               CASE WHEN u.status = 'invited' AND k.first_sso_sign_in_at IS NOT NULL
                    THEN k.status ELSE u.status END AS status
        FROM imported_user u
        LEFT JOIN pulse.organisation o ON o.slug = u.organisation
        LEFT JOIN pulse.app_user k ON k.organisation_id = o.id AND k.address_key = u.address_key
    ) i
    LEFT JOIN pulse.organisation o ON o.slug = i.organisation
    LEFT JOIN pulse.app_user k ON k.organisation_id = o.id AND k.address_key = i.address_key
)
"""


def _organisation(session: Session, imported: ImportedOrganisation) -> OrganisationChange:
    known = session.exec(select(Organisation).where(Organisation.slug == imported.slug)).first()
    if known is None:
        return OrganisationChange(imported.slug, imported.name, ChangeKind.NEW)
    old = _known_values(session, known)
    new = _imported_values(imported, old)
    values = tuple(
        ValueChange(column, old[column], new[column])
        for column in old
        if old[column] != new[column]
    )
    handle = old["customer_success_handle"]
    return OrganisationChange(
        imported.slug,
        imported.name,
        ChangeKind.CHANGED if values else ChangeKind.UNCHANGED,
        values,
        imported.owner_handle if imported.owner_handle != handle else "",
    )


def _known_values(session: Session, known: Organisation) -> dict[str, str]:
    preference = session.get_one(Preference, known.id)
    owner = session.get_one(Staff, preference.owner_id)
    agreement = session.get(Agreement, known.id)
    contacts = mail_facts.contacts_of(session, known.id)
    return {
        "name": known.name,
        "domains": "; ".join(sorted(records.organisation_domains(session, known.id))),
        "customer_success_handle": owner.handle,
        "customer_success_time_zone": owner.time_zone or "",
        "it_contacts": "; ".join(_person(one.name, one.address) for one in contacts),
        "sso_included": _yes(agreement is not None and agreement.sso_included),
        "agreement_start": str(agreement.starts_on) if agreement else "",
        "agreement_end": str(agreement.ends_on) if agreement else "",
        "time_zone": preference.time_zone,
        "exception_threshold": str(preference.exception_threshold),
        "it_acknowledgement": _yes(preference.it_acknowledgement),
        "link_external_members": _yes(preference.link_external_members),
        "go_live_date": str(preference.go_live_date or ""),
    }


def _imported_values(imported: ImportedOrganisation, old: dict[str, str]) -> dict[str, str]:
    """Return the values as they would be: an import adds domains and contacts, and removes none."""
    named = {one.address_key: one for one in imported.contacts}
    others = [
        part
        for part in old["it_contacts"].split("; ")
        if part and address_key(named_address(part)[1]) not in named
    ]
    contacts = [_person(one.name, one.address) for one in named.values()]
    return {
        "name": imported.name,
        "domains": "; ".join(
            sorted({*imported.domains, *filter(None, old["domains"].split("; "))})
        ),
        "customer_success_handle": imported.owner_handle,
        "customer_success_time_zone": imported.owner_time_zone
        or (
            old["customer_success_time_zone"]
            if imported.owner_handle == old["customer_success_handle"]
            else ""
        ),
        "it_contacts": "; ".join([*contacts, *others]),
        "sso_included": _yes(imported.sso_included),
        "agreement_start": str(imported.agreement_start),
        "agreement_end": str(imported.agreement_end),
        "time_zone": imported.time_zone,
        "exception_threshold": str(imported.exception_threshold),
        "it_acknowledgement": _yes(imported.it_acknowledgement),
        "link_external_members": _yes(imported.link_external_members),
        "go_live_date": str(imported.go_live_date or ""),
    }


def _person(name: str, address: str) -> str:
    return f"{name} <{address}>" if name else address


def _yes(value: bool) -> str:
    return "yes" if value else "no"

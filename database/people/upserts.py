"""Writes imported organisations, their people and our staff: upserts, never deletes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from contracts.addresses import address_key, folded_key
from database.go_live import records
from database.models import Organisation, OrganisationDomain, Preference, Staff
from database.people import contacts


@dataclass(frozen=True)
class ImportedContact:
    """A person of the customer's IT team."""

    name: str
    address: str
    address_key: str


@dataclass(frozen=True)
class ImportedOrganisation:
    """One row of an organisations file, checked."""

    slug: str
    name: str
    domains: tuple[str, ...]
    owner_handle: str
    owner_address: str
    owner_address_key: str
    owner_time_zone: str | None
    """None = the file does not say, and the known one stays."""
    contacts: tuple[ImportedContact, ...]
    sso_included: bool
    agreement_start: date
    agreement_end: date
    time_zone: str
    exception_threshold: int
    it_acknowledgement: bool
    link_external_members: bool
    go_live_date: date | None


@dataclass(frozen=True, slots=True)
class ImportedUser:
    """One row of a users file, checked."""

    organisation: str
    address: str
    address_key: str
    display_name: str
    status: str
    group: str | None
    """None = the file does not say, and the known one stays."""


@dataclass(frozen=True)
class HandedOver:
    """An organisation whose open go-live got another owner by an import."""

    slug: str
    owner: str
    """Handle of the new owner."""


def owners_of_domains(session: Session, domains: Sequence[str]) -> dict[str, str]:
    """Return the organisation (slug) of each of these domains that already has one."""
    rows = session.exec(
        select(OrganisationDomain.domain, Organisation.slug)
        .join(Organisation, col(Organisation.id) == col(OrganisationDomain.organisation_id))
        .where(col(OrganisationDomain.domain).in_(domains))
    )
    return dict(rows.all())


def staff_addresses(session: Session) -> dict[str, str]:
    """Return every member of staff's address, as it was written, by handle."""
    return dict(session.exec(select(Staff.handle, Staff.address)).all())


def hold_imports(session: Session) -> None:
    """Keep other imports from writing until this transaction ends: what was checked stays true."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('import', 0))"))


def known_slugs(session: Session) -> set[str]:
    """Return the slugs of all organisations."""
    return set(session.exec(select(Organisation.slug)))


def preferences(session: Session, slugs: Sequence[str]) -> dict[str, Preference]:
    """Return the preferences of those of these organisations (slugs) that are known."""
    rows = session.exec(
        select(Organisation.slug, Preference)
        .join(Preference, col(Preference.organisation_id) == col(Organisation.id))
        .where(col(Organisation.slug).in_(slugs))
    )
    return dict(rows.all())


def save_organisations(
    session: Session, organisations: Sequence[ImportedOrganisation], at: datetime
) -> list[HandedOver]:
    """Insert or update organisations with their agreement, preferences, domains and contacts.

    A member of staff who is known keeps the address, which other organisations rest on. Contacts
    are asked in the order of the file; those it does not name come after. Returns the
    organisations whose open go-live got another owner.
    """
    handed_over = []
    for imported in organisations:
        _save_organisation(session, imported)
        organisation = records.organisation_by_slug(session, imported.slug)
        looks_after = contacts.owner_of_open_go_live(session, organisation.id)
        if looks_after is not None and looks_after != imported.owner_handle:
            owner = records.staff_by_handle(session, imported.owner_handle)
            contacts.change_owner(session, organisation, owner, by="system", at=at, reason="import")
            handed_over.append(HandedOver(imported.slug, imported.owner_handle))
    session.flush()
    return handed_over


def _save_organisation(session: Session, imported: ImportedOrganisation) -> None:
    keys: dict[str, Any] = {
        **imported.__dict__,
        "owner_id": _one(
            session,
            """
            INSERT INTO golive.staff AS known (id, handle, address, address_key, name, time_zone)
            VALUES (gen_random_uuid(), :owner_handle, :owner_address, :owner_address_key,
                    :owner_name, :owner_time_zone)
            ON CONFLICT (handle) DO UPDATE SET
                time_zone = coalesce(excluded.time_zone, known.time_zone) RETURNING id
            """,
            {**imported.__dict__, "owner_name": _name_from(imported.owner_handle)},
        ),
    }
    keys["organisation_id"] = _one(
        session,
        """
        INSERT INTO pulse.organisation (id, slug, name, sso_offered)
        VALUES (gen_random_uuid(), :slug, :name, false)
        ON CONFLICT (slug) DO UPDATE SET name = excluded.name RETURNING id
        """,
        keys,
    )
    for statement in (
        """
        INSERT INTO pulse.agreement (organisation_id, sso_included, starts_on, ends_on)
        VALUES (:organisation_id, :sso_included, :agreement_start, :agreement_end)
        ON CONFLICT (organisation_id) DO UPDATE SET sso_included = excluded.sso_included,
            starts_on = excluded.starts_on, ends_on = excluded.ends_on
        """,
        """
        INSERT INTO golive.preference (organisation_id, owner_id, time_zone, exception_threshold,
            it_acknowledgement, link_external_members, go_live_date)
        VALUES (:organisation_id, :owner_id, :time_zone, :exception_threshold,
            :it_acknowledgement, :link_external_members, :go_live_date)
        ON CONFLICT (organisation_id) DO UPDATE SET owner_id = excluded.owner_id,
            time_zone = excluded.time_zone, exception_threshold = excluded.exception_threshold,
            it_acknowledgement = excluded.it_acknowledgement,
            link_external_members = excluded.link_external_members,
            go_live_date = excluded.go_live_date
        """,
    ):
        session.execute(text(statement), keys)
    for domain in imported.domains:
        session.execute(
            text(
                "INSERT INTO pulse.organisation_domain (domain, organisation_id) "
                "VALUES (:domain, :organisation_id) ON CONFLICT (domain) DO NOTHING"
            ),
            {"domain": domain, "organisation_id": keys["organisation_id"]},
        )
    named = [address_key(contact.address) for contact in imported.contacts]
    session.execute(
        text(
            """
            UPDATE golive.contact c SET position = :named + o.place
            FROM (SELECT id, row_number() OVER (ORDER BY position, id) AS place
                  FROM golive.contact WHERE organisation_id = :organisation_id
                    AND address_key <> ALL (:keys)) o
            WHERE c.id = o.id
            """
        ),
        {**keys, "named": len(named), "keys": named},
    )
    for position, contact in enumerate(imported.contacts, start=1):
        session.execute(
            text(
                """
                INSERT INTO golive.contact (id, organisation_id, position, name, address,
                    address_key, time_zone)
                VALUES (gen_random_uuid(), :organisation_id, :position, :contact_name,
                    :contact_address, :contact_address_key, :time_zone)
                ON CONFLICT (organisation_id, address_key) DO UPDATE SET
                    position = excluded.position, name = excluded.name,
                    address = excluded.address, time_zone = excluded.time_zone, left_at = NULL
                """
            ),
            {
                **keys,
                "position": position,
                "contact_name": contact.name,
                "contact_address": contact.address,
                "contact_address_key": contact.address_key,
            },
        )


def _name_from(handle: str) -> str:
    """Return a name for a new member of staff by the handle: `dana.lee` becomes Dana Lee."""
    return re.sub(r"[._-]+", " ", handle).title()


def stage_users(session: Session, users: Sequence[ImportedUser]) -> None:
    """Copy users into a table of this transaction's own, `imported_user`."""
    session.execute(text("DROP TABLE IF EXISTS pg_temp.imported_user"))
    session.execute(
        text(
            """
            CREATE TEMPORARY TABLE imported_user (organisation text, address text,
                address_key text, folded_key text, display_name text, status text, group_name text)
            ON COMMIT DROP
            """
        )
    )
    cursor = session.connection().connection.cursor()
    with cursor.copy("COPY imported_user FROM STDIN") as copy:
        for user in users:
            folded = folded_key(user.address_key)
            copy.write_row(
                (
                    user.organisation,
                    user.address,
                    user.address_key,
                    folded if folded != user.address_key else None,
                    user.display_name,
                    user.status,
                    user.group,
                )
            )


def save_users(session: Session, users: Sequence[ImportedUser]) -> None:
    """Insert or update users as a set; their sign-in method does not change."""
    stage_users(session, users)
    session.execute(
        text(
            """
            INSERT INTO pulse.app_user AS known (id, organisation_id, address, address_key,
                folded_key, display_name, status, sign_in_method, group_name)
            SELECT gen_random_uuid(), o.id, i.address, i.address_key, i.folded_key,
                i.display_name, i.status, 'password', coalesce(i.group_name, k.group_name, '')
            FROM imported_user i JOIN pulse.organisation o ON o.slug = i.organisation
            LEFT JOIN pulse.app_user k
                ON k.organisation_id = o.id AND k.address_key = i.address_key
            ON CONFLICT (organisation_id, address_key) DO UPDATE SET
                address = excluded.address, display_name = excluded.display_name,
                group_name = excluded.group_name,
                status = CASE WHEN known.first_sso_sign_in_at IS NOT NULL
                                AND excluded.status = 'invited' THEN known.status
                              ELSE excluded.status END
            """
        )
    )
    session.execute(text("ANALYZE pulse.app_user"))


def _one(session: Session, statement: str, keys: dict[str, Any]) -> UUID:
    value: UUID = session.execute(text(statement), keys).scalar_one()
    return value

"""An organisation in the middle of a move, made straight in the database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlmodel import Session

from activities.staging import staged_entries
from contracts.addresses import address_key, folded_key
from contracts.directory import MigrationPlan, Wave
from contracts.links import LinkPurpose
from database.mail import ledger
from database.models import (
    AppSession,
    AppUser,
    Contact,
    GoLive,
    Organisation,
    PersonalLink,
    Preference,
    SsoConnection,
    Staff,
    VerifiedDomain,
)
from database.moves import plans, staging, waves
from graph.directory import users_of

AT = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
PAGE = 7
MOVE_CLASSES = {"link", "invite", "already_linked"}
"""What a plan decides about a user; any other class is the reason of an exception."""


@dataclass
class Customer:
    """One organisation with its proven tenant and its open go-live."""

    session: Session
    organisation_id: UUID
    go_live_id: UUID
    tenant_id: UUID
    administrator: UUID = field(default_factory=uuid4)

    def user(self, address: str, **values: Any) -> AppUser:
        """A user of this organisation."""
        user = AppUser(
            **{
                "organisation_id": self.organisation_id,
                "address": address,
                "address_key": address_key(address),
                "folded_key": folded_key(address_key(address)),
                "display_name": "Somebody",
                "status": "active",
                **values,
            }
        )
        self.session.add(user)
        return user

    def signed_in(self, user: AppUser) -> None:
        self.session.flush()
        self.session.add(
            AppSession(
                token_sha256=uuid4().hex,
                user_id=user.id,
                method="password",
                started_at=AT,
                expires_at=AT + timedelta(days=1),
            )
        )

    def consent_link(self, version: int = 1) -> PersonalLink:
        """The valid consent link of a new contact."""
        contact = Contact(
            organisation_id=self.organisation_id,
            position=1,
            name="Ira Tee",
            address="it@acme.example",
            address_key="it@acme.example",
        )
        self.session.add(contact)
        self.session.flush()
        link = PersonalLink(
            go_live_id=self.go_live_id,
            purpose=LinkPurpose.CONSENT,
            contact_id=contact.id,
            expires_at=AT + timedelta(days=9),
            version=version,
        )
        self.session.add(link)
        self.session.flush()
        return link

    def stage(self, accounts: Sequence[dict[str, Any]], page: int = PAGE) -> None:
        """Put what Microsoft would answer into staging, page by page."""
        self.session.flush()
        cursor = staging.begin_staging(self.session, self.go_live_id, f"test {uuid4()}", 1)
        for start in range(0, max(1, len(accounts)), page):
            users = users_of({"value": accounts[start : start + page]})
            more = "next" if start + page < len(accounts) else None
            cursor = staging.stage_page(
                self.session, self.go_live_id, cursor, staged_entries(users), more
            )
        assert cursor.is_complete

    def plan(self) -> MigrationPlan:
        self.session.flush()
        return plans.make_plan(
            self.session, self.go_live_id, self.organisation_id, self.tenant_id, AT
        )

    def move(self, size: int = 100, chosen: Iterable[Wave] = Wave) -> int:
        return sum(move_wave(self.session, self, wave, size) for wave in chosen)

    def undo(self, size: int = 100) -> None:
        waves.begin_undo(self.session, self.go_live_id, AT)
        while ledger.withdraw_batch(self.session, self.go_live_id, size=size):
            pass
        while waves.undo_batch(self.session, self.go_live_id, at=AT, size=size):
            pass

    def rows(self, statement: str, **values: Any) -> list[Any]:
        keys = {"g": self.go_live_id, "o": self.organisation_id, **values}
        return [tuple(row) for row in self.session.execute(text(statement), keys)]

    def classes(self) -> dict[UUID, str]:
        """Each planned user's class, or the reason of their exception."""
        rows = self.rows(
            "SELECT user_id, coalesce(reason, move_class) FROM golive.user_move "
            "WHERE go_live_id = :g"
        )
        assert len({user_id for user_id, _ in rows}) == len(rows)
        return dict(rows)


def move_wave(session: Session, customer: Customer, wave: Wave, size: int) -> int:
    moved = 0
    while named := move_once(session, customer, wave, size):
        moved += named
    return moved


def move_once(session: Session, customer: Customer, wave: Wave, size: int) -> int:
    return waves.move_batch(
        session,
        customer.go_live_id,
        customer.tenant_id,
        wave=wave,
        at=AT,
        password_until=AT + timedelta(days=14),
        invitation_expires_at=AT + timedelta(days=30),
        size=size,
    )


def customer(
    session: Session,
    *domains: str,
    tenant_id: UUID | None = None,
    unlisted: Iterable[str] = (),
    **preference: Any,
) -> Customer:
    """Found an organisation whose consent is proven.

    Its tenant has verified these domains, and they are on our list but for the `unlisted`; on the
    list a domain is one organisation's, so the newest one has it.
    """
    slug = f"t{uuid4().hex[:10]}"
    staff = Staff(handle=slug, address=f"{slug}@us.example", address_key=f"{slug}@us.example")
    organisation = Organisation(slug=slug, name=slug.title(), sso_offered=True)
    go_live = GoLive(
        organisation_id=organisation.id,
        number=1,
        owner_id=staff.id,
        started_at=AT,
        since=AT,
        stage="users_migrated",
    )
    made = Customer(session, organisation.id, go_live.id, tenant_id or uuid4())
    session.add_all([staff, organisation])
    session.flush()
    session.add(Preference(organisation_id=organisation.id, owner_id=staff.id, **preference))
    session.add(go_live)
    session.flush()
    session.add(
        SsoConnection(
            organisation_id=organisation.id,
            tenant_id=made.tenant_id,
            administrator_object_id=made.administrator,
            proven_at=AT,
            go_live_id=go_live.id,
        )
    )
    session.add_all(
        VerifiedDomain(organisation_id=organisation.id, domain=domain) for domain in domains
    )
    session.flush()
    for domain in set(domains) - set(unlisted):
        session.execute(
            text(
                "INSERT INTO pulse.organisation_domain (domain, organisation_id) "
                "VALUES (:domain, :o) ON CONFLICT (domain) DO UPDATE SET organisation_id = :o"
            ),
            {"domain": domain, "o": organisation.id},
        )
    return made


def account(address: str, **values: Any) -> dict[str, Any]:
    """A user as Graph gives it."""
    return {
        "id": str(uuid4()),
        "userPrincipalName": address,
        "mail": address,
        "proxyAddresses": [f"SMTP:{address}"],
        "userType": "Member",
        "accountEnabled": True,
        **values,
    }


def with_users(
    session: Session, *users: tuple[str, dict[str, Any]], domain: str = "acme.example"
) -> Customer:
    """A customer with these users, each with an account of the directory; `boss` consents."""
    made = customer(session, domain)
    accounts = []
    for name, values in users:
        address = f"{name}@{domain}"
        made.user(address, **values)
        object_id = str(made.administrator) if name == "boss" else str(uuid4())
        accounts.append(account(address, id=object_id))
    made.stage(accounts)
    return made

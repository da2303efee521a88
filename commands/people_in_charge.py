"""Changes who looks after an organisation, here and at the customer, also while it goes live.

The database comes first: mails go to whom it names. Then the running go-live is signalled, so that
its search attribute and its reminders follow.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine
from sqlmodel import Session
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from commands import addresses
from commands.errors import CommandError, UsageError, plain_database_errors
from commands.lookups import known_staff, organisation_named
from contracts.addresses import AddressFault, address_problem, named_address
from contracts.clock import wall_clock
from contracts.go_live import MailRequested, PeopleChanged, go_live_id
from contracts.problems import Problem
from database.engine import open_sessions
from database.go_live import outbox, records
from database.links.renewal import NewLink
from database.models import Organisation, Staff
from database.people import contacts, upserts
from workflows.go_live import SsoGoLive

_ANSWER_WITHIN = timedelta(seconds=15)


@dataclass(frozen=True)
class PeopleChangeResult:
    """What a change means for the go-live that runs, if one does."""

    go_live_runs: bool
    pack_sent: bool = False
    """The new contact is being sent the IT pack, with links of their own."""


class PeopleInCharge:
    """Changes by one person of ours to the people of one database and one Temporal server."""

    def __init__(self, engine: Engine, client: Client, by: str) -> None:
        """Change people as the member of staff with this handle."""
        self._engine = engine
        self._client = client
        self._by = by

    async def change_owner(self, slug: str, handle: str, reason: str = "") -> PeopleChangeResult:
        """Hand an organisation, and its go-live, to another member of staff.

        Raises:
            CommandError: there is no such organisation.
            UsageError: nobody has this handle.
        """

        def change(session: Session, organisation: Organisation) -> None:
            owner = self._successor(session, handle)
            contacts.change_owner(
                session, organisation, owner, by=self._by, at=wall_clock(), reason=reason.strip()
            )

        return await self._change(slug, change)

    async def name_contact(
        self,
        slug: str,
        contact: str,
        *,
        instead_of: str = "",
        first: bool = False,
        reason: str = "",
    ) -> PeopleChangeResult:
        """Name an IT contact, written `Name <address>`, in somebody's stead or besides the others.

        Raises:
            CommandError: there is no such organisation, or nobody has the address `instead_of`.
            UsageError: this is no complete e-mail address.
        """
        name, address = named_address(contact)
        problem = address_problem(address)
        if problem is not None and problem.fault is AddressFault.NOT_AN_ADDRESS:
            raise UsageError(Problem.NOT_A_CONTACT, contact=contact)
        addresses.check_new(address)
        addresses.check_known(instead_of)

        def change(session: Session, organisation: Organisation) -> NewLink | None:
            return contacts.name_contact(
                session,
                organisation,
                name=" ".join(name.split()),
                address=address,
                instead_of=instead_of,
                first=first,
                by=self._by,
                at=wall_clock(),
                reason=reason.strip(),
            )

        return await self._change(slug, change)

    async def remove_contact(self, slug: str, address: str, reason: str = "") -> PeopleChangeResult:
        """Remove an IT contact; their personal links are dead from now on.

        Raises:
            CommandError: nobody of the organisation has this address, or it is the last contact.
        """
        addresses.check_known(address)

        def change(session: Session, organisation: Organisation) -> None:
            contacts.remove_contact(
                session,
                organisation,
                address,
                by=self._by,
                at=wall_clock(),
                reason=reason.strip(),
            )

        return await self._change(slug, change)

    def _successor(self, session: Session, handle: str) -> Staff:
        try:
            return records.staff_by_handle(session, handle)
        except records.UnknownStaffError:
            known = sorted(upserts.staff_addresses(session))
            raise UsageError(Problem.UNKNOWN_SUCCESSOR, handle=handle, handles=known) from None

    async def _change(
        self, slug: str, change: Callable[[Session, Organisation], NewLink | None]
    ) -> PeopleChangeResult:
        pack, owner = await asyncio.to_thread(self._write, slug, change)
        if owner is None:
            return PeopleChangeResult(go_live_runs=False)
        runs = await signal_people_changed(self._client, slug, owner)
        if pack is not None and runs:
            await self._deliver(slug, pack)
        return PeopleChangeResult(runs, pack_sent=pack is not None and runs)

    def _write(
        self, slug: str, change: Callable[[Session, Organisation], NewLink | None]
    ) -> tuple[NewLink | None, str | None]:
        """Return the pack to deliver, and the owner of the go-live that runs."""
        with plain_database_errors(self._engine), open_sessions(self._engine).begin() as session:
            known_staff(session, self._by)
            organisation = organisation_named(session, slug)
            try:
                pack = change(session, organisation)
            except contacts.UnknownContactError as error:
                raise CommandError(
                    Problem.UNKNOWN_CONTACT,
                    slug=slug,
                    address=error.address,
                    contacts=error.known,
                ) from None
            except contacts.OnlyContactError as error:
                raise CommandError(Problem.ONLY_CONTACT, address=error.address) from None
            session.flush()
            return pack, contacts.owner_of_open_go_live(session, organisation.id)

    async def _deliver(self, slug: str, pack: NewLink) -> None:
        try:
            await self._client.get_workflow_handle(go_live_id(slug)).signal(
                SsoGoLive.mail_requested,
                MailRequested(pack.message, pack.idempotency_key, pack.asked_by),
                rpc_timeout=_ANSWER_WITHIN,
            )
        except RPCError:
            raise CommandError(Problem.PACK_NOT_SIGNALLED, slug=slug) from None
        if pack.entry is not None:
            await asyncio.to_thread(self._acknowledge, pack.entry)

    def _acknowledge(self, entry: int) -> None:
        with plain_database_errors(self._engine), open_sessions(self._engine).begin() as session:
            outbox.acknowledge(session, entry)


async def signal_people_changed(client: Client, slug: str, owner: str) -> bool:
    """Signal to a running go-live that its people changed; False = none runs.

    Raises:
        CommandError: Temporal did not take it; the change itself stands.
    """
    try:
        await client.get_workflow_handle(go_live_id(slug)).signal(
            SsoGoLive.people_changed, PeopleChanged(owner)
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise CommandError(
            Problem.CHANGE_NOT_SIGNALLED, slug=slug, status=error.status.name
        ) from None
    return True

"""What a preview of an import says becomes of the IT contacts."""

from datetime import date

from sqlmodel import Session

from contracts.addresses import address_key
from database.models import Contact, GoLive, Organisation, Staff
from database.people.import_changes import changes_of
from database.people.upserts import ImportedContact, ImportedOrganisation
from tests.database import customers


def test_a_contact_with_another_mailbox_stays_although_the_two_look_alike(session: Session) -> None:
    made = customers.customer(session)
    session.add(
        Contact(
            organisation_id=made.organisation_id,
            position=1,
            name="Ira Tee",
            address="Strasse@acme.example",
            address_key="strasse@acme.example",
        )
    )
    session.flush()

    def becomes(address: str) -> str:
        named = ImportedContact("Otto", address, address_key(address))
        (change,) = changes_of(session, [imported(session, made, named)], [], 1).organisations
        return next(one.new for one in change.values if one.column == "it_contacts")

    assert becomes("straße@acme.example") == (
        "Otto <straße@acme.example>; Ira Tee <Strasse@acme.example>"
    )
    assert becomes("strasse@acme.example") == "Otto <strasse@acme.example>"


def imported(
    session: Session, made: customers.Customer, contact: ImportedContact
) -> ImportedOrganisation:
    known = session.get_one(Organisation, made.organisation_id)
    owner = session.get_one(Staff, session.get_one(GoLive, made.go_live_id).owner_id)
    return ImportedOrganisation(
        slug=known.slug,
        name=known.name,
        domains=(),
        owner_handle=owner.handle,
        owner_address=owner.address,
        owner_address_key=owner.address_key,
        owner_time_zone=None,
        contacts=(contact,),
        sso_included=True,
        agreement_start=date(2026, 1, 1),
        agreement_end=date(2027, 1, 1),
        time_zone="UTC",
        exception_threshold=0,
        it_acknowledgement=False,
        link_external_members=False,
        go_live_date=None,
    )

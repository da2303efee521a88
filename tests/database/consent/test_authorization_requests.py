"""What is recorded of a browser that is sent to Microsoft."""

import pytest
from sqlmodel import Session, select

from contracts.sign_in import RequestPurpose
from database.consent import authorization_requests
from database.models import AuthorizationRequest
from tests.database import customers
from tests.database.customers import AT


def test_a_link_that_is_replaced_before_the_browser_leaves_counts_as_the_old_one(
    session: Session,
) -> None:
    customer = customers.customer(session)
    link = customer.consent_link(version=2)
    begun = {"browser": "b", "purpose": RequestPurpose.CONSENT, "at": AT, "link_id": link.id}
    with pytest.raises(ValueError, match="which version"):
        authorization_requests.begin(session, state="whichever", **begun)
    authorization_requests.begin(session, state="old", link_version=1, **begun)
    session.flush()
    (asked,) = session.exec(select(AuthorizationRequest)).all()
    assert not authorization_requests.began_with_valid_link(session, asked)

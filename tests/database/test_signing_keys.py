"""Which key signed personal links: a process without it does not start, and no link is lost."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from commands import signing_keys
from commands.errors import CommandError, UnavailableError
from contracts.go_live import Refusal
from contracts.links import LinkPurpose, LinkSigner
from contracts.problems import Problem
from database.engine import Sessions, open_sessions
from database.links import signing_keys as recorded
from database.links import verification
from database.models import PersonalLink
from tests.database import customers
from tests.database.customers import AT
from worker import use_database

OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    """A database in which no key has signed."""
    return open_sessions(engine)


def newest(sessions: Sessions) -> str | None:
    with sessions.begin() as session:
        return recorded.newest(session)


def test_a_process_with_another_key_is_refused_and_changes_nothing(sessions: Sessions) -> None:
    signing_keys.check(sessions, LinkSigner((OLD,)))
    with pytest.raises(CommandError, match=Problem.SECRET_KEY_IS_ANOTHER) as refused:
        signing_keys.check_if_there(sessions, LinkSigner((NEW,)))
    assert refused.value.problem is Problem.SECRET_KEY_IS_ANOTHER
    assert (newest(sessions),) == LinkSigner((OLD,)).fingerprints


def test_a_worker_with_another_key_works_with_no_database(sessions: Sessions) -> None:
    engine = sessions.kw["bind"]
    use_database(engine, LinkSigner((OLD,)))
    with pytest.raises(CommandError, match=Problem.SECRET_KEY_IS_ANOTHER) as refused:
        use_database(engine, LinkSigner((NEW,)))
    assert not isinstance(refused.value, UnavailableError), "a worker would wait for it"
    assert (newest(sessions),) == LinkSigner((OLD,)).fingerprints


def test_a_key_is_replaced_while_the_earlier_one_is_kept(sessions: Sessions) -> None:
    for keys in ((OLD,), (OLD, NEW), (NEW, OLD), (NEW,)):
        signing_keys.check(sessions, LinkSigner(keys))
        assert newest(sessions) == LinkSigner(keys).fingerprints[0]
    with pytest.raises(CommandError):
        signing_keys.check(sessions, LinkSigner((OLD,)))


def test_a_lost_key_is_replaced_by_an_order(sessions: Sessions) -> None:
    signing_keys.check(sessions, LinkSigner((OLD,)))
    signing_keys.check(sessions, LinkSigner((NEW,)), replace=True)
    signing_keys.check(sessions, LinkSigner((NEW,)))


@pytest.fixture
def link(session: Session) -> PersonalLink:
    customer = customers.customer(session)
    user = customer.user("anna@acme.example")
    session.flush()
    made = PersonalLink(
        go_live_id=customer.go_live_id,
        purpose=LinkPurpose.INVITATION,
        user_id=user.id,
        expires_at=AT + timedelta(days=1),
    )
    session.add(made)
    session.flush()
    return made


def opened(session: Session, link: PersonalLink, signer: LinkSigner, token: str) -> object:
    return verification.personal_link(session, signer, token, LinkPurpose.INVITATION, AT)


def test_a_link_of_a_lost_key_has_expired_and_opens_nothing(
    session: Session, link: PersonalLink
) -> None:
    token = LinkSigner((OLD,)).token(LinkPurpose.INVITATION, link.id, 1)
    recorded.record(session, LinkSigner((OLD,)), AT)
    assert opened(session, link, LinkSigner((NEW,)), token) is Refusal.LINK_EXPIRED
    assert opened(session, link, LinkSigner((NEW, OLD)), token) is link
    genuine = verification.genuine_link(session, LinkSigner((NEW,)), token, LinkPurpose.INVITATION)
    assert genuine is None


def test_where_no_key_was_lost_a_wrong_signature_is_no_link(
    session: Session, link: PersonalLink
) -> None:
    recorded.record(session, LinkSigner((NEW,)), AT)
    token = LinkSigner((OLD,)).token(LinkPurpose.INVITATION, link.id, 1)
    assert opened(session, link, LinkSigner((NEW,)), token) is None


@pytest.mark.parametrize("token", ["{link}.{short}", "{other}.{signature}", "{link}.", "nonsense"])
def test_what_looks_like_none_of_ours_is_no_link(
    session: Session, link: PersonalLink, token: str
) -> None:
    recorded.record(session, LinkSigner((OLD,)), AT)
    token = token.format(link=link.id.hex, other=uuid4().hex, short="ab" * 31, signature="ab" * 32)
    assert opened(session, link, LinkSigner((NEW,)), token) is None

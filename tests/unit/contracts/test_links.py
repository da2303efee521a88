"""Tokens of personal links: one key signs, all verify."""

from uuid import UUID

import pytest
from pydantic import SecretStr, ValidationError

from contracts.links import LinkPurpose, LinkSigner
from settings import Settings

OLD, NEW = b"0123456789abcdef0123456789abcdef", b"fedcba9876543210fedcba9876543210"
LINK = UUID(int=7)

ENVIRONMENT = {
    "database_url": "postgresql+psycopg://nobody@127.0.0.1:1/none",
    "client_id": "33333333-3333-4333-8333-333333333333",
    "client_secret": "a-secret",
    "smtp_url": "smtp://127.0.0.1:25",
    "mail_from": "a@b.example",
    "public_url": "https://pulse.example",
    "support_address": "a@b.example",
}


def test_a_link_of_the_earlier_key_is_genuine_while_that_key_is_kept() -> None:
    token = LinkSigner((OLD,)).token(LinkPurpose.SETUP, LINK, 2)
    assert LinkSigner((NEW, OLD)).is_genuine(token, LinkPurpose.SETUP, LINK, 2)
    assert not LinkSigner((NEW,)).is_genuine(token, LinkPurpose.SETUP, LINK, 2)
    assert not LinkSigner((NEW, OLD)).is_genuine(token, LinkPurpose.SETUP, LINK, 1)


def test_the_first_key_signs() -> None:
    both = LinkSigner((NEW, OLD)).token(LinkPurpose.CONSENT, LINK, 1)
    assert both == LinkSigner((NEW,)).token(LinkPurpose.CONSENT, LINK, 1)


def test_a_fingerprint_is_the_same_for_the_same_key_and_holds_none_of_it() -> None:
    new, old = LinkSigner((NEW, OLD)).fingerprints
    assert (old, new) == LinkSigner((OLD, NEW)).fingerprints
    assert NEW.decode() not in new


def test_keys_are_listed_with_commas_and_each_is_long_enough() -> None:
    both = Settings(secret_key=SecretStr(f"{NEW.decode()}, {OLD.decode()}"), **ENVIRONMENT)
    assert both.secret_keys == (NEW, OLD)
    for keys in (f"{NEW.decode()},short", f"{NEW.decode()},", ","):
        with pytest.raises(ValidationError, match="at least 32"):
            Settings(secret_key=SecretStr(keys), **ENVIRONMENT)

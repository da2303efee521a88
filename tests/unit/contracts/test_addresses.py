"""What counts as an e-mail address, wherever one is typed, imported or written to."""

import pytest

from contracts.addresses import is_mail_address
from mail.errors import AddressUnusableError
from mail.outgoing import parse_address


@pytest.mark.parametrize(
    "address",
    ["a@b.example", "o'neil+pulse@acme.example", "jürgen@acme.example", "a" * 64 + "@b.ex"],
)
def test_an_address_that_is_one_can_be_written_to(address: str) -> None:
    assert is_mail_address(address)
    assert parse_address(address).address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "anna",
        "anna@",
        "@acme.example",
        "a b@acme.example",
        '"a b"@acme.example',
        "a@b@acme.example",
        "a@acme.example,b@acme.example",
        "a@acme.example\nBcc: b@acme.example",
        "a" * 65 + "@acme.example",
        "a@" + "b" * 250 + ".example",
    ],
)
def test_what_mail_could_not_be_written_to_is_no_address_anywhere(address: str) -> None:
    assert not is_mail_address(address)
    with pytest.raises(AddressUnusableError):
        parse_address(address)

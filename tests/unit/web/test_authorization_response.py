"""What a callback's query may say, and what each error means."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as some

from web.microsoft.authorization_response import (
    MOST_BYTES,
    AuthorizationResponse,
    read_response,
)


def test_a_consent_is_read_as_claimed() -> None:
    query = urlencode(
        {"admin_consent": "True", "tenant": "ABC-1", "state": "s", "scope": "https://x/.default"}
    )
    assert read_response(query.encode()) == AuthorizationResponse(
        state="s", admin_consent=True, tenant="abc-1", codes=()
    )


def test_a_description_gives_its_numbers_and_nothing_else() -> None:
    text = "AADSTS90095: Admin consent is required.\r\nTrace ID: 1 é"
    query = urlencode({"error": "access_denied", "error_description": text, "state": "s"})
    assert read_response(query.encode()) == AuthorizationResponse(
        state="s", error="access_denied", codes=(90095,)
    )


@pytest.mark.parametrize(
    "query",
    [
        b"state=\xe9",
        b"state=%e9",
        b"state=%00",
        b"x=%00",
        b"state=a&state=a",
        b"x=1&x=2",
        b"error=Access+Denied",
        b"error=" + b"e" * 61,
        b"tenant=%3Cscript%3E",
        b"code=" + b"c" * 4097,
        b"x=" + b"x" * MOST_BYTES,
        b"&".join(b"p%d=1" % number for number in range(21)),
    ],
)
def test_what_microsoft_never_sends_is_not_read(query: bytes) -> None:
    assert read_response(query) is None


@given(some.binary(max_size=300))
def test_any_bytes_are_read_or_refused_and_never_an_error(query: bytes) -> None:
    found = read_response(query)
    if found is not None:
        for value in (found.state, found.code, found.error, found.tenant):
            assert value.isascii()
            assert value.isprintable()

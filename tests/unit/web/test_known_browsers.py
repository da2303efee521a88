"""A browser is known by what we signed, for the account that was signed in by it."""

from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import Request, Response

from web import known_browsers
from web.visit import Visit

ANNA, BEN = "anna@acme.example", "ben@acme.example"
OLD, NEW = b"o" * 32, b"n" * 32


def visit(cookie: str = "", *keys: bytes) -> Visit:
    dependencies: Any = SimpleNamespace(
        settings=SimpleNamespace(secret_keys=keys or (NEW, OLD)), cookie_name=str, is_secure=True
    )
    headers = [(b"cookie", f"pulse_known={cookie}".encode())] if cookie else []
    request = Request({"type": "http", "method": "GET", "headers": headers})
    return Visit(dependencies, request, "a" * 30, "", None)  # type: ignore[arg-type]


def remembered(address: str, *keys: bytes) -> str:
    response = Response()
    known_browsers.remember(visit("", *keys), response, address)
    cookie = response.headers["set-cookie"]
    assert "Max-Age=31536000" in cookie
    assert "HttpOnly" in cookie
    return cookie.partition("=")[2].partition(";")[0]


def test_it_is_known_for_the_account_that_was_signed_in_and_for_no_other() -> None:
    cookie = remembered(ANNA)
    assert known_browsers.number_for(visit(cookie), "Anna@ACME.example ") == cookie.split(".")[0]
    assert known_browsers.number_for(visit(cookie), BEN) == ""
    assert "acme" not in cookie


def test_each_browser_is_a_number_of_its_own_and_each_account_one_tag() -> None:
    one, other = remembered(ANNA), remembered(ANNA)
    assert known_browsers.number_for(visit(one), ANNA) != known_browsers.number_for(
        visit(other), ANNA
    )
    assert known_browsers.tag_of(visit(one)) == known_browsers.tag_of(visit(other)) != ""


def test_a_key_that_was_replaced_still_knows_it() -> None:
    cookie = remembered(ANNA, OLD)
    assert known_browsers.number_for(visit(cookie, NEW, OLD), ANNA)
    assert not known_browsers.number_for(visit(cookie, NEW), ANNA)


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c", "..", "a.b.c.d", "é.b.c", "." * 200])
def test_what_we_did_not_sign_is_known_for_nothing(cookie: str) -> None:
    assert known_browsers.number_for(visit(cookie), ANNA) == ""
    assert known_browsers.tag_of(visit(cookie)) == ""


def test_a_tag_cannot_be_exchanged() -> None:
    mine, theirs = remembered(BEN).split("."), remembered(ANNA).split(".")
    forged = f"{mine[0]}.{theirs[1]}.{mine[2]}"
    assert known_browsers.number_for(visit(forged), ANNA) == ""

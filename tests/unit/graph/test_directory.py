from typing import Any

import pytest

from graph.directory import (
    DirectoryUser,
    known_sign_in_name,
    looks_shared,
    organization_of,
    users_of,
)
from graph.errors import MicrosoftUnreachableError


def raw(**changes: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "userPrincipalName": "Ada@contoso.example",
        "mail": "ada@contoso.example",
        "proxyAddresses": ["SMTP:ada@contoso.example"],
        "userType": "Member",
        "accountEnabled": True,
        **changes,
    }


def read(**changes: Any) -> DirectoryUser:
    return users_of({"value": [raw(**changes)]})[0]


def test_a_user_is_read_as_microsoft_sent_it() -> None:
    assert read() == DirectoryUser(
        object_id="1",
        user_principal_name="Ada@contoso.example",
        mail="ada@contoso.example",
        proxy_addresses=("SMTP:ada@contoso.example",),
        is_guest=False,
        enabled=True,
    )


@pytest.mark.parametrize("absent", [None, ""])
def test_a_user_without_mail_has_none(absent: str | None) -> None:
    assert read(mail=absent).mail is None


@pytest.mark.parametrize("absent", [None, []])
def test_a_user_without_proxies_has_none(absent: list[str] | None) -> None:
    assert read(proxyAddresses=absent).proxy_addresses == ()


def test_members_that_graph_leaves_out_are_read_as_empty() -> None:
    assert users_of({"value": [{"id": "1"}]}) == [DirectoryUser("1", "", None, (), False, True)]


EXTERNAL = "ada_home.example#EXT#@contoso.example"


@pytest.mark.parametrize(
    ("name", "known"), [("ada@contoso.example",) * 2, (EXTERNAL, ""), ("", "")]
)
def test_microsofts_page_knows_no_name_with_ext(name: str, known: str) -> None:
    assert known_sign_in_name(name) == known


@pytest.mark.parametrize(
    ("changes", "guest"),
    [
        ({"userType": "Guest"}, True),
        ({"userPrincipalName": EXTERNAL, "userType": None}, True),
        ({"userPrincipalName": EXTERNAL, "userType": "Guest"}, True),
        ({"userPrincipalName": EXTERNAL, "userType": "Member"}, False),
        ({"userType": None}, False),
        ({"userType": "Member"}, False),
    ],
)
def test_a_guest_is_known_by_its_type_or_its_name(changes: dict[str, Any], guest: bool) -> None:
    found = read(**changes)
    assert found.is_guest is guest
    assert found.is_external_member is (EXTERNAL in changes.values() and not guest)


@pytest.mark.parametrize(("value", "enabled"), [(True, True), (False, False), (None, True)])
def test_only_an_account_that_says_so_is_disabled(value: bool | None, enabled: bool) -> None:
    assert read(accountEnabled=value).enabled is enabled


def test_addresses_are_folded_and_only_smtp_proxies_count() -> None:
    user = read(
        mail="Ada.Lovelace@Contoso.example",
        proxyAddresses=[
            "SMTP:Ada@Contoso.example",
            "smtp:COUNTESS@contoso.example",
            "X500:/o=Contoso/cn=ada",
            "SIP:ada@contoso.example",
            "no-kind@contoso.example",
        ],
    )

    assert user.addresses() == {
        "ada@contoso.example",
        "ada.lovelace@contoso.example",
        "countess@contoso.example",
    }


@pytest.mark.parametrize(
    "answer",
    [{}, {"value": None}, {"value": ["x"]}, {"value": [{}]}, {"value": [None]}, {"value": 7}],
)
def test_an_answer_that_is_no_collection_of_users_is_malformed(answer: dict[str, Any]) -> None:
    with pytest.raises(MicrosoftUnreachableError):
        users_of(answer)


@pytest.mark.parametrize(
    "answer", [{}, {"value": []}, {"value": [{}]}, {"value": [{"id": "1", "verifiedDomains": [7]}]}]
)
def test_an_answer_that_is_no_organisation_is_malformed(answer: dict[str, Any]) -> None:
    with pytest.raises(MicrosoftUnreachableError):
        organization_of(answer)


@pytest.mark.parametrize(
    "address",
    ["info@x.example", "No-Reply@x.example", "svc-backup@x.example", "sales+uk@x.example",
     "meeting.room@x.example", "service.desk@x.example", "berlin_shared@x.example"],
)  # fmt: skip
def test_functions_look_shared(address: str) -> None:
    assert looks_shared([address])


@pytest.mark.parametrize(
    "address",
    ["ada@x.example", "ada.lovelace@x.example", "infante@x.example", "sally.sales-jones@x.example",
     "salem@x.example", "user7@x.example", "robot@x.example", "@x.example", ""],
)  # fmt: skip
def test_people_do_not_look_shared(address: str) -> None:
    assert not looks_shared([address])


def test_one_shared_address_is_enough() -> None:
    assert looks_shared(["ada@x.example", "info@x.example"])

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from graph.errors import IdTokenRefusal, IdTokenRefusedError, MicrosoftUnreachableError
from graph.tokens import EntraClient, SignedInPerson
from tests.graph.scripted import (
    OTHER_TENANT,
    PERSON,
    TENANT,
    Answer,
    ScriptedMicrosoft,
    SteppedClock,
)

CALLBACK = "http://127.0.0.1:8080/auth/microsoft/callback"
Forge = Callable[[ScriptedMicrosoft, str], str]


def sign_in(entra: EntraClient, scripted: ScriptedMicrosoft) -> SignedInPerson:
    request = entra.begin_sign_in(TENANT, CALLBACK)
    scripted.nonce = request.flow["nonce"]
    return entra.complete_sign_in(
        json.loads(json.dumps(request.flow)), {"code": "a-code", "state": request.state}
    )


def refused(entra: EntraClient, scripted: ScriptedMicrosoft) -> IdTokenRefusal:
    with pytest.raises(IdTokenRefusedError) as caught:
        sign_in(entra, scripted)
    return caught.value.kind


def changed(**claims: Any) -> Forge:
    def forge(scripted: ScriptedMicrosoft, nonce: str) -> str:
        merged = {**scripted.claims(nonce), **claims}
        return scripted.sign({key: value for key, value in merged.items() if value is not None})

    return forge


def unsigned(scripted: ScriptedMicrosoft, nonce: str) -> str:
    return jwt.encode(
        scripted.claims(nonce), None, algorithm="none", headers={"kid": scripted.key_id}
    )


def signed_with_the_public_key_as_a_secret(scripted: ScriptedMicrosoft, nonce: str) -> str:
    secret = scripted.public_key()["n"].encode()
    return jwt.encode(
        scripted.claims(nonce), secret, algorithm="HS256", headers={"kid": scripted.key_id}
    )


def signed_with_another_algorithm(scripted: ScriptedMicrosoft, nonce: str) -> str:
    return jwt.encode(
        scripted.claims(nonce), scripted.key, algorithm="PS256", headers={"kid": scripted.key_id}
    )


def with_an_unknown_key_id(scripted: ScriptedMicrosoft, nonce: str) -> str:
    return scripted.sign(scripted.claims(nonce), kid="never-published")


def with_claims_exchanged_after_signing(scripted: ScriptedMicrosoft, nonce: str) -> str:
    header, _, signature = scripted.genuine(nonce).split(".")
    claims = json.dumps({**scripted.claims(nonce), "oid": "somebody-else"}).encode()
    body = base64.urlsafe_b64encode(claims).rstrip(b"=").decode()
    return f"{header}.{body}.{signature}"


def test_a_genuine_token_names_the_person(entra: EntraClient, scripted: ScriptedMicrosoft) -> None:
    person = sign_in(entra, scripted)

    assert person == SignedInPerson(
        tenant_id=TENANT,
        object_id=PERSON,
        display_name="Ada Example",
        preferred_username="ada@contoso.example",
        roles=(),
        hinted_guest=False,
    )


def test_half_a_letter_in_a_name_is_left_out(
    entra: EntraClient, scripted: ScriptedMicrosoft
) -> None:
    scripted.id_token = lambda nonce: scripted.sign(
        {
            **scripted.claims(nonce),
            "name": "Ada \ud800",
            "preferred_username": "ada\udfff@x.example",
        }
    )

    person = sign_in(entra, scripted)

    assert (person.display_name, person.preferred_username) == ("Ada ", "ada@x.example")


@pytest.mark.parametrize(
    ("forge", "kind"),
    [
        (unsigned, IdTokenRefusal.SIGNATURE),
        (signed_with_the_public_key_as_a_secret, IdTokenRefusal.SIGNATURE),
        (signed_with_another_algorithm, IdTokenRefusal.SIGNATURE),
        (with_an_unknown_key_id, IdTokenRefusal.SIGNATURE),
        (with_claims_exchanged_after_signing, IdTokenRefusal.SIGNATURE),
        (changed(iss="https://evil.example/v2.0"), IdTokenRefusal.ISSUER),
        (changed(iss=None), IdTokenRefusal.ISSUER),
        (changed(aud="another-application"), IdTokenRefusal.AUDIENCE),
        (changed(aud=["another-application"]), IdTokenRefusal.AUDIENCE),
        (changed(aud=None), IdTokenRefusal.AUDIENCE),
        (changed(exp=1), IdTokenRefusal.EXPIRED),
        (changed(nbf=9_999_999_999), IdTokenRefusal.EXPIRED),
        (changed(exp=None), IdTokenRefusal.MALFORMED),
        (changed(exp="tomorrow"), IdTokenRefusal.MALFORMED),
        (changed(exp=True), IdTokenRefusal.MALFORMED),
        (changed(nonce="of-an-older-sign-in"), IdTokenRefusal.NONCE),
        (changed(nonce=None), IdTokenRefusal.NONCE),
        (changed(tid=OTHER_TENANT), IdTokenRefusal.TENANT),
        (changed(tid=None), IdTokenRefusal.TENANT),
        (changed(oid=None), IdTokenRefusal.MALFORMED),
        (changed(oid="ada"), IdTokenRefusal.MALFORMED),
        (changed(oid=f"{PERSON}0"), IdTokenRefusal.MALFORMED),
        (changed(oid=7), IdTokenRefusal.MALFORMED),
        (lambda *_: "not-a-token", IdTokenRefusal.MALFORMED),
        (lambda *_: "a.b.c", IdTokenRefusal.MALFORMED),
        (lambda *_: "", IdTokenRefusal.MALFORMED),
    ],
)
def test_a_forged_token_is_refused_with_its_reason(
    entra: EntraClient, scripted: ScriptedMicrosoft, forge: Forge, kind: IdTokenRefusal
) -> None:
    scripted.id_token = lambda nonce: forge(scripted, nonce)

    assert refused(entra, scripted) is kind


@pytest.mark.parametrize(
    ("wids", "is_one"),
    [
        (None, False),
        ("62e90394-69f5-4237-9190-012177145e10", False),
        (["b79fbf4d-3ef9-4689-8143-76b194e85509"], False),
        (["b79fbf4d-3ef9-4689-8143-76b194e85509", "62e90394-69f5-4237-9190-012177145e10"], True),
    ],
)
def test_an_administrator_is_known_where_the_token_tells(
    entra: EntraClient, scripted: ScriptedMicrosoft, wids: object, *, is_one: bool
) -> None:
    scripted.id_token = lambda nonce: changed(wids=wids)(scripted, nonce)

    assert sign_in(entra, scripted).hinted_administrator is is_one


def test_a_token_of_another_tenant_is_refused_although_microsoft_signed_it(
    entra: EntraClient, scripted: ScriptedMicrosoft
) -> None:
    scripted.id_token = lambda nonce: scripted.sign(
        {
            **scripted.claims(nonce),
            "tid": OTHER_TENANT,
            "iss": f"{scripted.url}/{OTHER_TENANT}/v2.0",
        }
    )

    assert refused(entra, scripted) is IdTokenRefusal.TENANT


@pytest.mark.parametrize(
    ("instance", "is_believed"),
    [
        ("microsoftonline.com", True),
        ("microsoftonline.us", False),
        ("partner.microsoftonline.cn", False),
        ("cloud.attacker.example", False),
        (7, False),
    ],
)
def test_only_keys_of_this_cloud_speak_for_it(
    entra: EntraClient, scripted: ScriptedMicrosoft, instance: object, *, is_believed: bool
) -> None:
    elsewhere = {**scripted.public_key(), "kid": "elsewhere", "cloud_instance_name": "x"}
    published = {**scripted.public_key(), "cloud_instance_name": instance}
    scripted.routes["/keys"] = lambda _: Answer(body={"keys": [elsewhere, published]})

    if is_believed:
        assert sign_in(entra, scripted)
    else:
        assert refused(entra, scripted) is IdTokenRefusal.SIGNATURE


def test_a_token_signed_with_a_strangers_key_is_refused(
    entra: EntraClient, scripted: ScriptedMicrosoft, foreign_key: rsa.RSAPrivateKey
) -> None:
    scripted.id_token = lambda nonce: jwt.encode(
        scripted.claims(nonce), foreign_key, algorithm="RS256", headers={"kid": scripted.key_id}
    )

    assert refused(entra, scripted) is IdTokenRefusal.SIGNATURE


def test_an_answer_without_an_id_token_is_refused(
    entra: EntraClient, scripted: ScriptedMicrosoft
) -> None:
    scripted.routes["/token"] = lambda _: Answer(body={"access_token": "x", "expires_in": 1})

    assert refused(entra, scripted) is IdTokenRefusal.MALFORMED


def test_a_key_published_for_another_issuer_does_not_count(
    entra: EntraClient, scripted: ScriptedMicrosoft
) -> None:
    bound = {**scripted.public_key(), "issuer": f"{scripted.url}/{OTHER_TENANT}/v2.0"}
    scripted.routes["/keys"] = lambda _: Answer(body={"keys": [bound]})

    assert refused(entra, scripted) is IdTokenRefusal.SIGNATURE


def test_a_key_published_for_every_tenants_issuer_counts(
    entra: EntraClient, scripted: ScriptedMicrosoft
) -> None:
    bound = {**scripted.public_key(), "issuer": f"{scripted.url}/{{tenantid}}/v2.0"}
    scripted.routes["/keys"] = lambda _: Answer(body={"keys": [bound]})

    assert sign_in(entra, scripted).object_id == PERSON


def test_keys_are_read_once_and_again_when_microsoft_rolls_them(
    entra: EntraClient, scripted: ScriptedMicrosoft, clock: SteppedClock
) -> None:
    sign_in(entra, scripted)
    sign_in(entra, scripted)
    assert scripted.count("/keys") == 1

    scripted.key_id = "published-2"
    clock.now += 10
    sign_in(entra, scripted)
    assert scripted.count("/keys") == 2


def test_made_up_key_ids_cause_no_flood_of_reads(
    entra: EntraClient, scripted: ScriptedMicrosoft
) -> None:
    scripted.id_token = lambda nonce: with_an_unknown_key_id(scripted, nonce)

    for _ in range(5):
        refused(entra, scripted)

    assert scripted.count("/keys") == 1


def test_a_withdrawn_key_stops_counting_after_a_day(
    entra: EntraClient, scripted: ScriptedMicrosoft, clock: SteppedClock
) -> None:
    sign_in(entra, scripted)
    old = scripted.key_id
    scripted.key_id = "published-2"
    clock.now += 25 * 3600
    scripted.id_token = lambda nonce: scripted.sign(scripted.claims(nonce), kid=old)

    assert refused(entra, scripted) is IdTokenRefusal.SIGNATURE


def test_malformed_keys_are_a_passing_failure(
    entra: EntraClient, scripted: ScriptedMicrosoft
) -> None:
    scripted.routes["/keys"] = lambda _: Answer(body={"keys": "none"})

    with pytest.raises(MicrosoftUnreachableError):
        sign_in(entra, scripted)


def test_hints_are_read_from_the_token_when_it_has_them(
    entra: EntraClient, scripted: ScriptedMicrosoft
) -> None:
    scripted.id_token = lambda nonce: scripted.sign(
        {
            **scripted.claims(nonce),
            "roles": ["CustomerSuccess", 7],
            "idp": "https://sts.windows.net/somewhere-else/",
        }
    )

    person = sign_in(entra, scripted)

    assert person.hinted_guest is True
    assert person.roles == ("CustomerSuccess",)


def test_the_text_of_a_refusal_repeats_nothing_from_the_token(
    entra: EntraClient, scripted: ScriptedMicrosoft
) -> None:
    scripted.id_token = lambda nonce: changed(nonce="of-an-older-sign-in")(scripted, nonce)

    with pytest.raises(IdTokenRefusedError) as caught:
        sign_in(entra, scripted)

    assert "older" not in str(caught.value)
    assert caught.value.__suppress_context__

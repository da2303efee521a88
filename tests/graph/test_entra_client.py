import json
import threading
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from graph.credentials import ClientSecret
from graph.errors import (
    ApplicationDisabledError,
    ConsentNotVisibleError,
    CredentialRefusedError,
    ForeignLinkError,
    GraphError,
    MicrosoftUnreachableError,
    SignInRefusedError,
    TenantUnknownError,
    ThrottledError,
    UnexpectedAnswerError,
)
from graph.tokens import EntraClient
from tests.graph.scripted import (
    CLIENT_ID,
    OTHER_TENANT,
    TENANT,
    Answer,
    ScriptedMicrosoft,
    SteppedClock,
)

CALLBACK = "http://127.0.0.1:8080/auth/microsoft/callback"


def refusal(error: str, *codes: int, status: int = 400) -> Answer:
    described = f"AADSTS{codes[0]}: words about ada@contoso.example" if codes else "words"
    return Answer(
        status, {"error": error, "error_codes": list(codes), "error_description": described}
    )


def test_a_token_is_kept_until_a_fresh_one_is_asked_for(
    entra: EntraClient, scripted: ScriptedMicrosoft
) -> None:
    entra.app_token(TENANT)
    entra.app_token(TENANT)
    assert scripted.count("/token") == 1

    entra.app_token(TENANT, fresh=True)
    assert scripted.count("/token") == 2

    entra.discard_token(TENANT)
    entra.app_token(TENANT)
    assert scripted.count("/token") == 3


def test_tokens_of_tenants_are_never_mixed(entra: EntraClient, scripted: ScriptedMicrosoft) -> None:
    scripted.routes["/token"] = lambda request: Answer(
        200, {"access_token": request.path.split("/")[1], "expires_in": 3599}
    )

    assert entra.app_token(TENANT) == TENANT
    assert entra.app_token(OTHER_TENANT) == OTHER_TENANT
    assert entra.app_token(TENANT) == TENANT


def test_the_request_carries_our_id_secret_and_graphs_scope(
    entra: EntraClient, scripted: ScriptedMicrosoft
) -> None:
    entra.app_token(TENANT)

    form = scripted.requests[-1].form
    assert form["client_id"] == CLIENT_ID
    assert form["client_secret"] == "a-secret"
    assert form["grant_type"] == "client_credentials"
    assert form["scope"] == "https://graph.microsoft.com/.default"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal("unauthorized_client", 700016), ConsentNotVisibleError),
        (refusal("invalid_client", 7000229, status=401), ConsentNotVisibleError),
        (refusal("unauthorized_client", 123456789), ConsentNotVisibleError),
        (refusal("invalid_client", 123456789, status=401), ConsentNotVisibleError),
        (refusal("unauthorized_client"), ConsentNotVisibleError),
        (refusal("invalid_resource", 500011), ConsentNotVisibleError),
        (refusal("unauthorized_client", 7000112), ApplicationDisabledError),
        (refusal("invalid_client", 7000215, status=401), CredentialRefusedError),
        (refusal("invalid_client", 7000222, status=401), CredentialRefusedError),
        (refusal("invalid_client", 700027, status=401), CredentialRefusedError),
        (refusal("invalid_request", 90002), TenantUnknownError),
        (refusal("invalid_tenant", 90002), TenantUnknownError),
        (refusal("temporarily_unavailable"), MicrosoftUnreachableError),
        (refusal("invalid_scope", 70011), UnexpectedAnswerError),
        (refusal("<script>"), UnexpectedAnswerError),
        (Answer(200, {}), UnexpectedAnswerError),
        (Answer(200, b"<html>"), MicrosoftUnreachableError),
        (Answer(503, b""), MicrosoftUnreachableError),
        (Answer(429, {}, {"Retry-After": "2.128"}), ThrottledError),
    ],
)
def test_each_refusal_of_a_token_has_its_own_error(
    entra: EntraClient, scripted: ScriptedMicrosoft, answer: Answer, error: type[GraphError]
) -> None:
    scripted.routes["/token"] = lambda _: answer

    with pytest.raises(error) as caught:
        entra.app_token(TENANT)

    assert type(caught.value) is error
    for secret in ("words", "ada@", "script", "a-secret"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize("status", [400, 401])
def test_a_refusal_is_not_repeated_from_a_cache(
    entra: EntraClient, scripted: ScriptedMicrosoft, status: int
) -> None:
    scripted.routes["/token"] = lambda _: refusal("unauthorized_client", 700016, status=status)
    for attempt in range(1, 4):
        with pytest.raises(ConsentNotVisibleError) as caught:
            entra.app_token(TENANT)
        assert scripted.count("/token") == attempt
        assert caught.value.codes == (700016,)

    del scripted.routes["/token"]
    assert entra.app_token(TENANT) == "app-token"


def test_a_throttled_token_is_asked_for_again_at_the_next_call(
    entra: EntraClient, scripted: ScriptedMicrosoft
) -> None:
    scripted.routes["/token"] = lambda _: Answer(429, {}, {"Retry-After": "60"})
    with pytest.raises(ThrottledError):
        entra.app_token(TENANT)

    del scripted.routes["/token"]
    assert entra.app_token(TENANT) == "app-token"


def test_an_unknown_tenant_is_named_as_such_and_not_remembered(
    entra: EntraClient, scripted: ScriptedMicrosoft
) -> None:
    scripted.routes["/openid-configuration"] = lambda _: refusal("invalid_tenant", 90002)
    with pytest.raises(TenantUnknownError):
        entra.app_token(TENANT)

    del scripted.routes["/openid-configuration"]
    assert entra.app_token(TENANT) == "app-token"


def test_discovery_is_read_once_an_hour(
    entra: EntraClient, scripted: ScriptedMicrosoft, clock: SteppedClock
) -> None:
    for _ in range(3):
        entra.app_token(TENANT, fresh=True)
    assert scripted.count("/openid-configuration") == 1

    clock.now += 3601
    entra.app_token(TENANT, fresh=True)
    assert scripted.count("/openid-configuration") == 2


@pytest.mark.parametrize(
    "member", ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"]
)
def test_a_forged_discovery_document_obtains_neither_secret_nor_trust(
    entra: EntraClient, scripted: ScriptedMicrosoft, member: str
) -> None:
    scripted.routes["/openid-configuration"] = lambda _: Answer(
        200, {**scripted.document(TENANT), member: f"https://evil.example/{TENANT}/v2.0/token"}
    )

    with pytest.raises(ForeignLinkError):
        entra.begin_sign_in(TENANT, CALLBACK)
    with pytest.raises(ForeignLinkError):
        entra.app_token(TENANT)


def test_an_incomplete_discovery_document_is_a_broken_answer(
    entra: EntraClient, scripted: ScriptedMicrosoft
) -> None:
    scripted.routes["/openid-configuration"] = lambda _: Answer(
        200, {"issuer": f"{scripted.url}/x"}
    )

    with pytest.raises(MicrosoftUnreachableError):
        entra.app_token(TENANT)


def test_many_threads_share_one_client(entra: EntraClient, scripted: ScriptedMicrosoft) -> None:
    tokens: list[str] = []
    threads = [
        threading.Thread(target=lambda: tokens.append(entra.app_token(TENANT, fresh=True)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert tokens == ["app-token"] * 8
    assert scripted.count("/token") == 8


def test_http_is_refused_off_loopback(http: httpx2.Client, clock: SteppedClock) -> None:
    with pytest.raises(ValueError, match="https"):
        EntraClient(
            authority="http://login.example",
            client_id=CLIENT_ID,
            credential=ClientSecret("s"),
            http=http,
            clock=clock,
        )


@pytest.mark.parametrize("tenant", ["common", "organizations", "contoso.example", "", "../x"])
def test_people_are_sent_to_a_discovered_tenant_only(entra: EntraClient, tenant: str) -> None:
    with pytest.raises(ValueError, match="GUID"):
        entra.admin_consent_url(tenant, CALLBACK, "state")
    with pytest.raises(ValueError, match="GUID"):
        entra.begin_sign_in(tenant, CALLBACK)


def test_the_consent_address_names_tenant_application_scope_and_state(
    entra: EntraClient, scripted: ScriptedMicrosoft
) -> None:
    parts = urlsplit(entra.admin_consent_url(TENANT, CALLBACK, "a&b"))

    assert parts.path == f"/{TENANT}/v2.0/adminconsent"
    assert parse_qs(parts.query) == {
        "client_id": [CLIENT_ID],
        "scope": ["https://graph.microsoft.com/.default"],
        "redirect_uri": [CALLBACK],
        "state": ["a&b"],
    }


def test_a_sign_in_carries_state_nonce_and_pkce_and_opens_as_configured(
    entra: EntraClient, scripted: ScriptedMicrosoft
) -> None:
    request = entra.begin_sign_in(
        TENANT, CALLBACK, login_hint="ada@contoso.example", prompt="select_account"
    )

    query = {key: values[0] for key, values in parse_qs(urlsplit(request.url).query).items()}
    assert request.url.startswith(f"{scripted.url}/{TENANT}/oauth2/v2.0/authorize?")
    assert query["state"] == request.state == request.flow["state"]
    assert query["code_challenge_method"] == "S256"
    assert query["response_mode"] == "query"
    assert query["response_type"] == "code"
    assert query["nonce"] != request.flow["nonce"]
    assert set(query["scope"].split()) == {"openid", "profile", "email"}
    assert (query["login_hint"], query["prompt"]) == ("ada@contoso.example", "select_account")
    assert json.loads(json.dumps(request.flow)) == request.flow
    assert "ada@" not in repr(request)


def test_two_sign_ins_share_nothing(entra: EntraClient) -> None:
    one, other = (entra.begin_sign_in(TENANT, CALLBACK) for _ in range(2))

    for secret in ("state", "nonce", "code_verifier"):
        assert one.flow[secret] != other.flow[secret]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"code": "a-code"}, "state_mismatch"),
        ({"code": "a-code", "state": "another"}, "state_mismatch"),
        ({"code": "a-code", "state": "ünïcode"}, "state_mismatch"),
        ({"error": "access_denied", "state": "another"}, "state_mismatch"),
        ({"state": "{state}"}, "no_answer"),
        ({"state": "{state}", "code": ""}, "no_answer"),
        ({"state": "{state}", "error": "access_denied"}, "access_denied"),
        ({"state": "{state}", "error": "consent_required", "code": "a-code"}, "consent_required"),
        ({"state": "{state}", "error": "<b>" * 4000}, "unrecognised"),
    ],
)
def test_a_return_without_a_person_asks_microsoft_nothing(
    entra: EntraClient, scripted: ScriptedMicrosoft, query: dict[str, str], error: str
) -> None:
    request = entra.begin_sign_in(TENANT, CALLBACK)
    returned = {key: value.replace("{state}", request.state) for key, value in query.items()}

    with pytest.raises(SignInRefusedError) as caught:
        entra.complete_sign_in(request.flow, returned)

    assert caught.value.error == error
    assert scripted.count("/token") == 0


def test_codes_and_subcode_of_a_refused_sign_in_are_kept_for_wording(entra: EntraClient) -> None:
    request = entra.begin_sign_in(TENANT, CALLBACK)

    with pytest.raises(SignInRefusedError) as caught:
        entra.complete_sign_in(
            request.flow,
            {
                "state": request.state,
                "error": "access_denied",
                "error_subcode": "cancel",
                "error_description": "AADSTS65004: Ada declined. AADSTS65004 AADSTS90094",
            },
        )

    assert caught.value.codes == (65004, 90094)
    assert caught.value.subcode == "cancel"
    assert "Ada" not in str(caught.value)


@pytest.mark.parametrize("missing", ["state", "nonce", "code_verifier"])
def test_a_flow_that_was_not_kept_whole_is_no_sign_in(entra: EntraClient, missing: str) -> None:
    request = entra.begin_sign_in(TENANT, CALLBACK)
    flow = {key: value for key, value in request.flow.items() if key != missing}

    with pytest.raises(SignInRefusedError):
        entra.complete_sign_in(flow, {"state": request.state, "code": "a-code"})


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal("invalid_grant", 54005), SignInRefusedError),
        (refusal("invalid_grant", 70008), SignInRefusedError),
        (refusal("unauthorized_client", 700016), ConsentNotVisibleError),
        (refusal("invalid_client", 7000215, status=401), CredentialRefusedError),
        (Answer(502, b""), MicrosoftUnreachableError),
    ],
)
def test_a_code_that_microsoft_refuses_signs_nobody_in(
    entra: EntraClient, scripted: ScriptedMicrosoft, answer: Answer, error: type[GraphError]
) -> None:
    request = entra.begin_sign_in(TENANT, CALLBACK)
    scripted.routes["/token"] = lambda _: answer

    with pytest.raises(error):
        entra.complete_sign_in(request.flow, {"state": request.state, "code": "a-code"})


def test_a_refused_code_keeps_what_microsofts_support_asks_for(
    entra: EntraClient, scripted: ScriptedMicrosoft
) -> None:
    trace, said = "7c839d05-4806-48f2-ba40-bf4128382500", refusal("interaction_required", 53003)
    assert isinstance(said.body, dict)
    ids = {"trace_id": trace, "correlation_id": "ada@contoso.example"}
    scripted.routes["/token"] = lambda _: replace(said, body={**said.body, **ids})
    request = entra.begin_sign_in(TENANT, CALLBACK)

    with pytest.raises(SignInRefusedError) as caught:
        entra.complete_sign_in(request.flow, {"state": request.state, "code": "a-code"})

    assert caught.value.codes == (53003,)
    assert (caught.value.trace_id, caught.value.correlation_id) == (trace, "")


def test_only_a_renewable_sign_in_asks_for_a_refresh_token(
    entra: EntraClient, scripted: ScriptedMicrosoft
) -> None:
    request = entra.begin_sign_in(TENANT, CALLBACK, renewable=True)
    query = parse_qs(urlsplit(request.url).query)
    assert set(query["scope"][0].split()) == {"openid", "profile", "email", "offline_access"}
    scripted.nonce = request.flow["nonce"]
    scripted.routes["/token"] = lambda _: Answer(
        200,
        {
            "token_type": "Bearer",
            "expires_in": 3599,
            "access_token": "theirs",
            "id_token": scripted.genuine(scripted.nonce),
            "refresh_token": "1.refresh",
        },
    )

    person = entra.complete_sign_in(request.flow, {"state": request.state, "code": "a-code"})

    assert person.refresh_token == "1.refresh"
    assert "1.refresh" not in repr(person)


def test_a_sign_in_is_renewed_with_the_roles_of_now(
    entra: EntraClient, scripted: ScriptedMicrosoft
) -> None:
    person = entra.renew_sign_in(TENANT, "1.refresh")

    (form,) = [one.form for one in scripted.requests if one.path.endswith("/token")]
    assert (form["grant_type"], form["refresh_token"]) == ("refresh_token", "1.refresh")
    assert set(form["scope"].split()) == {"openid", "profile", "email", "offline_access"}
    assert person.roles == ("Reader",)
    assert person.refresh_token == "the next one"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal("invalid_grant", 50173), SignInRefusedError),
        (refusal("invalid_grant", 50105), SignInRefusedError),
        (refusal("interaction_required", 50076), SignInRefusedError),
        (refusal("unauthorized_client", 7000112), ApplicationDisabledError),
        (refusal("invalid_client", 7000215, status=401), CredentialRefusedError),
        (refusal("temporarily_unavailable"), MicrosoftUnreachableError),
        (Answer(502, b""), MicrosoftUnreachableError),
        (Answer(429, {}, {"Retry-After": "2"}), ThrottledError),
    ],
)
def test_a_renewal_that_microsoft_refuses_is_told_from_one_that_got_no_answer(
    entra: EntraClient, scripted: ScriptedMicrosoft, answer: Answer, error: type[GraphError]
) -> None:
    scripted.routes["/token"] = lambda _: answer

    with pytest.raises(error) as caught:
        entra.renew_sign_in(TENANT, "1.refresh")

    assert type(caught.value) is error
    assert "1.refresh" not in str(caught.value)

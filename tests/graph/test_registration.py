"""Our app registration, right and wrong in many ways, checked against the real simulator."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from commands.registration import CheckedRegistration
from contracts.registration import (
    CONSENT_PATH,
    RegistrationFinding,
    RegistrationResult,
    RegistrationVerdict,
)
from tests.graph.registrations import (
    CUSTOMER,
    EXPIRED,
    STRANGER,
    WITHOUT_CLAIM,
    WITHOUT_REDIRECT,
    Registrations,
    registrations_at_simulator,
)
from tests.graph.simulated import CLIENT_ID, HOME, PERMISSIONS

TRANSCRIPTS = Path(__file__).parents[1] / "unit" / "graph" / "transcripts"
Found = RegistrationFinding


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registrations]:
    with registrations_at_simulator(tmp_path_factory.mktemp("registrations")) as found:
        yield found


@pytest.fixture
def registrations(process: Registrations) -> Registrations:
    process.order("POST", "reset")
    return process


def _grant(**fields: Any) -> Callable[[Registrations], None]:
    body = {"application": PERMISSIONS, "delegated": ["openid", "profile", "email"], **fields}
    return lambda them: them.order("PUT", f"tenants/{HOME}/grants/{CLIENT_ID}", body)


def _fault(kind: str, path: str) -> Callable[[Registrations], None]:
    body = {"match": {"path": path}, "kind": kind}
    return lambda them: them.order("POST", "faults", body)


@dataclass(frozen=True)
class Way:
    """One way in which a registration is right or wrong, and what is to be mended then."""

    name: str
    mend: tuple[RegistrationResult, ...] = ()
    changes: dict[str, Any] = field(default_factory=dict)
    prepare: Callable[[Registrations], None] = lambda _: None


def _result(finding: RegistrationFinding, subject: str = "", *numbers: int) -> RegistrationResult:
    return RegistrationResult(finding, subject, numbers)


WAYS = (
    Way("right", changes={"signs_in": "dana"}),
    Way("without_sign_in"),
    Way(
        "wrong_client_id",
        (_result(Found.APPLICATION_UNKNOWN, "", 700016),),
        {"client_id": STRANGER},
    ),
    Way("expired_secret", (_result(Found.CREDENTIAL_ENDED, "", 7000222),), {"client_id": EXPIRED}),
    Way("wrong_secret", (_result(Found.SECRET_WRONG, "", 7000215),), {"secret": "another"}),
    Way(
        "users_permission_missing",
        (_result(Found.PERMISSION_MISSING, "User.Read.All"),),
        prepare=_grant(application=["Organization.Read.All"]),
    ),
    Way(
        "organization_permission_missing",
        (_result(Found.PERMISSION_MISSING, "Organization.Read.All"),),
        prepare=_grant(application=["User.Read.All"]),
    ),
    Way(
        "no_permission_granted",
        tuple(_result(Found.PERMISSION_MISSING, one) for one in sorted(PERMISSIONS)),
        prepare=_grant(application=[]),
    ),
    Way(
        "redirect_missing",
        (_result(Found.REDIRECT_MISSING, CONSENT_PATH, 50011),),
        {"client_id": WITHOUT_REDIRECT},
    ),
    Way("app_role_missing", (_result(Found.ROLE_MISSING),), {"signs_in": "norman"}),
    Way(
        "claim_missing",
        (_result(Found.CLAIM_MISSING, "acct"),),
        {"client_id": WITHOUT_CLAIM, "signs_in": "dana"},
    ),
    Way(
        "wrong_cloud",
        (_result(Found.OTHER_CLOUD, "us_government"),),
        {"named": "agency.example"},
    ),
    Way("tenant_unknown", (_result(Found.TENANT_UNKNOWN),), {"named": "nobody.example"}),
    Way(
        "keys_unreadable",
        (_result(Found.KEYS_UNREADABLE),),
        prepare=_fault("malformed", f"/{HOME}/discovery/v2.0/keys"),
    ),
    Way(
        "application_disabled",
        (_result(Found.APPLICATION_DISABLED, "", 7000112),),
        prepare=_grant(enabled=False),
    ),
    Way("not_consented", (_result(Found.NOT_IN_TENANT, "", 700016),), {"named": CUSTOMER}),
    Way("secret_ends_soon", (_result(Found.END_NEAR, "59"),), {"days_left": 59}),
    Way(
        "graph_fails",
        (_result(Found.UNREACHABLE, "permissions"),),
        prepare=_fault("server_error", "/graph/v1.0/users"),
    ),
)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_registration_that_is_wrong_in_one_way_is_told_that_alone(
    registrations: Registrations, way: Way
) -> None:
    way.prepare(registrations)
    checked = registrations.check(**way.changes)
    mend = [one for one in checked.results if one.verdict is RegistrationVerdict.MEND]
    assert tuple(mend) == way.mend
    assert checked.is_good is not bool(way.mend)
    _hold_against_committed(way.name, checked)


def _hold_against_committed(name: str, checked: CheckedRegistration) -> None:
    """The transcripts that are replayed without a simulator are what it answers today."""
    file = TRANSCRIPTS / f"{name}.json"
    written = json.dumps(checked.transcript(), indent=2) + "\n"
    if os.environ.get("UPDATE_GOLDENS"):
        file.write_text(written, encoding="utf-8")
        pytest.skip("written")
    assert file.read_text(encoding="utf-8") == written


def test_every_transcript_is_of_a_way() -> None:
    """Those of real tenants, which begin with `real_`, are replayed only."""
    written = {file.stem for file in TRANSCRIPTS.glob("*.json")}
    assert {name for name in written if not name.startswith("real_")} == {way.name for way in WAYS}

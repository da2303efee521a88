"""Our own credential ends in the middle of twelve go-lives: nobody at a customer hears of it."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from contracts.go_live import Attention, GoLiveOutcome, Refusal, Wait
from contracts.waiting_on import WaitingOn, waiting_on
from graph.credentials import ClientCertificate, Credential
from tests.administrators import CONSENT, somebody, waiting_for_consent
from tests.certificates import make_certificate
from tests.cluster import Cluster, Organisation, Person
from tests.workflows.driver import never_applied
from wording import sentences
from wording.customer import customer_status


@pytest.fixture
def registration(cluster: Cluster) -> Iterator[str]:
    """Our registration at Microsoft, with a secret that is good again afterwards."""
    path = f"/applications/{cluster.settings.client_id}"
    yield path
    cluster.control("PATCH", path, secret_ended=False, certificates=[])
    cluster.control("DELETE", "/propagation")


def _restart_worker(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, credential: Credential
) -> None:
    """What a new process is to Microsoft: no token kept, and another credential."""
    entra = cluster.dependencies.graph._calls._entra
    monkeypatch.setattr(entra, "_applications", {})
    monkeypatch.setattr(entra, "_credential", credential)


def _certificate(
    folder: Path, left: timedelta = timedelta(days=1)
) -> tuple[ClientCertificate, str]:
    folder.mkdir()
    certificate = make_certificate(folder, left).read_text()
    both = folder / "entra.pem"
    both.write_text((folder / "server.key").read_text() + certificate)
    return ClientCertificate.read(both), certificate


def _refusals() -> float:
    return REGISTRY.get_sample_value("golive_credential_refused_total") or 0


async def test_twelve_go_lives_wait_without_a_mail_and_go_on_by_themselves(
    cluster: Cluster, registration: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    everyone = [cluster.create_organisation(Person("anna")) for _ in range(12)]
    moving, consenting = everyone[:6], everyone[6:]

    async def begin(organisation: Organisation) -> None:
        await organisation.start()
        await organisation.until(Wait.ADMIN_CONSENT)
        if organisation in consenting:
            never_applied(organisation)
        await organisation.consent()
        await organisation.until(Wait.MICROSOFT if organisation in consenting else Wait.MOVE_DATE)

    *_, asked = await asyncio.gather(
        *(begin(one) for one in everyone), waiting_for_consent(cluster, Person("anna"))
    )
    ended, certificate = _certificate(tmp_path / "ended", timedelta(days=-1))
    cluster.control("PATCH", registration, secret_ended=True, certificates=[certificate])
    cluster.control("DELETE", "/propagation")
    _restart_worker(cluster, monkeypatch, ended)
    counted = _refusals()

    async def meet_it(organisation: Organisation) -> None:
        if organisation in moving:
            await organisation.skip_to_due()
        else:
            await organisation.skip(timedelta(minutes=1))
        now = await organisation.until(lambda now: now.attention is Attention.CREDENTIAL_REFUSED)
        assert waiting_on(now) is WaitingOn.OPERATORS
        assert "An operator renews it" in sentences.to_do(now)
        assert "by itself" in sentences.by_itself(now)
        theirs = customer_status(now, "Europe/London")
        assert "on our side" in theirs.happened
        assert "onsent" not in theirs.happened + theirs.to_do + theirs.by_itself

    await asyncio.gather(*(meet_it(one) for one in everyone))
    assert _refusals() >= counted + len(everyone)

    mails = [one.mails() for one in everyone]
    # Long after the first reminder of the consent.
    await consenting[0].skip(timedelta(days=10))
    for organisation in everyone:
        assert organisation.progress.attention is Attention.CREDENTIAL_REFUSED
    assert [one.mails() for one in everyone] == mails

    def told_calmly() -> None:
        with somebody(consenting[0]) as who:
            who.browser.open(f"{who.link}/progress")
            assert "on our side" in who.text
            assert CONSENT not in who.text
        with somebody(asked) as who:
            who.to_microsoft().assert_told(Refusal.OUR_REGISTRATION, 503)

    await asyncio.to_thread(told_calmly)

    new, certificate = _certificate(tmp_path / "new")
    cluster.control("PATCH", registration, certificates=[certificate])
    _restart_worker(cluster, monkeypatch, new)

    async def go_on(organisation: Organisation) -> None:
        await organisation.skip(timedelta(minutes=6))
        if organisation in moving:
            assert (await organisation.ended()).outcome is GoLiveOutcome.LIVE
        else:
            now = await organisation.until(Wait.MOVE_DATE)
            assert now.attention is None
        assert "retry" not in {action for _, action, _ in organisation.audit()}

    await asyncio.gather(*(go_on(one) for one in everyone))

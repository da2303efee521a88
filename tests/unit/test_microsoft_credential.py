"""How the end of our own credential at Microsoft is announced where a process starts."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from bootstrap.connections import microsoft_credential, registration_settings
from contracts.clock import wall_clock
from settings import Settings, SettingsError
from tests.certificates import make_certificate


def _settings(**more: object) -> Settings:
    return Settings(
        **{
            "database_url": "postgresql+psycopg://pulse@127.0.0.1/pulse",
            "client_id": "33333333-3333-4333-8333-333333333333",
            "client_secret": "a-secret",
            "smtp_url": "smtp://127.0.0.1:1025",
            "mail_from": "sso@example.com",
            "public_url": "https://pulse.example.com",
            "secret_key": "0123456789abcdef0123456789abcdef",
            "support_address": "support@example.com",
            **more,
        }
    )


@pytest.mark.parametrize(
    ("days", "level"), [(61, None), (59, logging.WARNING), (6, logging.ERROR), (-1, logging.ERROR)]
)
def test_the_end_of_a_secret_is_in_the_metrics_and_near_it_in_the_log(
    caplog: pytest.LogCaptureFixture, days: int, level: int | None
) -> None:
    day = (wall_clock() + timedelta(days=days)).date()
    microsoft_credential(_settings(client_secret_expires_on=day.isoformat()))

    ends = REGISTRY.get_sample_value("golive_credential_ends_timestamp_seconds", {"kind": "secret"})
    assert ends is not None
    assert ends % 86400 == 0
    # Threads of earlier tests may still log, too.
    ours = [one.levelno for one in caplog.records if one.name == "bootstrap.connections"]
    assert ours == ([] if level is None else [level])
    assert "a-secret" not in caplog.text


def test_a_certificate_that_is_gone_since_the_settings_were_read_is_a_fault_of_theirs(
    tmp_path: Path,
) -> None:
    certificate = tmp_path / "own.pem"
    make_certificate(tmp_path)
    certificate.write_bytes(b"".join(file.read_bytes() for file in sorted(tmp_path.iterdir())))
    settings = _settings(client_secret=None, client_certificate_path=str(certificate))
    certificate.unlink()
    with pytest.raises(SettingsError, match=r"GOLIVE_CLIENT_CERTIFICATE_PATH: .*cannot be read"):
        microsoft_credential(settings)


@pytest.mark.parametrize("days", [None, 59, -1])
def test_the_registration_is_checked_by_the_days_that_are_left(
    caplog: pytest.LogCaptureFixture, days: int | None
) -> None:
    day = None if days is None else (wall_clock() + timedelta(days=days)).date().isoformat()
    found = registration_settings(_settings(client_secret_expires_on=day))
    if days is None:
        assert found.credential_days_left is None
    else:
        # The secret ends at midnight, so a part of the first day is over, or two at midnight.
        assert days - found.credential_days_left in (0, 1, 2)
    assert found.redirect_uris["/consent/callback"] == "https://pulse.example.com/consent/callback"
    assert caplog.records == []

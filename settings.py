"""One frozen `Settings`: what the environment says, checked once where a process starts."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


def _https_or_loopback(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return url.rstrip("/")
    if parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS:
        return url.rstrip("/")
    raise ValueError("must be an https address (http only on this machine)")


def _postgresql(url: str) -> str:
    if not url.startswith("postgresql+psycopg://"):
        raise ValueError("must start with postgresql+psycopg://")
    return url


def _smtp(url: str) -> str:
    if urlsplit(url).scheme not in {"smtp", "smtps"} or not urlsplit(url).hostname:
        raise ValueError("must be smtp://HOST:PORT or smtps://HOST:PORT")
    return url


def _long_enough(key: SecretStr) -> SecretStr:
    if len(key.get_secret_value()) < 32:
        raise ValueError("must have at least 32 characters")
    return key


def _build_id(written: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]{0,99}", written):
        raise ValueError("must be letters, digits, dots and hyphens, at most 100")
    return written


def _not_to_be_set(keys: SecretStr | None) -> None:
    if keys is None:
        return
    # An operator who sets it expects encrypted payloads; ignoring it would hide that they are not.
    raise ValueError(
        "must not be set: payloads hold ids only and are not encrypted "
        "(docs/decisions/0008-payloads-are-not-encrypted.md)"
    )


def _tenant_id(written: str | None) -> str | None:
    if written is None:
        return None
    try:
        return str(UUID(written))
    except ValueError:
        raise ValueError("must be a tenant's id: 32 hexadecimal digits with hyphens") from None


def _listening(address: str) -> str:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise ValueError("must be HOST:PORT")
    return address


WebAddress = Annotated[str, AfterValidator(_https_or_loopback)]

EXAMPLES = {
    "DATABASE_URL": "postgresql+psycopg://pulse:PASSWORD@db.example.com/pulse",
    "ENTRA_AUTHORITY": "https://login.microsoftonline.com",
    "GRAPH_URL": "https://graph.microsoft.com/v1.0",
    "CLIENT_ID": "11111111-2222-3333-4444-555555555555",
    "CLIENT_SECRET": "the value of a client secret of the app registration",
    "CLIENT_CERTIFICATE_PATH": "/etc/pulse/entra.pem (private key and certificate)",
    "SMTP_URL": "smtp://user:PASSWORD@smtp.example.com:587?starttls=required",
    "MAIL_FROM": "Clientshare <sso@example.com>",
    "USER_MAILS_PER_SECOND": "50 (0 = as fast as the relay takes it)",
    "PUBLIC_URL": "https://pulse.example.com",
    "SECRET_KEY": 'the output of: python3 -c "import secrets; print(secrets.token_hex())"',
    "SUPPORT_ADDRESS": "support@example.com",
    "STAFF_TENANT_ID": "your own tenant's id, such as 99999999-0000-0000-0000-000000000000",
    "TEMPORAL_UI_URL": "https://temporal.example.com",
    "CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt",
    "WORKER_HEALTH_PORT": "8083",
    "WORKER_QUEUE": "go-live-bulk",
    "BUILD_ID": "2026-11-24.1 (letters, digits, dots and hyphens)",
    "METRICS_TOKEN": 'the output of: python3 -c "import secrets; print(secrets.token_hex())"',
    "WORKER_METRICS_ADDRESS": "127.0.0.1:8084",
}


class Settings(BaseSettings):
    """What the environment (prefix `GOLIVE_`) says; docs/help.md lists each one."""

    model_config = SettingsConfigDict(env_prefix="GOLIVE_", frozen=True, extra="ignore")

    database_url: Annotated[SecretStr, AfterValidator(lambda value: _checked(value, _postgresql))]
    entra_authority: WebAddress = "https://login.microsoftonline.com"
    graph_url: WebAddress = "https://graph.microsoft.com/v1.0"
    client_id: str
    client_secret: SecretStr | None = None
    client_certificate_path: Path | None = None
    smtp_url: Annotated[SecretStr, AfterValidator(lambda value: _checked(value, _smtp))]
    mail_from: str
    user_mails_per_second: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 50
    """How fast a worker mails the users of large organisations; 0 = as the relay takes it."""
    public_url: WebAddress
    secret_key: Annotated[SecretStr, AfterValidator(_long_enough)]
    support_address: str
    staff_tenant_id: Annotated[str | None, AfterValidator(_tenant_id)] = None
    """In Microsoft's own form: lower case, with hyphens."""
    temporal_ui_url: WebAddress | None = None
    """Where the Temporal UI is; the console links each go-live to it."""
    ca_bundle: Path | None = None
    worker_health_port: int | None = None
    """The worker answers on this port of the loopback address when it is up."""
    worker_queue: Literal["go-live", "go-live-bulk"] | None = None
    """The worker serves this task queue alone; without it, both."""
    build_id: Annotated[str, AfterValidator(_build_id)] | None = None
    """The version of the code as the worker tells it to Temporal; without it, unversioned."""

    metrics_token: Annotated[SecretStr, AfterValidator(_long_enough)] | None = None
    """The token for reading /metrics; without it there is no such page."""
    worker_metrics_address: Annotated[str, AfterValidator(_listening)] | None = None
    """Where the worker answers /metrics; the web does so on its own port."""

    payload_keys: Annotated[SecretStr | None, AfterValidator(_not_to_be_set)] = None
    """Refused: see docs/decisions/0008-payloads-are-not-encrypted.md."""

    @property
    def client_secret_text(self) -> str | None:
        """The client secret in the clear, for the one call that needs it."""
        return self.client_secret.get_secret_value() if self.client_secret else None

    @model_validator(mode="after")
    def _has_one_credential(self) -> Self:
        if (self.client_secret is None) == (self.client_certificate_path is None):
            raise ValueError(
                "set one of GOLIVE_CLIENT_CERTIFICATE_PATH (preferred) and GOLIVE_CLIENT_SECRET"
            )
        return self

    @model_validator(mode="after")
    def _has_a_token_for_its_metrics(self) -> Self:
        if self.worker_metrics_address is not None and self.metrics_token is None:
            raise ValueError("GOLIVE_WORKER_METRICS_ADDRESS needs GOLIVE_METRICS_TOKEN as well")
        return self


def _checked(value: SecretStr, check: object) -> SecretStr:
    check(value.get_secret_value())  # type: ignore[operator]
    return value


class SettingsError(Exception):
    """A setting is missing or malformed; the text says which, why and gives an example."""


def read_settings() -> Settings:
    """Return the settings of this process's environment.

    Raises:
        SettingsError: every missing or malformed setting, one a line; never a value.
    """
    try:
        return Settings()
    except ValidationError as error:
        # `input` would hold values, secrets among them: only names and reasons are shown.
        lines = [_fault(fault["loc"], fault["msg"], fault["type"]) for fault in error.errors()]
    raise SettingsError("\n".join(lines))


def _fault(location: tuple[int | str, ...], message: str, kind: str) -> str:
    name = str(location[0]).upper() if location else ""
    reason = "is not set" if kind == "missing" else message.removeprefix("Value error, ")
    example = f" Example: {EXAMPLES[name]}" if name in EXAMPLES else ""
    return f"GOLIVE_{name} {reason}.{example}" if name else f"Settings: {reason}."

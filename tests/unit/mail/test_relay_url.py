"""What the SMTP URL may say."""

import pytest

from mail.errors import BadRelayUrlError
from mail.relay import SmtpRelay, StartTls


@pytest.mark.parametrize(
    ("url", "host", "port", "from_start", "starttls"),
    [
        ("smtp://mail.example.com", "mail.example.com", 587, False, StartTls.REQUIRED),
        ("smtp://mail.example.com:25?starttls=no", "mail.example.com", 25, False, StartTls.NO),
        ("smtp://127.0.0.1:1025", "127.0.0.1", 1025, False, StartTls.IF_OFFERED),
        ("smtp://[::1]:25?starttls=required", "::1", 25, False, StartTls.REQUIRED),
        ("smtp://localhost", "localhost", 587, False, StartTls.IF_OFFERED),
        ("smtps://mail.example.com/", "mail.example.com", 465, True, StartTls.REQUIRED),
    ],
)
def test_reads_where_and_how(
    url: str, host: str, port: int, from_start: bool, starttls: StartTls
) -> None:
    relay = SmtpRelay.from_url(url)
    assert (relay.host, relay.port) == (host, port)
    assert (relay.tls_from_start, relay.starttls) == (from_start, starttls)


def test_decodes_user_and_password_and_never_shows_them() -> None:
    relay = SmtpRelay.from_url("smtp://us%40er:p%3Ass%2F@mail.example.com")
    assert (relay.user, relay.password) == ("us@er", "p:ss/")
    assert "us@er" not in repr(relay)
    assert "p:ss/" not in repr(relay)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example.com:25",
        "http://mail.example.com",
        "smtp://",
        "smtp://mail.example.com:port",
        "smtp://mail.example.com/path",
        "smtp://mail.example.com?starttls=maybe",
        "smtp://mail.example.com?tls=no",
        "smtps://mail.example.com?starttls=no",
        "smtp://hunter2@mail.example.com",
        "smtp://user:hunter2@mail.example.com?starttls=no",
        "smtp://user:hunter2%C3%A9@mail.example.com",
    ],
)
def test_refuses_what_it_cannot_use_without_repeating_it(url: str) -> None:
    with pytest.raises(BadRelayUrlError) as refused:
        SmtpRelay.from_url(url)
    assert "hunter2" not in str(refused.value)

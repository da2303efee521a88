"""The web does not start where everybody may say which network they come from."""

import pytest

from web import __main__ as web
from web.__main__ import EVERYBODY_IS_TRUSTED, trusts_everybody


@pytest.mark.parametrize(
    "written", ["*", "127.0.0.1,*", " * ", "0.0.0.0/0", "::/0", "10.0.0.5, 0.0.0.0/1", "2000::/3"]
)
def test_a_list_that_names_everybody_is_refused(written: str) -> None:
    assert trusts_everybody(written)


@pytest.mark.parametrize(
    "written", ["", "127.0.0.1", "10.0.0.0/8", "10.0.0.5,fd00:1::/64", "::1", "unix-socket"]
)
def test_a_list_of_proxies_is_taken(written: str) -> None:
    assert not trusts_everybody(written)


def test_it_says_why_before_it_serves_anybody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {
        "DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/none",
        "CLIENT_ID": "33333333-3333-4333-8333-333333333333",
        "CLIENT_SECRET": "a-secret",
        "SMTP_URL": "smtp://127.0.0.1:25",
        "MAIL_FROM": "a@b.example",
        "PUBLIC_URL": "https://pulse.example",
        "SECRET_KEY": "0123456789abcdef0123456789abcdef",
        "SUPPORT_ADDRESS": "a@b.example",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"GOLIVE_{name}", value)
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    monkeypatch.setattr("sys.argv", ["web"])
    monkeypatch.setattr(web, "set_up_logging", lambda: None)
    monkeypatch.setattr(web.uvicorn, "run", lambda *_, **__: pytest.fail("it serves"))
    assert web.main() == 1
    assert EVERYBODY_IS_TRUSTED in capsys.readouterr().err

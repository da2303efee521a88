"""The people of the demo, who do everything by HTTP: read mail, sign in, consent, log in."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from local import loopback
from local.browser import Browser
from local.errors import LocalError

MAIL_WITHIN_SECONDS = 60


class SceneFailedError(LocalError):
    """Somebody of the demo could not do their part; the text shows the page they saw."""


@dataclass(frozen=True)
class Endpoints:
    """Where things are."""

    web: str
    mailbox: str

    def consent_link(self, address: str) -> str:
        """Return the personal consent link in somebody's newest mail that has one.

        A person looks again when it has not come yet: a worker may be just starting.
        """
        wanted = re.compile(rf"{re.escape(self.web)}/consent/\S+")
        give_up = time.monotonic() + MAIL_WITHIN_SECONDS
        while time.monotonic() < give_up:
            for text in self._mails(address):
                if link := wanted.search(text):
                    return link.group()
            time.sleep(0.1)
        raise SceneFailedError("No mail with a consent link came for this person.")

    def _mails(self, address: str) -> Iterator[str]:
        found = loopback.get(
            f"{self.mailbox}/api/messages", params={"to": address, "limit": 10_000}
        ).json()
        for message in sorted(found, key=lambda one: int(one["id"]), reverse=True):
            shown = loopback.get(f"{self.mailbox}/api/messages/{message['id']}")
            yield str(shown.json()["text"])


GO_ON = "Login with SSO and go on"


def consent(endpoints: Endpoints, contact: str, administrator: str) -> None:
    """Open the link from the contact's mail and consent as the administrator.

    Where an earlier consent still stands at Microsoft, they sign in and go on with that.
    """
    with Browser() as browser:
        browser.open(endpoints.consent_link(contact))
        _press(browser, "Login with SSO and consent")
        if GO_ON in browser.text:
            _press(browser, GO_ON)
            _microsoft_sign_in(browser, administrator)
        else:
            _microsoft_sign_in(browser, administrator)
            _press(browser, "Accept")
        if "/consent/progress" not in browser.url:
            raise SceneFailedError(f"The consent ended on another page: {browser.text}")


def log_in_with_sso(endpoints: Endpoints, address: str, account: str | None = None) -> Browser:
    """Log in by the SSO button; the browser that is returned is signed in."""
    browser = Browser()
    browser.open(f"{endpoints.web}/login")
    _press(browser, "Continue", email=address)
    _press(browser, "Login with SSO")
    _microsoft_sign_in(browser, account or address)
    if "with Microsoft single sign-on" not in browser.text:
        raise SceneFailedError(f"The sign-in ended on another page: {browser.text}")
    return browser


def _microsoft_sign_in(browser: Browser, account: str) -> None:
    # A browser that is signed in at Microsoft already is not asked again.
    if "Email, phone, or Skype" in browser.text:
        _press(browser, "Sign in", login=account)


def _press(browser: Browser, button: str, **fields: str) -> None:
    try:
        browser.press(button, **fields)
    except LookupError as error:
        raise SceneFailedError(f"{error} The page says: {browser.text}") from None

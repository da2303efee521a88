"""People who consent, or do not: each in a browser of their own, all by HTTP."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlencode, urlsplit

from contracts.go_live import Refusal, Wait
from local.browser import Browser
from tests.cluster import Cluster, Organisation, Person
from wording.refusals import REFUSALS

CLIENT = "11111111-2222-3333-4444-555555555555"
GRANT = {
    "application": ["User.Read.All", "Organization.Read.All"],
    "delegated": ["openid", "profile", "email"],
    "all_principals": True,
}
"""Everything that we ask for, for the whole organisation."""
CONSENT = "Login with SSO and consent"
RETURN = "Return to the application without granting consent"


class Consenting:
    """Somebody with the consent link and a browser."""

    def __init__(self, organisation: Organisation, browser: Browser) -> None:
        self.organisation, self.browser = organisation, browser

    @property
    def link(self) -> str:
        return self.organisation.cluster.endpoints.consent_link(self.organisation.contact)

    @property
    def text(self) -> str:
        return self.browser.text

    @property
    def status(self) -> int:
        return self.browser.status

    def to_microsoft(self) -> "Consenting":
        """Open the link and press its one button."""
        self.browser.open(self.link)
        self.browser.press(CONSENT)
        return self

    def sign_in(self, account: str) -> "Consenting":
        self.browser.press("Sign in", login=account)
        return self

    def press(self, button: str, **fields: str) -> "Consenting":
        self.browser.press(button, **fields)
        return self

    def accept(self, account: str | None = None) -> "Consenting":
        """Consent for the organisation, to the end."""
        return (
            self.to_microsoft().sign_in(account or self.organisation.administrator).press("Accept")
        )

    @property
    def state(self) -> str:
        """The state this browser was sent to Microsoft with."""
        return parse_qs(urlsplit(self.browser.url).query)["state"][0]

    def come_back(self, **parameters: str) -> "Consenting":
        """Come to our callback with these parameters, as anybody can write them."""
        return self.open(f"/consent/callback?{urlencode(parameters)}")

    def open(self, path: str) -> "Consenting":
        self.browser.open(self.organisation.cluster.endpoints.web + path)
        return self

    def assert_told(self, refusal: Refusal, status: int = 400) -> None:
        """The page says what happened, who must do what, and one way on."""
        advice = REFUSALS[refusal]
        assert self.status == status, self.text
        assert _words(advice.happened) in self.text, self.text
        assert _words(advice.to_do) in self.text, self.text
        assert advice.button in self.text, self.text


async def waiting_for_consent(cluster: Cluster, *people: Person, **columns: str) -> Organisation:
    """A new organisation whose go-live waits for the administrator."""
    organisation = cluster.create_organisation(*people, **columns)
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    return organisation


async def in_a_browser(organisation: Organisation, act: Callable[[Consenting], object]) -> str:
    """Let somebody act in a new browser; return what the page says in the end."""

    def work() -> str:
        with somebody(organisation) as who:
            act(who)
            return who.text

    return await asyncio.to_thread(work)


@contextmanager
def somebody(organisation: Organisation) -> Iterator[Consenting]:
    """Somebody with a browser that nobody has used before."""
    with Browser() as browser:
        yield Consenting(organisation, browser)


def _words(text: str) -> str:
    return re.sub(r"\s+", " ", text)

"""A person at a browser without a screen: opens pages, fills in the form, presses a button."""

from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Self
from urllib.parse import urljoin

import httpx2

from local import loopback


@dataclass
class Form:
    """A form of a page."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    """Names and values that are sent anyway, such as hidden ones."""
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    """Words on each button, and the name and value it sends."""


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._fields_of: dict[str, dict[str, str]] = {}
        """Fields by the id of their form, which may come later on the page."""
        self.links: dict[str, str] = {}
        """Words of each link, and where it leads."""
        self.text: list[str] = []
        self._button: list[str] | None = None
        self._link = ""
        self._hidden = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        self._hidden = tag in {"style", "script"}
        if tag == "form":
            fields = self._fields_of.setdefault(values["id"], {}) if "id" in values else {}
            self.forms.append(Form(values.get("action", ""), fields))
        elif tag == "input" and values.get("name") and values.get("type") != "checkbox":
            if "form" in values:
                fields = self._fields_of.setdefault(values["form"], {})
                fields[values["name"]] = values.get("value", "")
            elif self.forms:
                self.forms[-1].fields[values["name"]] = values.get("value", "")
        elif tag == "button" and self.forms:
            self.forms[-1].buttons.append(("", values.get("name", ""), values.get("value", "")))
            self._button = []
        elif tag == "a":
            self._link = values.get("href", "")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False
        if tag == "a":
            self._link = ""
        if tag == "button" and self._button is not None:
            _, name, value = self.forms[-1].buttons[-1]
            self.forms[-1].buttons[-1] = (" ".join(self._button), name, value)
            self._button = None

    def handle_data(self, data: str) -> None:
        words = " ".join(data.split())
        if words and not self._hidden:
            self.text.append(words)
            if self._button is not None:
                self._button.append(words)
            if self._link:
                self.links[words] = self._link


class Browser:
    """One browser with its own cookies; follows redirects as browsers do."""

    def __init__(self) -> None:
        self._http = loopback.client(follow_redirects=True, timeout=30)
        self._page = _Forms()
        self.url = ""
        self.status = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    @property
    def text(self) -> str:
        """Return the words of the present page."""
        return " ".join(self._page.text)

    @property
    def cookies(self) -> dict[str, str]:
        """Return its cookies, of every site it visited."""
        return {cookie.name: cookie.value or "" for cookie in self._http.cookies.jar}

    def listen(self, hear: Callable[[httpx2.Response], None]) -> None:
        """Pass every response to a function, redirects as well."""
        self._http.event_hooks["response"].append(hear)

    def open(self, url: str) -> None:
        """Open a page."""
        self._show(self._http.get(url))

    def follow(self, words: str) -> None:
        """Follow the link with these words.

        Raises:
            LookupError: the page has no such link.
        """
        if words not in self._page.links:
            there = ", ".join(self._page.links)
            raise LookupError(f"There is no link “{words}” on the page; there are: {there}.")
        self.open(urljoin(self.url, self._page.links[words]))

    def press(self, button: str, **filled_in: str) -> None:
        """Press the button with these words, having filled in some fields of its form.

        Raises:
            LookupError: the page has no such button.
        """
        for form in self._page.forms:
            for words, name, value in form.buttons:
                if words == button:
                    pressed = {name: value} if name else {}
                    self._show(
                        self._http.post(
                            urljoin(self.url, form.action or self.url),
                            data={**form.fields, **filled_in, **pressed},
                        )
                    )
                    return
        there = ", ".join(words for form in self._page.forms for words, *_ in form.buttons)
        raise LookupError(
            f"There is no button “{button}” on the page; there are: {there or 'none'}."
        )

    def _show(self, response: httpx2.Response) -> None:
        self._page = _Forms()
        self._page.feed(response.text)
        self.url, self.status = str(response.url), response.status_code

"""Turns a message's name and its values into a subject, a text and an HTML body.

Templates are files, values are data: an organisation's name is never read as a template, is escaped
in HTML, and stays on one line everywhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, UndefinedError
from jinja2.ext import Extension
from markupsafe import Markup

from contracts import rules
from mail.errors import BadLinkError, MissingValueError, UnknownMessageError
from mail.lines import one_line
from mail.messages import MESSAGES
from mail.styles import with_styles
from wording.sentences import counted

TEMPLATES = Path(__file__).parent / "templates"

_QUOTED = re.compile(r"'([^']*)'")
_EMPTY_LINES = re.compile(r"\n{3,}")
_LONGEST_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A rendered message, ready to be sent."""

    subject: str
    """One line."""
    text: str
    html: str


class _InlineStyles(Extension):
    """Writes our styles into the tags when a template is compiled."""

    def preprocess(self, source: str, *_: object, **__: object) -> str:
        """Return the source that Jinja is to compile."""
        return with_styles(source)


def render(message: str, values: Mapping[str, object]) -> RenderedMail:
    """Render one message.

    Args:
        message: a name in `mail.messages.MESSAGES`, for example `"invitation"`.
        values: the common values and those of this message (see its description there).

    Raises:
        UnknownMessageError: there is no such message.
        MissingValueError: a value that a template needs was not given.
        BadLinkError: a link is neither empty nor http(s).
    """
    description = MESSAGES.get(message)
    if description is None:
        raise UnknownMessageError(message)
    for name in description.required:
        if name not in values:
            raise MissingValueError(message, name)
    for name in description.needed_links:
        if not values[name]:
            raise MissingValueError(message, name)
    for name in description.links:
        link = values.get(name)
        if link and not str(link).startswith(("https://", "http://")):
            raise BadLinkError(message)
    subject, text, html = _templates(message)
    return RenderedMail(
        subject=one_line(_written(subject, values)).strip()[:_LONGEST_SUBJECT],
        text=_EMPTY_LINES.sub("\n\n", _written(text, values)).strip() + "\n",
        html=_written(html, values),
    )


def announcement(*, product_name: str, moves_at: str, login_url: str, support_address: str) -> str:
    """Render the announcement that an IT team forwards to its users, as in the IT pack.

    `moves_at` is empty while no date is agreed.
    """
    values = {
        "product_name": product_name,
        "moves_at": moves_at,
        "login_url": login_url,
        "support_address": support_address,
    }
    lines = _written(_text_templates().get_template("announcement.txt"), values).splitlines()
    return "\n".join(line for line in lines if line.strip("-")).replace("\n", "\n\n").strip()


def _written(template: Template, values: Mapping[str, object]) -> str:
    try:
        return template.render(values)
    except UndefinedError as error:
        # Jinja names what is missing only in its text: "'x' is undefined", or for a row of a
        # list "'dict object' has no attribute 'x'".
        names = _QUOTED.findall(str(error)) or ["?"]
        raise MissingValueError(template.name or "", names[-1]) from None


@cache
def _templates(message: str) -> tuple[Template, Template, Template]:
    return (
        _text_templates().get_template(f"{message}/subject.txt"),
        _text_templates().get_template(f"{message}/body.txt"),
        _html_templates().get_template(f"{message}/body.html"),
    )


@cache
def _text_templates() -> Environment:
    return _environment(html=False)


@cache
def _html_templates() -> Environment:
    return _environment(html=True)


def _environment(*, html: bool) -> Environment:
    # Without escaping for subject and text: they are shown as they are written.
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=html,  # noqa: S701
        undefined=StrictUndefined,
        extensions=[_InlineStyles] if html else [],
        finalize=_kept_on_its_line,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    environment.filters["counted"] = counted
    environment.globals["rules"] = rules
    return environment


def _kept_on_its_line(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Markup):
        return one_line(value)
    return value

"""Forms: only one that a page of ours gave to this very browser counts, and what was typed."""

from typing import Annotated

from fastapi import Depends, Form
from pydantic import AfterValidator

from web.visit import AVisit, Visit


def _printable(written: str) -> str:
    return "".join(letter for letter in written if letter.isprintable() or letter in "\n\t")


TypedText = Annotated[str, AfterValidator(_printable)]
"""What a person typed, without control characters: PostgreSQL refuses some, people see none."""


Ticked = Annotated[str, Form(alias="by_a_person", max_length=10)]
"""The box that only a person ticks: mail scanners open links and press buttons, too."""

TICKED = "yes"


class FormRefusedError(Exception):
    """A form came without the token of this browser: another site, or cookies are off."""


def check_own(visit: Visit, form_token: str) -> None:
    """Refuse a form that none of our pages gave to this very browser.

    Raises:
        FormRefusedError: it did not come from there.
    """
    if not visit.dependencies.is_form_token(form_token, visit.browser):
        raise FormRefusedError


async def own_form(visit: AVisit, form_token: Annotated[str, Form()] = "") -> Visit:
    """Return the present visit of a form that one of our pages gave to this very browser.

    Raises:
        FormRefusedError: it did not come from there.
    """
    check_own(visit, form_token)
    return visit


OwnForm = Annotated[Visit, Depends(own_form)]

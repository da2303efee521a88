"""Refuses a typed e-mail address that could never be written to, or that would match nothing."""

from commands.errors import UsageError
from contracts.addresses import AddressProblem, address_problem, invisible_letter
from contracts.problems import Problem
from wording import addresses


def check_new(address: str) -> None:
    """Refuse an address that mail cannot be written to.

    Raises:
        UsageError: it says what is wrong with the address, and where.
    """
    _refuse(address, address_problem(address))


def check_known(address: str) -> None:
    """Refuse an address with letters that nobody sees, which no address of ours has.

    Raises:
        UsageError: it names the letter and its place.
    """
    _refuse(address, invisible_letter(address))


def _refuse(address: str, problem: AddressProblem | None) -> None:
    if problem is not None:
        raise UsageError(
            Problem.ADDRESS_AT_FAULT, address=address, what_is_wrong=addresses.said_of(problem)
        )

"""Compares the secret key of a process with the one that signed last, as it starts."""

import logging

from sqlalchemy.exc import SQLAlchemyError

from commands.errors import CommandError
from contracts.clock import wall_clock
from contracts.links import LinkSigner
from contracts.problems import Problem
from database.engine import Sessions
from database.links import signing_keys

_log = logging.getLogger(__name__)


def check(sessions: Sessions, signer: LinkSigner, *, replace: bool = False) -> None:
    """Record that the signer's first key signs, unless it lacks the key that signed last.

    `replace` records it all the same: links that the lost key signed then get a renewal form.

    Raises:
        CommandError: another key signed last, and this process could verify none of its links.
    """
    with sessions.begin() as session:
        newest = signing_keys.newest(session)
        if newest == signer.fingerprints[0]:
            return
        if newest is not None and newest not in signer.fingerprints and not replace:
            raise CommandError(Problem.SECRET_KEY_IS_ANOTHER)
        signing_keys.record(session, signer, wall_clock())


def check_if_there(sessions: Sessions, signer: LinkSigner) -> None:
    """Check at the start of a process that begins without the database, too.

    Raises:
        CommandError: as `check`.
    """
    try:
        check(sessions, signer)
    except SQLAlchemyError as error:
        _log.warning("GOLIVE_SECRET_KEY could not be compared: %s", type(error).__name__)

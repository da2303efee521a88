"""Sends mail: the protocol of a mailer, and the mailer that speaks SMTP.

Threads share open connections to the relay, because opening one (TCP, TLS, login) costs more than
sending a mail through it.
"""

import ssl
import threading
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from mail.errors import AnsweredError, RelayUnavailableError
from mail.outgoing import (
    Attachment,
    MailAddress,
    OutgoingMail,
    compose,
    mailbox,
    message_id_for,
    parse_address,
)
from mail.relay import RelayConnection, SmtpRelay, Timeouts

__all__ = ["Attachment", "Mailer", "OutgoingMail", "SmtpMailer", "mailbox", "message_id_for"]

# A connection used this recently is assumed to be alive; an older one is checked first.
_SURELY_THERE = 5.0


class Mailer(Protocol):
    """Sends one mail to the relay."""

    def send(self, mail: OutgoingMail) -> str:
        """Send the mail and return the relay's reply line, for example `"250 OK"`.

        Raises:
            mail.errors.MailError: one of the errors drawn in `mail/errors.py`.
        """


class SmtpMailer:
    """Sends by SMTP over a few kept connections. Thread-safe; close it when done.

    A second `send` of the same mail sends it again: the ledger makes sure that each goes out once.
    The Message-ID stays the same, so mail systems can recognise a repeat.
    """

    def __init__(
        self,
        url: str,
        *,
        ca_bundle: Path | None = None,
        max_connections: int = 4,
        idle_seconds: float = 30.0,
        messages_per_connection: int = 500,
        timeouts: Timeouts | None = None,
        client_name: str = "",
    ) -> None:
        """Read the URL; connect only when the first mail goes out.

        Args:
            url: see `mail.relay.SmtpRelay.from_url`.
            ca_bundle: certificates to trust instead of the system's.
            max_connections: more threads than this wait for their turn.
            idle_seconds: connections unused for so long are closed.
            messages_per_connection: relays like to see a fresh connection now and then.
            timeouts: how long to wait for what.
            client_name: what we call ourselves in EHLO; an address literal if empty.

        Raises:
            BadRelayUrlError: the URL cannot be used.
        """
        self._relay = SmtpRelay.from_url(url)
        self._tls = ssl.create_default_context(cafile=ca_bundle)
        self._idle_seconds = idle_seconds
        self._messages_per_connection = messages_per_connection
        self._timeouts = timeouts or Timeouts()
        self._client_name = client_name or "[127.0.0.1]"
        self._turns = threading.BoundedSemaphore(max_connections)
        self._lock = threading.Lock()
        self._idle: list[RelayConnection] = []
        self._closer: threading.Timer | None = None
        self._closed = False

    def send(self, mail: OutgoingMail) -> str:
        """Send one mail and return the relay's reply line, without addresses in it.

        It waits for a free connection as long as one delivery may take. If an idle connection turns
        out to be dead, it tries once more with a new one.

        Raises:
            mail.errors.MailError: one of the errors drawn in `mail/errors.py`.
        """
        sender, recipient = parse_address(mail.sender), parse_address(mail.recipient)
        message = compose(mail, sender, recipient)
        if not self._turns.acquire(timeout=self._timeouts.delivery):
            raise RelayUnavailableError("All connections to the mail relay are busy.")
        try:
            connection, kept = self._take()
            try:
                return self._deliver(connection, sender, recipient, message)
            except RelayUnavailableError:
                if not kept:
                    raise
            # Nothing was handed over yet, so trying once more cannot deliver twice.
            return self._deliver(self._open(), sender, recipient, message)
        finally:
            self._turns.release()

    def close(self) -> None:
        """Close idle connections; a mail that is being sent ends first and closes its own."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            closer, self._closer = self._closer, None
        if closer is not None:
            closer.cancel()
        for connection in idle:
            connection.close()

    def __enter__(self) -> Self:
        """Return this mailer."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close idle connections."""
        self.close()

    def _deliver(
        self,
        connection: RelayConnection,
        sender: MailAddress,
        recipient: MailAddress,
        message: bytes,
    ) -> str:
        try:
            reply = connection.deliver(sender, recipient, message)
        except AnsweredError:
            self._give_back(connection)
            raise
        except BaseException:
            connection.hang_up()
            raise
        self._give_back(connection)
        return reply

    def _take(self) -> tuple[RelayConnection, bool]:
        """Return a connection, the most recently used first, and whether it was idle."""
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return self._open(), False
            if connection.idle_for < _SURELY_THERE or connection.answers():
                return connection, True
            connection.hang_up()

    def _open(self) -> RelayConnection:
        return RelayConnection(self._relay, self._timeouts, self._client_name, self._tls)

    def _give_back(self, connection: RelayConnection) -> None:
        with self._lock:
            keep = (
                not self._closed
                and connection.is_open
                and connection.messages_sent < self._messages_per_connection
            )
            if keep:
                self._idle.append(connection)
                if self._closer is None:
                    self._start_closer()
        if not keep:
            # Not here: saying goodbye takes a moment, and our caller has yet to note what the relay
            # has taken.
            threading.Thread(target=connection.close, daemon=True).start()

    def _start_closer(self) -> None:
        self._closer = threading.Timer(self._idle_seconds, self._close_unused)
        self._closer.daemon = True
        self._closer.start()

    def _close_unused(self) -> None:
        with self._lock:
            unused = [each for each in self._idle if each.idle_for >= self._idle_seconds]
            self._idle = [each for each in self._idle if each not in unused]
            self._closer = None
            if self._idle and not self._closed:
                self._start_closer()
        for connection in unused:
            connection.close()

"""One SMTP relay: its address, how to open a connection to it, and how to hand over one mail.

smtplib speaks the protocol; this module decides what each answer means and turns it into one of our
errors.
"""

import ipaddress
import re
import smtplib
import ssl
import time
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NoReturn
from urllib.parse import parse_qs, unquote, urlsplit

from mail.errors import (
    AddressRefusedError,
    AddressRefusedForNowError,
    AddressUnusableError,
    AnsweredError,
    BadRelayUrlError,
    DeliveryUncertainError,
    MailNotTakenError,
    RefusalUnclearError,
    RelayHungUpError,
    RelayNotTrustedError,
    RelayRefusesUsError,
    RelayUnavailableError,
)
from mail.lines import one_line
from mail.outgoing import MailAddress
from mail.replies import Meaning, Step, meaning_of

_EXAMPLE = "smtp://user:password@mail.example.com:587?starttls=required"
_ADDRESS_IN_REPLY = re.compile(r"[^\s<>()\"':,;]+@[^\s<>()\"':,;]+")
_OUR_LOGINS = ("CRAM-MD5", "PLAIN", "LOGIN")
"""Those that smtplib speaks."""
_LONGEST_REPLY = 300


_ERRORS: dict[Meaning, type[AnsweredError]] = {
    Meaning.NOT_NOW: MailNotTakenError,
    Meaning.NOT_FROM_US: MailNotTakenError,
    Meaning.ADDRESS_NOT_NOW: AddressRefusedForNowError,
    Meaning.ADDRESS_REFUSED: AddressRefusedError,
    Meaning.UNCLEAR: RefusalUnclearError,
}


class StartTls(StrEnum):
    """Whether a plain connection must be encrypted before any command."""

    REQUIRED = "required"
    IF_OFFERED = "if-offered"
    NO = "no"


@dataclass(frozen=True, slots=True)
class SmtpRelay:
    """The relay's address, encryption and login."""

    host: str
    port: int
    tls_from_start: bool
    starttls: StartTls
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def place(self) -> str:
        """Host and port, as errors name them."""
        return f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the relay runs on this machine, where nobody can listen in between."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @classmethod
    def from_url(cls, url: str) -> "SmtpRelay":
        """Read `smtp://user:pass@host:587?starttls=required|if-offered|no` or `smtps://host`.

        Without `starttls` it is required, except on a loopback host, where it is used if
        offered. Ports default to 587 and 465. User and password are percent-decoded.

        Raises:
            BadRelayUrlError: the URL cannot be used; the text never repeats it.
        """
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError:
            raise BadRelayUrlError(f"The SMTP URL cannot be read. Expected: {_EXAMPLE}") from None
        host = parts.hostname or ""
        if (
            parts.scheme not in ("smtp", "smtps")
            or not host
            or any(letter.isspace() for letter in host)
            or port == 0
            or parts.path.strip("/")
        ):
            raise BadRelayUrlError(f"The SMTP URL must look like {_EXAMPLE} or smtps://host:465")
        options = parse_qs(parts.query, keep_blank_values=True)
        wish = options.pop("starttls", [""])[-1]
        if options or (wish and parts.scheme == "smtps"):
            raise BadRelayUrlError(
                "The SMTP URL takes one option, starttls, and only with smtp://."
            )
        if wish and wish not in list(StartTls):
            raise BadRelayUrlError(
                "starttls in the SMTP URL is one of required, if-offered and no."
            )
        relay = cls(
            host=host,
            port=port or (465 if parts.scheme == "smtps" else 587),
            tls_from_start=parts.scheme == "smtps",
            starttls=StartTls(wish) if wish else StartTls.REQUIRED,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )
        if bool(relay.user) != bool(relay.password):
            raise BadRelayUrlError("The SMTP URL needs both a user and a password, or neither.")
        if not (relay.user + relay.password).isascii():
            raise BadRelayUrlError("User and password in the SMTP URL must be plain ASCII.")
        if relay.is_loopback:
            return relay if wish else replace(relay, starttls=StartTls.IF_OFFERED)
        if relay.user and not relay.tls_from_start and relay.starttls is StartTls.NO:
            raise BadRelayUrlError("A password is never sent without TLS: use starttls=required.")
        return relay


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait for the relay, in seconds."""

    connect: float = 15.0
    command: float = 30.0
    delivery: float = 300.0
    """For the answer to a whole message. Giving up early risks a second delivery (RFC 5321,
    4.5.3.2.6 asks for ten minutes; five is what most relays live by)."""
    still_there: float = 5.0
    """For a relay that was silent to answer NOOP, and for saying goodbye."""


class RelayConnection:
    """One open connection. Not thread-safe: the pool hands it to one thread at a time."""

    def __init__(
        self, relay: SmtpRelay, timeouts: Timeouts, client_name: str, tls: ssl.SSLContext
    ) -> None:
        """Connect, encrypt and log in.

        Raises:
            RelayUnavailableError: nobody answers, or the relay says "not now".
            RelayRefusesUsError: the greeting or the login is refused.
            RelayNotTrustedError: the connection cannot be made private.
        """
        self.messages_sent = 0
        self.last_used = time.monotonic()
        self._relay = relay
        self._timeouts = timeouts
        self._context = tls
        try:
            self._smtp = self._connect(client_name)
        except smtplib.SMTPConnectError as error:
            if error.smtp_code >= 500:
                raise RelayRefusesUsError(
                    f"The mail relay at {relay.place} does not accept connections from here "
                    f"(code {error.smtp_code}).",
                    code=error.smtp_code,
                    reply=_plain(error.smtp_error),
                ) from None
            raise self._unavailable(f"is not ready (code {error.smtp_code})") from None
        except ssl.SSLCertVerificationError as error:
            raise self._untrusted(f"has a certificate that fails: {error.verify_message}") from None
        except ssl.SSLError:
            raise self._unavailable("does not speak TLS on this port") from None
        except (OSError, smtplib.SMTPException) as error:
            raise self._unavailable(f"does not answer ({type(error).__name__})") from None
        try:
            self._open(client_name)
        except BaseException:
            self._smtp.close()
            raise

    def deliver(self, sender: MailAddress, recipient: MailAddress, message: bytes) -> str:
        """Hand over one composed mail; return the relay's reply line, without addresses.

        Raises:
            RelayHungUpError: nothing was handed over; the connection is of no further use.
            RelayUnavailableError: the same, before the relay heard of this mail.
            RelayRefusesUsError: the sender address is refused.
            AnsweredError: this mail is not taken; its kinds say whose fault that is.
            DeliveryUncertainError: the relay vanished before its answer.
        """
        try:
            self._begin(sender, recipient)
            reply = self._data(message)
        except AnsweredError:
            self._reset()
            raise
        self.messages_sent += 1
        self.last_used = time.monotonic()
        return reply

    @property
    def offers_smtputf8(self) -> bool:
        """Whether the relay carries addresses with letters outside ASCII."""
        return self._smtp.has_extn("smtputf8")

    @property
    def is_open(self) -> bool:
        """Whether it can be used again."""
        return self._smtp.sock is not None

    @property
    def idle_for(self) -> float:
        """Seconds since the last message."""
        return time.monotonic() - self.last_used

    def answers(self) -> bool:
        """Tell quickly whether the relay is still there; never raises."""
        try:
            self._set_timeout(self._timeouts.still_there)
            code, _ = self._smtp.noop()
        except (OSError, smtplib.SMTPException):
            return False
        self._set_timeout(self._timeouts.command)
        return code == 250

    def close(self) -> None:
        """End the session and close the connection; never raises."""
        try:
            self._set_timeout(self._timeouts.still_there)
            self._smtp.quit()
        except (OSError, smtplib.SMTPException):
            self._smtp.close()

    def hang_up(self) -> None:
        """Close without ending the session; for a connection that is already broken."""
        self._smtp.close()

    def _connect(self, client_name: str) -> smtplib.SMTP:
        relay, timeout = self._relay, self._timeouts.connect
        # A host name is always given; otherwise smtplib looks our own up in DNS each time.
        if relay.tls_from_start:
            return smtplib.SMTP_SSL(
                relay.host, relay.port, client_name, timeout=timeout, context=self._context
            )
        return smtplib.SMTP(relay.host, relay.port, client_name, timeout=timeout)

    def _open(self, client_name: str) -> None:
        try:
            self._encrypt_and_log_in()
        except ssl.SSLCertVerificationError as error:
            raise self._untrusted(f"has a certificate that fails: {error.verify_message}") from None
        except smtplib.SMTPAuthenticationError as error:
            if error.smtp_code < 500:
                raise self._unavailable(f"cannot check logins now (code {error.smtp_code})") from (
                    None
                )
            raise RelayRefusesUsError(
                f"The mail relay at {self._relay.place} refuses our user name and password "
                f"(code {error.smtp_code}).",
                code=error.smtp_code,
                reply=_plain(error.smtp_error),
            ) from None
        except smtplib.SMTPHeloError as error:
            if error.smtp_code < 500:
                raise self._unavailable(f"is not ready (code {error.smtp_code})") from None
            raise RelayRefusesUsError(
                f"The mail relay at {self._relay.place} refuses our name {client_name!r} "
                f"(code {error.smtp_code}).",
                code=error.smtp_code,
                reply=_plain(error.smtp_error),
            ) from None
        except (OSError, smtplib.SMTPException) as error:
            raise self._unavailable(f"went away at the start ({type(error).__name__})") from None
        self._set_timeout(self._timeouts.command)

    def _encrypt_and_log_in(self) -> None:
        relay, smtp = self._relay, self._smtp
        smtp.ehlo_or_helo_if_needed()
        private = relay.tls_from_start or relay.is_loopback
        if not relay.tls_from_start and relay.starttls is not StartTls.NO:
            if smtp.has_extn("starttls"):
                code, _ = smtp.starttls(context=self._context)
                if code != 220:
                    raise self._unavailable(f"cannot start TLS now (code {code})")
                smtp.ehlo_or_helo_if_needed()
                private = True
            elif relay.starttls is StartTls.REQUIRED:
                raise self._untrusted("does not offer STARTTLS, which the SMTP URL requires")
        if relay.user:
            if not private:
                raise self._untrusted("offers no TLS, and a password is never sent without it")
            if not smtp.has_extn("auth"):
                raise RelayRefusesUsError(
                    f"The mail relay at {relay.place} does not offer a login."
                )
            offered = smtp.esmtp_features["auth"].upper().split()
            if not set(offered) & set(_OUR_LOGINS):
                raise RelayRefusesUsError(
                    f"The mail relay at {relay.place} offers only log-ins that we cannot use "
                    f"({', '.join(sorted(offered))}); we can use {', '.join(_OUR_LOGINS)}."
                )
            smtp.login(relay.user, relay.password)

    def _begin(self, sender: MailAddress, recipient: MailAddress) -> None:
        """Send MAIL, RCPT and DATA; raise unless the relay accepts all of them."""
        options = ""
        if sender.needs_smtputf8 or recipient.needs_smtputf8:
            if not self.offers_smtputf8:
                raise AddressUnusableError(
                    "This mail address holds letters outside ASCII before the @, and the mail "
                    "relay cannot carry such addresses (it does not offer SMTPUTF8)."
                )
            self._smtp.command_encoding = "utf-8"
            options = " SMTPUTF8 BODY=8BITMIME"
        try:
            code, text = self._smtp.docmd("MAIL", f"FROM:<{sender.address}>{options}")
            if code != 250:
                self._refuse_sender(code, text)
            code, text = self._smtp.docmd("RCPT", f"TO:<{recipient.address}>")
            self._check(Step.RCPT, code, text)
            code, text = self._smtp.docmd("DATA")
            self._check(Step.DATA, code, text)
        except (OSError, smtplib.SMTPException) as error:
            raise self._hung_up(f"went away ({type(error).__name__})") from None
        finally:
            self._smtp.command_encoding = "ascii"

    def _data(self, message: bytes) -> str:
        stuffed = message.replace(b"\r\n.", b"\r\n..")
        self._set_timeout(self._timeouts.delivery)
        try:
            self._smtp.send(stuffed + b".\r\n")
            code, text = self._smtp.getreply()
        except (OSError, smtplib.SMTPException):
            raise DeliveryUncertainError from None
        self._set_timeout(self._timeouts.command)
        if not 200 <= code < 300 and code < 400:
            raise DeliveryUncertainError
        self._check(Step.MESSAGE, code, text)
        return f"{code} {_plain(text)}"

    def _refuse_sender(self, code: int, text: bytes) -> NoReturn:
        if code < 500:
            raise self._unavailable(f"takes no mail now (code {code})")
        raise RelayRefusesUsError(
            f"The mail relay at {self._relay.place} refuses our sender address (code {code}).",
            code=code,
            reply=_plain(text),
        )

    def _check(self, step: Step, code: int, text: bytes) -> None:
        """Raise the error that the relay's answer means, unless it goes on."""
        reply = _plain(text)
        meaning = meaning_of(step, code, reply)
        if meaning is Meaning.RELAY_AWAY:
            raise self._hung_up(f"takes no mail now (code {code})")
        error = _ERRORS.get(meaning)
        if error is not None:
            raise error(code, reply)

    def _reset(self) -> None:
        try:
            self._smtp.rset()
        except (OSError, smtplib.SMTPException):
            self._smtp.close()
        self.last_used = time.monotonic()

    def _set_timeout(self, seconds: float) -> None:
        if self._smtp.sock is not None:
            self._smtp.sock.settimeout(seconds)

    def _unavailable(self, what: str) -> RelayUnavailableError:
        return RelayUnavailableError(f"The mail relay at {self._relay.place} {what}.")

    def _hung_up(self, what: str) -> RelayHungUpError:
        return RelayHungUpError(f"The mail relay at {self._relay.place} {what}.")

    def _untrusted(self, what: str) -> RelayNotTrustedError:
        return RelayNotTrustedError(f"The mail relay at {self._relay.place} {what}.")


def _plain(text: bytes | str) -> str:
    """Return a reply's text as one line of limited length, without mail addresses."""
    words = one_line(text if isinstance(text, str) else text.decode("utf-8", "replace"))
    if "@" in words:
        words = _ADDRESS_IN_REPLY.sub("(address)", words)
    return words[:_LONGEST_REPLY]

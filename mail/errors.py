"""Everything that can go wrong in the mail room, drawn as a tree.

MailError
├── UnknownMessageError        there is no template folder of that name
├── MissingValueError          a template needs a value that was not given
├── BadLinkError               a link that is not http or https was to be mailed
├── BadRelayUrlError           GOLIVE_SMTP_URL cannot be used as it is written
├── RelayUnavailableError      temporary: no connection, no answer in time, or "not now"
│   └── RelayHungUpError       the connection ended at one mail, before it was handed over
├── RelayRefusesUsError        the relay does not let us in, or refuses our sender address
│   └── RelayNotTrustedError   encryption is missing or the certificate cannot be trusted
├── AnsweredError              the relay answered about one mail
│   ├── MailNotTakenError      not this mail; nothing is said against its address
│   ├── AddressRefusedForNowError  temporary, about this mailbox (4xx)
│   ├── AddressRefusedError    permanent, about this mailbox (5xx): ask its owner
│   │   └── AddressUnusableError  the address itself cannot be mailed through this relay
│   └── RefusalUnclearError    the answer does not say whether it is the address or us
└── DeliveryUncertainError     the relay vanished after the message was sent, before its answer

The texts name no address, no person and no secret. A relay's own words may; they are kept in
`reply` (without the code, with addresses taken out), which belongs in the ledger, not in a log.
"""


class MailError(Exception):
    """The root: catch it to catch everything this room raises on purpose."""


class UnknownMessageError(MailError):
    """There is no message of this name; the names are the folders of `mail/templates`."""

    def __init__(self, message: str) -> None:
        """Keep the name that was asked for."""
        super().__init__(f"There is no mail template called {message!r}.")
        self.message = message


class MissingValueError(MailError):
    """A template needs a value that was not given; nothing was rendered."""

    def __init__(self, template: str, value: str) -> None:
        """Keep the template (`"invitation/body.txt"`) and the missing value's name."""
        super().__init__(f"The mail template {template} needs the value {value!r}: it is missing.")
        self.template = template
        self.value = value


class BadLinkError(MailError):
    """A link to be mailed does not start with http:// or https://."""

    def __init__(self, template: str) -> None:
        """Keep the template; the link itself may hold a secret and is not repeated."""
        super().__init__(
            f"A link for the mail template {template} does not start with http:// or https://."
        )
        self.template = template


class BadRelayUrlError(MailError):
    """The relay's URL cannot be used; the text says what was expected, never the password."""


class RelayUnavailableError(MailError):
    """The relay cannot be reached or asks us to come back later. Safe to try again."""


class RelayHungUpError(RelayUnavailableError):
    """The connection ended at one mail, before it was handed over; others may get through.

    Some relays say 421 for what they think of one recipient.
    """


class RelayRefusesUsError(MailError):
    """The relay refuses our login, our sender address or our connection.

    Trying again does not help until someone mends the settings or the relay.
    """

    def __init__(self, text: str, *, code: int | None = None, reply: str = "") -> None:
        """Keep the relay's code and words where it gave any."""
        super().__init__(text)
        self.code = code
        self.reply = reply


class RelayNotTrustedError(RelayRefusesUsError):
    """The connection would not be private: no TLS where it is required, or a bad certificate."""


class AnsweredError(MailError):
    """The relay answered about one mail, and did not take it."""

    says = ""

    def __init__(self, code: int, reply: str = "", text: str = "") -> None:
        """Keep the relay's code and words."""
        super().__init__(text or f"The relay {self.says} (code {code}).")
        self.code = code
        self.reply = reply


class MailNotTakenError(AnsweredError):
    """The relay does not take this mail, for the moment or for what we are, send or say.

    Nothing is said against the address: keep the mail, and try again once an operator mended it.
    """

    says = "does not take this mail, for a reason that is not its address"


class AddressRefusedForNowError(AnsweredError):
    """The relay refuses this mailbox for the moment (4xx). Try again later."""

    says = "refuses this recipient for now"


class AddressRefusedError(AnsweredError):
    """The relay refuses this mailbox for good (5xx). The address's owner must be asked."""

    says = "refuses this recipient for good"


class RefusalUnclearError(AnsweredError):
    """The relay refuses without saying whom: this recipient, or us (a bare 450, 550, 551, 553).

    If it then takes mail for others, it was the recipient.
    """

    says = "refuses this mail without saying whether for its recipient or for us"


class AddressUnusableError(AddressRefusedError):
    """The address is no mail address, or needs SMTPUTF8 and the relay does not offer it."""

    def __init__(self, reason: str) -> None:
        """Say why in plain words, without the address."""
        super().__init__(553, reason, reason)


class DeliveryUncertainError(MailError):
    """The connection was lost between the end of the message and the relay's answer.

    The message may have been delivered. Send it again with the same Message-ID: mail systems
    that see both copies can then tell that they are one.
    """

    def __init__(self) -> None:
        """Say what is known, which is little."""
        super().__init__(
            "The relay went away before it confirmed the message; it may have been delivered. "
            "Send it again with the same Message-ID."
        )

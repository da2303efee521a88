"""The SMTP mailer against real servers on loopback."""

import email
import email.policy
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mail.errors import (
    AddressRefusedError,
    AddressRefusedForNowError,
    AddressUnusableError,
    AnsweredError,
    DeliveryUncertainError,
    MailError,
    MailNotTakenError,
    RefusalUnclearError,
    RelayHungUpError,
    RelayNotTrustedError,
    RelayRefusesUsError,
    RelayUnavailableError,
)
from mail.mailer import OutgoingMail, SmtpMailer
from mail.relay import Timeouts
from tests.bounds import LONGEST_WAIT
from tests.mail.relays import Certificate, Relay, ScriptedRelay, authenticate

Make = Callable[..., OutgoingMail]
PATIENT = Timeouts(
    connect=LONGEST_WAIT, command=LONGEST_WAIT, delivery=LONGEST_WAIT, still_there=LONGEST_WAIT
)
"""For relays that answer; a test of silence has its own."""
LET_IN = ["220 relay.test", "250 relay.test"]
LET_THROUGH = ["250 Ok", "250 Ok", "354 Go on"]


def mailer_for(relay: Relay | ScriptedRelay, **options: Any) -> SmtpMailer:
    return SmtpMailer(f"smtp://127.0.0.1:{relay.port}", **{"timeouts": PATIENT, **options})


def test_sends_a_mail_that_reads_back_whole(relay: Relay, a_mail: Make) -> None:
    with mailer_for(relay) as mailer:
        reply = mailer.send(a_mail())
    assert reply == "250 2.0.0 Ok: queued for <(address)>"
    [envelope] = relay.received
    assert envelope.mail_from == "go-live@pulse.example"
    assert envelope.rcpt_tos == ["maria@northwind.example"]
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert message["Subject"] == "Please log in with SSO"
    body = message.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert body == "Hello Maria,\n\n.\n.. and dots\nGrüße\n"


def test_keeps_one_connection_for_many_mails(relay: Relay, a_mail: Make) -> None:
    with mailer_for(relay) as mailer:
        for number in range(20):
            mailer.send(a_mail(number))
    assert len(relay.received) == 20
    assert len(relay.clients) == 1


def test_never_opens_more_connections_than_allowed(relay: Relay, a_mail: Make) -> None:
    with mailer_for(relay, max_connections=3) as mailer, ThreadPoolExecutor(12) as threads:
        list(threads.map(lambda number: mailer.send(a_mail(number)), range(120)))
    assert len(relay.received) == 120
    assert 1 <= len(relay.clients) <= 3
    ids = {email.message_from_bytes(each.content)["Message-ID"] for each in relay.received}
    assert len(ids) == 120


def test_takes_a_fresh_connection_now_and_then(relay: Relay, a_mail: Make) -> None:
    with mailer_for(relay, messages_per_connection=5) as mailer:
        for number in range(20):
            mailer.send(a_mail(number))
    assert len(relay.clients) == 4


def test_replaces_a_kept_connection_that_the_relay_closed(relay: Relay, a_mail: Make) -> None:
    with mailer_for(relay) as mailer:
        mailer.send(a_mail(1))
        relay.hang_up_on_everyone()
        mailer.send(a_mail(2))
    assert len(relay.received) == 2
    assert len(relay.clients) == 2


def test_closes_connections_that_nobody_uses(a_mail: Make) -> None:
    heard_goodbye = threading.Event()

    class Watching(Relay):
        async def handle_QUIT(self, *_: object) -> str:  # noqa: N802
            heard_goodbye.set()
            return "221 Bye"

    with Watching() as relay, mailer_for(relay, idle_seconds=0.05) as mailer:
        mailer.send(a_mail())
        assert heard_goodbye.wait(LONGEST_WAIT)
        mailer.send(a_mail(2))
    assert len(relay.clients) == 2


def test_a_closed_mailer_keeps_nothing_open(relay: Relay, a_mail: Make) -> None:
    mailer = mailer_for(relay)
    mailer.send(a_mail(1))
    mailer.close()
    mailer.send(a_mail(2))
    mailer.send(a_mail(3))
    assert len(relay.clients) == 3


@pytest.mark.parametrize(
    ("start", "code", "error"),
    [("busy", 451, MailNotTakenError), ("full", 452, AddressRefusedForNowError)],
)
def test_a_temporary_refusal_concerns_one_recipient_only(
    relay: Relay, a_mail: Make, start: str, code: int, error: type[AnsweredError]
) -> None:
    with mailer_for(relay) as mailer:
        with pytest.raises(error) as refused:
            mailer.send(a_mail(1, recipient=f"{start}@northwind.example"))
        mailer.send(a_mail(2))
    assert refused.value.code == code
    assert "@" not in str(refused.value) + refused.value.reply
    assert len(relay.received) == 1


def test_a_permanent_refusal_keeps_the_connection_and_hides_the_address(
    relay: Relay, a_mail: Make
) -> None:
    with mailer_for(relay) as mailer:
        mailer.send(a_mail(1))
        with pytest.raises(AddressRefusedError) as refused:
            mailer.send(a_mail(2, recipient="gone@northwind.example"))
        mailer.send(a_mail(3))
    assert refused.value.code == 550
    assert refused.value.reply == "5.1.1 <(address)>: no such mailbox"
    assert str(refused.value) == "The relay refuses this recipient for good (code 550)."
    assert len(relay.clients) == 1


def test_a_message_refused_as_a_whole_is_not_blamed_on_the_address(
    relay: Relay, a_mail: Make
) -> None:
    with mailer_for(relay) as mailer, pytest.raises(MailNotTakenError) as refused:
        mailer.send(a_mail(subject="refuse this"))
    assert refused.value.code == 554


@pytest.mark.parametrize("recipient", ["foreign@northwind.example", "login@northwind.example"])
def test_a_refusal_to_relay_is_not_blamed_on_the_address(
    relay: Relay, a_mail: Make, recipient: str
) -> None:
    with mailer_for(relay) as mailer, pytest.raises(MailNotTakenError):
        mailer.send(a_mail(recipient=recipient))


def test_a_drop_after_the_message_is_uncertain_and_the_resend_has_the_same_id(
    relay: Relay, a_mail: Make
) -> None:
    relay.drop_next = True
    with mailer_for(relay) as mailer:
        with pytest.raises(DeliveryUncertainError):
            mailer.send(a_mail(7))
        mailer.send(a_mail(7))
    first, second = (email.message_from_bytes(each.content) for each in relay.received)
    assert first["Message-ID"] == second["Message-ID"] == "<go-live.7@pulse.example>"


def test_silence_after_the_message_is_uncertain_too(a_mail: Make) -> None:
    soon = Timeouts(delivery=0.1)
    script = [*LET_IN, *LET_THROUGH, ...]
    with ScriptedRelay(script) as relay, mailer_for(relay, timeouts=soon) as mailer:
        with pytest.raises(DeliveryUncertainError):
            mailer.send(a_mail())
        assert relay.connections == 1


@pytest.mark.parametrize("heard", [0, 1, 2, 3, 4])
def test_a_drop_before_the_message_is_certain_and_temporary(a_mail: Make, heard: int) -> None:
    script = [*LET_IN, *LET_THROUGH][:heard]
    with (
        ScriptedRelay([*script, None]) as relay,
        mailer_for(relay) as mailer,
        pytest.raises(RelayUnavailableError),
    ):
        mailer.send(a_mail())


def test_a_relay_that_says_goodbye_to_a_kept_connection_is_called_again(a_mail: Make) -> None:
    first = [*LET_IN, *LET_THROUGH, "250 Ok", "421 4.4.2 Too many messages", None]
    second = [*LET_IN, *LET_THROUGH, "250 Ok again", "221 Bye"]
    with ScriptedRelay(first, second) as relay, mailer_for(relay) as mailer:
        mailer.send(a_mail(1))
        assert mailer.send(a_mail(2)) == "250 Ok again"
        assert relay.connections == 2


def test_a_relay_that_is_not_there_is_unavailable(a_mail: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with (
        SmtpMailer(f"smtp://127.0.0.1:{port}") as mailer,
        pytest.raises(RelayUnavailableError) as gone,
    ):
        mailer.send(a_mail())
    assert str(gone.value) == (
        f"The mail relay at 127.0.0.1:{port} does not answer (ConnectionRefusedError)."
    )


def test_a_relay_that_says_nothing_is_unavailable(a_mail: Make) -> None:
    with (
        ScriptedRelay([...]) as relay,
        mailer_for(relay, timeouts=Timeouts(connect=0.1)) as mailer,
        pytest.raises(RelayUnavailableError),
    ):
        mailer.send(a_mail())


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (["421 relay.test busy"], RelayUnavailableError),
        (["554 relay.test no service for you"], RelayRefusesUsError),
        (["hello there"], RelayUnavailableError),
        ([*LET_IN, "451 Not now"], RelayUnavailableError),
        ([*LET_IN, "550 <go-live@pulse.example> is not yours"], RelayRefusesUsError),
        ([*LET_IN, "250 Ok", "421 Going down"], RelayHungUpError),
        ([*LET_IN, "250 Ok", "250 Ok", "451 Not now"], MailNotTakenError),
        ([*LET_IN, *LET_THROUGH, "452 No room"], MailNotTakenError),
        ([*LET_IN, *LET_THROUGH, "452 4.2.2 Mailbox full"], AddressRefusedForNowError),
        ([*LET_IN, *LET_THROUGH, "550 5.2.1 Mailbox disabled"], AddressRefusedError),
        ([*LET_IN, "250 Ok", "504 5.5.2 Helo command rejected"], MailNotTakenError),
        ([*LET_IN, "250 Ok", "550 No such user here"], RefusalUnclearError),
        ([*LET_IN, *LET_THROUGH, "421 Going down"], RelayHungUpError),
        ([*LET_IN, *LET_THROUGH, "552 Too large"], MailNotTakenError),
        ([*LET_IN, *LET_THROUGH, "what?"], DeliveryUncertainError),
    ],
)
def test_every_answer_means_what_the_tree_of_errors_says(
    a_mail: Make, script: list[str], error: type[MailError]
) -> None:
    with (
        ScriptedRelay([*script, "250 Ok", "221 Bye"]) as relay,
        mailer_for(relay) as mailer,
        pytest.raises(error) as raised,
    ):
        mailer.send(a_mail())
    assert type(raised.value) is error
    assert "@" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_waits_for_its_turn_but_not_for_ever(a_mail: Make) -> None:
    with (
        ScriptedRelay([*LET_IN, ...]) as relay,
        mailer_for(
            relay, max_connections=1, timeouts=Timeouts(command=2.0, delivery=0.1)
        ) as mailer,
        ThreadPoolExecutor(2) as threads,
    ):
        results = [threads.submit(mailer.send, a_mail(number)) for number in range(2)]
        texts = {str(each.exception(LONGEST_WAIT)) for each in results}
    assert "All connections to the mail relay are busy." in texts


def test_starttls_with_a_self_made_certificate_and_login(
    start_relay: Callable[..., Relay], certificate: Certificate, a_mail: Make
) -> None:
    relay = start_relay(
        tls_context=certificate.context,
        require_starttls=True,
        auth_required=True,
        authenticator=authenticate,
    )
    url = f"smtp://pulse:s3cret%3A%40%2F@127.0.0.1:{relay.port}?starttls=required"
    with SmtpMailer(url, ca_bundle=certificate.bundle, timeouts=PATIENT) as mailer:
        mailer.send(a_mail())
    assert len(relay.received) == 1


def test_tls_from_the_start(
    start_relay: Callable[..., Relay], certificate: Certificate, a_mail: Make
) -> None:
    relay = start_relay(tls_from_start=certificate.context)
    url = f"smtps://127.0.0.1:{relay.port}"
    with SmtpMailer(url, ca_bundle=certificate.bundle, timeouts=PATIENT) as mailer:
        mailer.send(a_mail())
    assert len(relay.received) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    start_relay: Callable[..., Relay], certificate: Certificate, a_mail: Make, scheme: str
) -> None:
    from_start = certificate.context if scheme == "smtps" else None
    later = {} if from_start else {"tls_context": certificate.context}
    relay = start_relay(tls_from_start=from_start, **later)
    with (
        SmtpMailer(f"{scheme}://127.0.0.1:{relay.port}", timeouts=PATIENT) as mailer,
        pytest.raises(RelayNotTrustedError, match="certificate"),
    ):
        mailer.send(a_mail())
    assert relay.received == []


def test_required_tls_that_is_not_offered_ends_the_attempt(relay: Relay, a_mail: Make) -> None:
    url = f"smtp://127.0.0.1:{relay.port}?starttls=required"
    with SmtpMailer(url) as mailer, pytest.raises(RelayNotTrustedError, match="STARTTLS"):
        mailer.send(a_mail())


def test_tls_spoken_to_a_plain_port_says_so(relay: Relay, a_mail: Make) -> None:
    url = f"smtps://127.0.0.1:{relay.port}"
    with (
        SmtpMailer(url, timeouts=PATIENT) as mailer,
        pytest.raises(RelayUnavailableError, match="does not speak TLS"),
    ):
        mailer.send(a_mail())


def test_a_wrong_password_is_a_refusal_that_does_not_repeat_it(
    start_relay: Callable[..., Relay], certificate: Certificate, a_mail: Make
) -> None:
    relay = start_relay(tls_context=certificate.context, authenticator=authenticate)
    url = f"smtp://pulse:guessed@127.0.0.1:{relay.port}"
    mailer = SmtpMailer(url, ca_bundle=certificate.bundle, timeouts=PATIENT)
    with pytest.raises(RelayRefusesUsError, match="user name and password") as refused:
        mailer.send(a_mail())
    mailer.close()
    assert refused.value.code == 535
    assert "guessed" not in repr(refused.value) + repr(mailer.__dict__)


def test_a_relay_without_login_is_a_refusal(relay: Relay, a_mail: Make) -> None:
    url = f"smtp://pulse:guessed@127.0.0.1:{relay.port}"
    with (
        SmtpMailer(url) as mailer,
        pytest.raises(RelayRefusesUsError, match="does not offer a login"),
    ):
        mailer.send(a_mail())


def test_a_relay_with_only_unusable_log_ins_says_so(a_mail: Make) -> None:
    offers = ["220 relay.test", "250-relay.test\r\n250 AUTH NTLM XOAUTH2", "221 Bye"]
    with ScriptedRelay(offers) as relay:
        url = f"smtp://pulse:guessed@127.0.0.1:{relay.port}"
        with (
            SmtpMailer(url, timeouts=PATIENT) as mailer,
            pytest.raises(RelayRefusesUsError, match=r"only log-ins that .* \(NTLM, XOAUTH2\)"),
        ):
            mailer.send(a_mail())


@pytest.mark.parametrize("name", ["pulse.example", ""])
def test_calls_itself_by_the_name_that_is_set_or_by_its_address(a_mail: Make, name: str) -> None:
    heard = []

    class Listening(Relay):
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
            heard.append(session.host_name)
            return "250 Ok"

    with Listening() as relay, mailer_for(relay, client_name=name) as mailer:
        mailer.send(a_mail())
    assert heard == [name or "[127.0.0.1]"]


def test_an_address_in_another_script_needs_a_relay_that_can_carry_it(
    relay: Relay, start_relay: Callable[..., Relay], a_mail: Make
) -> None:
    mail = a_mail(recipient="Пелин <пелин@bücher.example>")
    with mailer_for(relay) as mailer:
        with pytest.raises(AddressUnusableError, match="SMTPUTF8"):
            mailer.send(mail)
        mailer.send(a_mail(2))
    able = start_relay(enable_SMTPUTF8=True)
    with mailer_for(able) as mailer:
        mailer.send(mail)
        mailer.send(a_mail(3))
    assert able.received[0].rcpt_tos == ["пелин@xn--bcher-kva.example"]
    assert able.received[0].smtp_utf8
    assert not able.received[1].smtp_utf8


def test_a_domain_in_another_script_needs_nothing_special(relay: Relay, a_mail: Make) -> None:
    with mailer_for(relay) as mailer:
        mailer.send(a_mail(recipient="maria@bücher.example"))
    assert relay.received[0].rcpt_tos == ["maria@xn--bcher-kva.example"]


@pytest.mark.parametrize(
    "recipient",
    [
        "",
        "maria",
        "maria@",
        "@northwind.example",
        "maria@northwind.example\r\nRCPT TO:<x@y.example>",
        "a b@northwind.example",
        "<maria@northwind.example",
        f"{'a' * 65}@northwind.example",
        "maria@" + "a" * 250 + ".example",
        "\ud800@northwind.example",
    ],
)
def test_what_is_no_address_is_refused_before_any_connection(a_mail: Make, recipient: str) -> None:
    with SmtpMailer("smtp://127.0.0.1:9") as mailer, pytest.raises(AddressUnusableError) as refused:
        mailer.send(a_mail(recipient=recipient))
    assert "northwind" not in str(refused.value)

"""How many mails a second go from the ledger to a relay on this machine, each committed when sent.

Ours is the very activity that delivers mail to users: it reads the ledger, renders, claims, sends
over four connections, and commits what the relay said, mail by mail. The twin in
`mail_rate_naive.py` sends the same words, rendered beforehand, over one smtplib connection per
message, and writes nothing down. The relay is aiosmtpd in a process of its own; it throws every
mail away after counting it.
Rounds alternate, so that a busy machine slows both, and the ratio is the median of the rounds.
The receiving server is the limit of `mail_room_per_s`: it is Python too.

Run: `python -m benchmarks.mail_rate [--mails 1000] [--rounds 5]`; prints one JSON object.
"""

import argparse
import asyncio
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session
from temporalio.testing import ActivityEnvironment

from activities.mail_content import Branding
from activities.mail_sending import AT_ONCE, Sending
from activities.notices import NoticeActivities
from activities.throttle import Slots
from benchmarks import mail_rate_naive
from benchmarks.mail_rate_ledger import Ledger
from contracts.links import LinkSigner
from contracts.notices import Delivery
from local.ports import Ports
from local.postgresql import running_postgresql
from mail.mailer import OutgoingMail, SmtpMailer, message_id_for
from mail.messages import MESSAGES
from mail.rendering import RenderedMail, render

DATE = datetime(2026, 12, 3, 8, 0, tzinfo=UTC)
SENDER = "Clientshare Pulse <go-live@pulse.example>"


class Counting:
    """Accepts every mail and keeps only the number of distinct Message-IDs."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()

    async def handle_DATA(self, _server: SMTP, _: Session, envelope: Envelope) -> str:  # noqa: N802
        """Count one mail."""
        content = envelope.original_content or b""
        start = content.index(b"Message-ID:")
        self.seen.add(content[start : content.index(b"\r\n", start)])
        return "250 2.0.0 Ok"


def _serve(pipe: Connection) -> None:
    asyncio.run(_relay(pipe))


async def _relay(pipe: Connection) -> None:
    counting = Counting()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(counting, hostname="relay"), "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    while await loop.run_in_executor(None, pipe.recv) == "count":
        pipe.send(len(counting.seen))
        counting.seen.clear()
    server.close()


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _deliver(ledger: Ledger, mailer: SmtpMailer) -> None:
    branding = Branding(
        public_url="https://pulse.example",
        support_address="support@pulse.example",
        client_id="",
        sender_address="go-live@pulse.example",
        signer=LinkSigner((b"k" * 32,)),
    )
    sending = Sending(ledger.sessions, mailer, SENDER)
    notices = NoticeActivities(ledger.sessions, sending, branding, slots=Slots(1))
    ActivityEnvironment().run(notices.deliver_mail, Delivery(str(ledger.go_live_id), DATE))


def _send_without_ledger(mailer: SmtpMailer, mail: RenderedMail, count: int) -> None:
    def send(number: int) -> str:
        return mailer.send(
            OutgoingMail(
                message_id=message_id_for(number, "pulse.example"),
                sender=SENDER,
                recipient=f"person-{number}@northwind.example",
                subject=mail.subject,
                text=mail.text,
                html=mail.html,
                date=DATE,
            )
        )

    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in threads.map(send, range(count)):
            pass


def _send_naively(port: int, mail: RenderedMail, count: int) -> None:
    for number in range(count):
        mail_rate_naive.send_one(port, number, mail.subject, mail.text, mail.html, DATE)


def measure(mails: int = 1_000, rounds: int = 5) -> dict[str, float | int]:
    """Return the figures; every mail of every round is checked to have arrived once."""
    sample = MESSAGES["sign_in_with_sso"].sample
    mail = render("sign_in_with_sso", sample)
    rendering = _seconds(lambda: [render("sign_in_with_sso", sample) for _ in range(5_000)])
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    relay = context.Process(target=_serve, args=(there,))
    relay.start()
    port = here.recv()

    def rate(work: Callable[[], object]) -> float:
        seconds = _seconds(work)
        here.send("count")
        arrived = here.recv()
        if arrived != mails:
            raise SystemExit(f"{arrived} of {mails} mails arrived.")
        return mails / seconds

    ours, bare, naive = [], [], []
    with ExitStack() as stack:
        stack.callback(relay.join, 10)
        stack.callback(here.send, "stop")
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(running_postgresql(folder / "pg", Ports.free().postgresql))
        ledger = stack.enter_context(Ledger.opened(url, mails, DATE))
        mailer = stack.enter_context(
            SmtpMailer(f"smtp://127.0.0.1:{port}", max_connections=AT_ONCE)
        )
        for number in range(rounds):
            ledger.queue(f"round {number}", DATE)
            ours.append(rate(lambda: _deliver(ledger, mailer)))
            bare.append(rate(lambda: _send_without_ledger(mailer, mail, mails)))
            naive.append(rate(lambda: _send_naively(port, mail, mails)))
    ratios = [mine / twin for mine, twin in zip(ours, naive, strict=True)]
    without = [mine / twin for mine, twin in zip(bare, naive, strict=True)]
    return {
        "mails": mails,
        "mail_rounds": rounds,
        "mail_connections": AT_ONCE,
        "mails_rendered_per_s": round(5_000 / rendering),
        "mails_per_s": round(statistics.median(ours)),
        "mail_room_per_s": round(statistics.median(bare)),
        "naive_mails_per_s": round(statistics.median(naive)),
        "mail_vs_smtplib_ratio": round(statistics.median(ratios), 2),
        "mail_vs_smtplib_lowest_ratio": round(min(ratios), 2),
        "mail_room_vs_smtplib_ratio": round(statistics.median(without), 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mail_rate")
    parser.add_argument("--mails", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.mails, arguments.rounds), indent=2))


if __name__ == "__main__":
    main()

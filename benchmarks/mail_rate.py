"""How many mails a second the mail room renders, and builds and sends to a relay on this machine.

The relay is aiosmtpd in a process of its own; it throws every mail away after counting it. The
twin in ``mail_rate_naive.py`` sends the same words over one smtplib connection per message.
Rounds alternate, so that a busy machine slows both, and the ratio is the median of the rounds.
The receiving server is the limit of ``mails_per_s``: it is Python too.

Run: ``python -m benchmarks.mail_rate [--mails 1000] [--rounds 5]``; prints one JSON object.
"""

import argparse
import asyncio
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from multiprocessing.connection import Connection

from aiosmtpd.smtp import SMTP, Envelope, Session

from benchmarks import mail_rate_naive
from mail.mailer import OutgoingMail, SmtpMailer, message_id_for
from mail.messages import MESSAGES
from mail.rendering import RenderedMail, render

CONNECTIONS = 4
DATE = datetime(2026, 12, 3, 8, 0, tzinfo=UTC)


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


def _send_ours(port: int, mail: RenderedMail, count: int) -> None:
    with (
        SmtpMailer(f"smtp://127.0.0.1:{port}", max_connections=CONNECTIONS) as mailer,
        ThreadPoolExecutor(CONNECTIONS) as threads,
    ):

        def send(number: int) -> str:
            return mailer.send(
                OutgoingMail(
                    message_id=message_id_for(number, "pulse.example"),
                    sender="Clientshare Pulse <go-live@pulse.example>",
                    recipient=f"person-{number}@northwind.example",
                    subject=mail.subject,
                    text=mail.text,
                    html=mail.html,
                    date=DATE,
                )
            )

        for _ in threads.map(send, range(count)):
            pass


def _send_naively(port: int, mail: RenderedMail, count: int, threads: int) -> None:
    def send(number: int) -> None:
        mail_rate_naive.send_one(port, number, mail.subject, mail.text, mail.html, DATE)

    if threads == 1:
        for number in range(count):
            send(number)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(send, range(count)))


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

    ours, naive, naive_threaded = [], [], []
    try:
        for _ in range(rounds):
            ours.append(rate(lambda: _send_ours(port, mail, mails)))
            naive.append(rate(lambda: _send_naively(port, mail, mails, 1)))
            naive_threaded.append(rate(lambda: _send_naively(port, mail, mails, CONNECTIONS)))
    finally:
        here.send("stop")
        relay.join(10)
    ratios = [mine / twin for mine, twin in zip(ours, naive, strict=True)]
    threaded = [mine / twin for mine, twin in zip(ours, naive_threaded, strict=True)]
    return {
        "mails": mails,
        "rounds": rounds,
        "connections": CONNECTIONS,
        "rendered_per_s": round(5_000 / rendering),
        "mails_per_s": round(statistics.median(ours)),
        "naive_mails_per_s": round(statistics.median(naive)),
        "naive_threaded_mails_per_s": round(statistics.median(naive_threaded)),
        "mail_vs_smtplib_ratio": round(statistics.median(ratios), 2),
        "mail_vs_smtplib_lowest_ratio": round(min(ratios), 2),
        "mail_vs_threaded_smtplib_ratio": round(statistics.median(threaded), 2),
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

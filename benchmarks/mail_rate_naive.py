"""The naive twin of mail_rate.py: the standard library's way, one connection per message."""

import smtplib
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime


def send_one(port: int, number: int, subject: str, text: str, html: str, date: datetime) -> None:
    """Build one mail and send it over a connection of its own."""
    message = EmailMessage()
    message["From"] = "Clientshare Pulse <go-live@pulse.example>"
    message["To"] = f"person-{number}@northwind.example"
    message["Subject"] = subject
    message["Date"] = format_datetime(date)
    message["Message-ID"] = f"<go-live.{number}@pulse.example>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    # The name is given so that no DNS look-up of our own name slows the twin down.
    with smtplib.SMTP("127.0.0.1", port, local_hostname="localhost") as smtp:
        smtp.send_message(message)

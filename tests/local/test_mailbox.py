import re
import smtplib
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from local import loopback
from local.mailstore import MailStore
from tests.bounds import LONGEST_WAIT

PROJECT = Path(__file__).resolve().parents[2]


class Mailbox:
    """A running mail server, its pages, and a client for each."""

    def __init__(self, smtp_port: int, http_port: int) -> None:
        self.smtp_port = smtp_port
        self.http = loopback.client(base_url=f"http://127.0.0.1:{http_port}", timeout=LONGEST_WAIT)

    def connect(self) -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", self.smtp_port, local_hostname="localhost")

    def send(self, *to: str, **options: str) -> EmailMessage:
        mail = message(*to, **options)
        with self.connect() as smtp:
            smtp.send_message(mail, to_addrs=list(to))
        return mail

    def fault(self, **order: object) -> None:
        self.http.post("/api/faults", json=order).raise_for_status()

    def list(self, **query: object) -> list:
        return self.http.get("/api/messages", params=query).raise_for_status().json()


def message(*to: str, subject: str = "Hello", identifier: str = "<1@test.example>"):
    mail = EmailMessage()
    mail["From"] = "Clientshare <sso@clientshare.example>"
    mail["To"] = ", ".join(to)
    mail["Subject"] = subject
    mail["Message-ID"] = identifier
    mail.set_content("Guten Tag, Jörg.\n.\nhttp://127.0.0.1/consent/abc.\n")
    mail.add_alternative("<html><head></head><body><a href='x'>Jörg</a></body></html>", "html")
    return mail


@contextmanager
def running_mailbox(folder: Path):
    command = [sys.executable, "-m", "local.mailbox", "--smtp-port", "0", "--http-port", "0"]
    with subprocess.Popen(
        [*command, "--folder", str(folder)], stdout=subprocess.PIPE, text=True, cwd=PROJECT
    ) as process:
        try:
            ports = re.findall(r":(\d+)", process.stdout.readline())
            mailbox = Mailbox(*map(int, ports))
            with mailbox.http:
                yield mailbox
        finally:
            process.terminate()
    assert process.returncode == 0


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_mailbox(tmp_path_factory.mktemp("mailbox")) as mailbox:
        yield mailbox


@pytest.fixture
def mailbox(server):
    server.http.delete("/api/messages")
    server.http.delete("/api/faults")
    return server


def test_a_message_is_listed_by_its_envelope_and_headers(mailbox):
    mailbox.send("Anna@Contoso.example", "jorg@contoso.example", subject="Für Jörg")
    (entry,) = mailbox.list()
    assert entry["to"] == ["anna@contoso.example", "jorg@contoso.example"]
    assert entry["from"] == "Clientshare <sso@clientshare.example>"
    assert entry["subject"] == "Für Jörg"
    assert entry["message_id"] == "<1@test.example>"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", entry["received_at"])


def test_one_message_shows_its_text_html_and_headers(mailbox):
    mailbox.send("anna@contoso.example")
    shown = mailbox.http.get(f"/api/messages/{mailbox.list()[0]['id']}").json()
    # The lone dot is what SMTP doubles on its way.
    assert shown["text"].splitlines()[:2] == ["Guten Tag, Jörg.", "."]
    assert "Jörg</a>" in shown["html"]
    assert dict(shown["headers"])["Subject"] == "Hello"
    assert dict(shown["headers"])["Delivered-To"] == "anna@contoso.example"
    assert shown["attachments"] == []


def test_other_parts_are_listed_and_can_be_saved(mailbox):
    mail = message("anna@contoso.example")
    mail.add_attachment(b"BEGIN:VCALENDAR", "text", "calendar", filename='go "live"/.ics')
    with mailbox.connect() as smtp:
        smtp.send_message(mail)
    number = mailbox.list()[0]["id"]
    (part,) = mailbox.http.get(f"/api/messages/{number}").json()["attachments"]
    assert part["content_type"] == "text/calendar"
    assert part["size"] == 15
    saved = mailbox.http.get(f"/messages/{number}/parts/0")
    assert saved.content == b"BEGIN:VCALENDAR"
    assert saved.headers["content-disposition"].startswith('attachment; filename="go_live_.ics"')
    assert mailbox.http.get(f"/messages/{number}/parts/1").status_code == 404


def test_messages_are_found_by_address_and_number_oldest_first(mailbox):
    for index in range(6):
        mailbox.send(f"user{index % 2}@contoso.example", subject=str(index))
    assert [one["subject"] for one in mailbox.list()] == list("012345")
    assert [one["subject"] for one in mailbox.list(to="USER1@contoso.example")] == list("135")
    third = mailbox.list()[2]["id"]
    assert [one["subject"] for one in mailbox.list(after=third)] == list("345")
    assert [one["subject"] for one in mailbox.list(after=third, limit=2)] == list("34")
    assert mailbox.list(to="user") == []
    assert mailbox.http.get("/api/count").json() == {"count": 6}


def test_deleting_forgets_all_and_numbers_go_on(mailbox):
    mailbox.send("anna@contoso.example")
    number = mailbox.list()[0]["id"]
    assert mailbox.http.delete("/api/messages").json() == {"deleted": 1}
    assert mailbox.list() == []
    assert mailbox.http.get(f"/api/messages/{number}").status_code == 404
    mailbox.send("anna@contoso.example")
    assert [one["id"] for one in mailbox.list(after=number)] == [number + 1]


def test_mail_is_still_there_after_a_restart(tmp_path):
    with running_mailbox(tmp_path) as mailbox:
        for index in range(12):
            mailbox.send("anna@contoso.example", "hidden@contoso.example", subject=f"é{index}")
        before = mailbox.list()
    (tmp_path / "00000013.draft").write_bytes(b"half a mess")
    with running_mailbox(tmp_path) as mailbox:
        assert mailbox.list() == before
        assert len(mailbox.list(to="hidden@contoso.example")) == 12
        mailbox.send("anna@contoso.example")
        assert mailbox.list()[-1]["id"] == 13


def test_a_rejected_address_is_refused_for_good_and_others_are_not(mailbox):
    mailbox.fault(reject="Gone@contoso.example", code=553)
    with mailbox.connect() as smtp:
        refused = smtp.send_message(message("gone@contoso.example", "anna@contoso.example"))
    assert refused["gone@contoso.example"][0] == 553
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        mailbox.send("gone@contoso.example")
    assert [one["to"] for one in mailbox.list()] == [["anna@contoso.example"]]
    mailbox.http.delete("/api/faults")
    mailbox.send("gone@contoso.example")


def test_a_deferred_address_is_put_off_as_often_as_asked(mailbox):
    mailbox.fault(defer="anna@contoso.example", code=452, times=2)
    for _ in range(2):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
            mailbox.send("anna@contoso.example")
        assert refusal.value.recipients["anna@contoso.example"][0] == 452
    mailbox.send("anna@contoso.example")
    assert len(mailbox.list()) == 1


def test_a_line_cut_behind_the_data_leaves_the_message_received(mailbox):
    mailbox.fault(drop_after_data=2)
    for _ in range(2):
        with pytest.raises(smtplib.SMTPServerDisconnected):
            mailbox.send("anna@contoso.example")
    mailbox.send("anna@contoso.example")
    assert [one["message_id"] for one in mailbox.list()] == ["<1@test.example>"] * 3


def test_a_relay_that_falls_silent_takes_the_mail_once_it_speaks_again(mailbox):
    mailbox.fault(silent="Anna@contoso.example")
    with ThreadPoolExecutor(1) as beside:
        waiting = beside.submit(mailbox.send, "anna@contoso.example")
        mailbox.send("ben@contoso.example")
        assert not waiting.done()
        assert [one["to"] for one in mailbox.list()] == [["ben@contoso.example"]]
        mailbox.http.delete("/api/faults")
        waiting.result(timeout=LONGEST_WAIT)
    assert len(mailbox.list()) == 2


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"reject": "a@b", "defer": "c@d"},
        {"reject": "a@b", "code": 250},
        {"defer": "a@b", "code": 550},
        {"drop_after_data": -1},
        {"explode": True},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(mailbox, order):
    assert mailbox.http.post("/api/faults", json=order).status_code == 422
    expected = {"reject": {}, "defer": {}, "drop_after_data": 0, "silent": []}
    assert mailbox.http.get("/api/faults").json() == expected


def test_four_connections_at_once_lose_and_double_nothing(mailbox):
    def deliver(first: int) -> None:
        with mailbox.connect() as smtp:
            for index in range(first, 200, 4):
                address = f"user{index}@contoso.example"
                smtp.send_message(message(address, identifier=f"<{index}@test.example>"))

    senders = [threading.Thread(target=deliver, args=(first,)) for first in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    found = mailbox.list()
    assert {one["message_id"] for one in found} == {
        f"<{index}@test.example>" for index in range(200)
    }
    assert len(found) == len({one["id"] for one in found}) == 200


def test_the_page_shows_the_newest_first_and_filters_by_part_of_an_address(mailbox):
    with mailbox.connect() as smtp:
        for index in range(103):
            address = f"user@{'fabrikam' if index % 3 else 'contoso'}.example"
            smtp.send_message(message(address, subject=f"No {index}."))
    page = mailbox.http.get("/").text
    assert page.index("No 102.") < page.index("No 101.")
    assert "No 2." not in page
    older = re.search(r'href="(/\?before=\d+)"', page)
    assert re.findall(r"No \d+\.", mailbox.http.get(older[1]).text) == ["No 2.", "No 1.", "No 0."]
    filtered = mailbox.http.get("/", params={"to": "@Contoso"}).text
    assert "No 99." in filtered
    assert "No 100." not in filtered
    assert "No message to an address" in mailbox.http.get("/", params={"to": "nobody"}).text


def test_a_message_cannot_do_anything_to_the_page_that_shows_it(mailbox):
    mailbox.send("anna@contoso.example", subject="<script>alert(1)</script>")
    number = mailbox.list()[0]["id"]
    for path in ("/", f"/messages/{number}"):
        assert "<script>alert" not in mailbox.http.get(path).text
    page = mailbox.http.get(f"/messages/{number}")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    frame = re.search(r"<iframe ([^>]*)>", page.text)[1]
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame
    assert 'href="http://127.0.0.1/consent/abc"' in page.text
    html = mailbox.http.get(f"/messages/{number}/html")
    assert html.headers["content-security-policy"].startswith("sandbox allow-popups ")
    assert '<head><base target="_blank">' in html.text
    source = mailbox.http.get(f"/messages/{number}/source")
    assert source.headers["content-type"].startswith("text/plain")
    assert source.text.startswith("Return-Path: <sso@clientshare.example>\n")


def test_the_pages_load_nothing_from_elsewhere(mailbox):
    mailbox.send("anna@contoso.example")
    page = mailbox.http.get("/").text
    for path in re.findall(r'(?:src|href)="([^"]*)"', page):
        assert path.startswith(("/", "data:"))
    for path in ("/static/mailbox.css", "/static/mailbox.js"):
        assert mailbox.http.get(path).status_code == 200


def test_a_page_of_elsewhere_under_a_name_for_this_machine_gets_no_answer(mailbox):
    answer = mailbox.http.get("/api/messages", headers={"Host": "elsewhere.example"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no headers at all",
        b"Subject: =?no-such-charset?b?AAAA?=\n\nbody",
        b"Subject: =?utf-8?b?!!!?=\nFrom: \xff\xfe\n\nbody",
        b"Content-Type: text/plain; charset=nonsense\n\n\xff",
        b"Content-Type: multipart/mixed\n\nno boundary",
        b"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n%%%",
    ],
)
def test_a_malformed_message_is_kept_and_shown(tmp_path, content):
    store = MailStore(tmp_path)
    number = store.add("a@b.example", ["c@d.example"], content).id
    shown = store.content(number)
    assert shown.headers[0] == ("Return-Path", "<a@b.example>")
    assert MailStore(tmp_path).get(number) == store.get(number)
    assert store.get(number).to == ("c@d.example",)

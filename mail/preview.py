"""Shows every message with sample data: as files (`python -m mail.preview FOLDER`) or in a page.

Nothing here sends anything. The web shows the same by serving `index_page` and, for each
link in it, `preview`.
"""

import argparse
from collections.abc import Callable
from html import escape
from pathlib import Path

from mail.messages import MESSAGES
from mail.rendering import RenderedMail, render

_STYLE = (
    "body{font-family:'Segoe UI',Roboto,Helvetica,Arial,sans-serif;line-height:1.5;"
    "max-width:76rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;vertical-align:top;padding:.5rem .75rem;border-bottom:1px solid #8a93a3}"
)


def preview(message: str) -> RenderedMail:
    """Render one message with its sample values.

    Raises:
        mail.errors.UnknownMessageError: there is no such message.
    """
    description = MESSAGES.get(message)
    return render(message, description.sample if description else {})


def index_page(link: Callable[[str, str], str]) -> str:
    """Return an HTML page that lists every message with its subject, reader and purpose.

    Args:
        link: gives the address of a message's `"html"` or `"txt"` preview, for example
            `lambda message, part: f"{message}.{part}"`.
    """
    rows = "".join(
        f"<tr><td><b>{escape(message)}</b></td><td>{escape(preview(message).subject)}</td>"
        f"<td>{escape(description.audience)}</td><td>{escape(description.purpose)}</td>"
        f'<td><a href="{escape(link(message, "html"))}">HTML</a> '
        f'<a href="{escape(link(message, "txt"))}">Text</a></td></tr>'
        for message, description in MESSAGES.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mail templates</title>'
        f"<style>{_STYLE}</style></head><body><h1>Mail templates</h1>"
        f"<p>Every message with sample data. Nothing on this page is sent.</p>"
        "<table><tr><th>Message</th><th>Subject</th><th>To</th><th>When and what for</th>"
        f"<th>See it</th></tr>{rows}</table></body></html>"
    )


def write_previews(folder: Path) -> int:
    """Write `index.html` and every message as HTML and text; return how many messages.

    The folder is made if it is not there; files of the same name are replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for message in MESSAGES:
        mail = preview(message)
        (folder / f"{message}.html").write_text(mail.html, encoding="utf-8")
        (folder / f"{message}.txt").write_text(
            f"Subject: {mail.subject}\n\n{mail.text}", encoding="utf-8"
        )
    index = index_page(lambda message, part: f"{message}.{part}")
    (folder / "index.html").write_text(index, encoding="utf-8")
    return len(MESSAGES)


def _main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m mail.preview", description="Write every mail template with sample data."
    )
    parser.add_argument("folder", type=Path, help="where to write index.html and the mails")
    folder = parser.parse_args().folder
    count = write_previews(folder)
    print(f"{count} messages are in {folder}: open {folder / 'index.html'}")


if __name__ == "__main__":
    _main()

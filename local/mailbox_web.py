"""The mailbox in a browser, and its JSON interface for scripts and tests."""

import re
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from markupsafe import Markup, escape
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from local.mailfaults import Deferral, MailFaults
from local.mailstore import MailContent, MailStore, StoredMail

_HERE = Path(__file__).parent
_PAGE = 100
_LINK = re.compile(r"(https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]])")
_HEAD = re.compile(r"<head[^>]*>", re.IGNORECASE)

# A message must not run anything, load anything, or act in the mailbox's name.
_MESSAGE_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; "
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
)
_PAGE_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


class FaultOrder(BaseModel):
    """One thing to do wrong; exactly one of its first four fields."""

    model_config = ConfigDict(extra="forbid")

    reject: str | None = None
    defer: str | None = None
    drop_after_data: int | None = Field(default=None, ge=0)
    silent: str | None = None
    code: int | None = None
    times: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _is_one_order(self) -> "FaultOrder":
        if [self.reject, self.defer, self.drop_after_data, self.silent].count(None) != 3:
            raise ValueError("give exactly one of reject, defer, drop_after_data and silent")
        if self.reject is not None and not 500 <= (self.code or 550) <= 599:
            raise ValueError("the code of a rejection is 500 to 599")
        if self.defer is not None and not 400 <= (self.code or 451) <= 499:
            raise ValueError("the code of a deferral is 400 to 499")
        return self

    def apply(self, faults: MailFaults) -> None:
        """Add it to what is asked for already."""
        if self.reject is not None:
            faults.reject[self.reject.lower()] = self.code or 550
        elif self.defer is not None:
            faults.defer[self.defer.lower()] = Deferral(self.code or 451, self.times)
        elif self.silent is not None:
            faults.silent.append(self.silent.lower())
        else:
            faults.drop_after_data = self.drop_after_data or 0


def create_app(store: MailStore, faults: MailFaults) -> FastAPI:
    """Return the application for one mailbox; it changes `faults` as it is asked to."""
    app = FastAPI(title="Local mailbox", docs_url=None, redoc_url=None, openapi_url=None)
    # A page anywhere on the web whose name points at this machine gets no answer.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    app.mount("/static", StaticFiles(directory=_HERE / "static"))
    _add_interface(app, store, faults)
    _add_pages(app, store)
    return app


def _add_interface(app: FastAPI, store: MailStore, faults: MailFaults) -> None:
    @app.get("/health")
    async def health() -> dict[str, bool]:
        return {"ok": True}

    @app.get("/api/count")
    async def count() -> dict[str, int]:
        return {"count": len(store)}

    @app.get("/api/messages")
    async def messages(
        to: str | None = None,
        after: int = 0,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    ) -> list[dict[str, object]]:
        return [_entry(mail) for mail in store.oldest_first(to, after, limit)]

    @app.get("/api/messages/{number}")
    async def message(number: int) -> dict[str, object]:
        mail, content = _found(store, number)
        return {
            **_entry(mail),
            "headers": content.headers,
            "text": content.text,
            "html": content.html,
            "attachments": [
                {"name": part.name, "content_type": part.content_type, "size": len(part.content)}
                for part in content.attachments
            ],
        }

    @app.delete("/api/messages")
    async def clear() -> dict[str, int]:
        return {"deleted": store.clear()}

    @app.get("/api/faults")
    async def show_faults() -> MailFaults:
        return faults

    @app.post("/api/faults")
    async def add_fault(order: FaultOrder) -> MailFaults:
        order.apply(faults)
        return faults

    @app.delete("/api/faults")
    async def clear_faults() -> MailFaults:
        faults.clear()
        return faults


def _add_pages(app: FastAPI, store: MailStore) -> None:
    templates = Jinja2Templates(directory=_HERE / "templates")
    templates.env.filters["with_links"] = _with_links

    def page(request: Request, name: str, **values: object) -> Response:
        answer = templates.TemplateResponse(request, name, values)
        answer.headers["Content-Security-Policy"] = _PAGE_POLICY
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @app.get("/")
    async def mailbox(request: Request, to: str = "", before: int | None = None) -> Response:
        mails = store.newest_first(to.strip(), before, _PAGE + 1)
        return page(
            request,
            "mailbox.html",
            mails=mails[:_PAGE],
            to=to.strip(),
            before=before,
            older_than=mails[_PAGE - 1].id if len(mails) > _PAGE else None,
            count=len(store),
        )

    @app.get("/messages/{number}")
    async def message(request: Request, number: int) -> Response:
        mail, content = _found(store, number)
        return page(request, "message.html", mail=mail, content=content)

    @app.get("/messages/{number}/html")
    async def html(number: int) -> Response:
        _, content = _found(store, number)
        return HTMLResponse(
            _opening_links_outside(content.html or ""),
            headers={"Content-Security-Policy": _MESSAGE_POLICY, "Referrer-Policy": "no-referrer"},
        )

    @app.get("/messages/{number}/source")
    async def source(number: int) -> Response:
        _found_entry(store, number)
        text = store.source(number).decode("utf-8", errors="replace")
        return PlainTextResponse(text, headers={"X-Content-Type-Options": "nosniff"})

    @app.get("/messages/{number}/parts/{index}")
    async def part(number: int, index: int) -> Response:
        _, content = _found(store, number)
        if not 0 <= index < len(content.attachments):
            raise HTTPException(404, "This message has no such part.")
        attachment = content.attachments[index]
        name = re.sub(r"[^\w.-]+", "_", attachment.name, flags=re.ASCII)
        return Response(
            attachment.content,
            # Always saved, never shown: whatever it is, it runs nowhere.
            media_type="application/octet-stream",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "X-Content-Type-Options": "nosniff",
            },
        )


def _entry(mail: StoredMail) -> dict[str, object]:
    return {
        "id": mail.id,
        "to": list(mail.to),
        "from": mail.sender,
        "subject": mail.subject,
        "message_id": mail.message_id,
        "received_at": mail.received_at,
    }


def _found_entry(store: MailStore, number: int) -> StoredMail:
    mail = store.get(number)
    if mail is None:
        raise HTTPException(404, "There is no message of that number.")
    return mail


def _found(store: MailStore, number: int) -> tuple[StoredMail, MailContent]:
    return _found_entry(store, number), store.content(number)


def _with_links(text: str) -> Markup:
    """Return the text for HTML, with what looks like a web address made into a link."""
    pieces = _LINK.split(text)
    return Markup("").join(
        Markup('<a href="{0}" target="_blank" rel="noopener noreferrer">{0}</a>').format(piece)
        if index % 2
        else escape(piece)
        for index, piece in enumerate(pieces)
    )


def _opening_links_outside(html: str) -> str:
    """Make the links of a message open in a new window; inside its frame they could do nothing."""
    base = '<base target="_blank">'
    head = _HEAD.search(html)
    return base + html if head is None else html[: head.end()] + base + html[head.end() :]

"""Graph's `/users`: pages, filters, single users, and changes since a delta link.

Source: Microsoft Learn, *List users*, *Get user*, *user: delta* and *Paging Microsoft Graph
data*, read 2026-11-23.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error

from simulator import filters
from simulator.directory import User
from simulator.faults import FaultKind
from simulator.graph_call import (
    GraphAnswer,
    GraphCall,
    GraphError,
    bad_request,
    not_found,
    selected,
    unsupported,
)
from simulator.user_properties import DEFAULT_USER_PROPERTIES, USER_PROPERTIES

DEFAULT_PAGE, LARGEST_PAGE = 100, 999
_DELTA_LIFETIME = 7 * 24 * 3600
_ADVANCED_URL_LIMIT = 2_048
_REPEATED = 3
"""How many users of a page come twice when duplicates are ordered."""


def list_users(call: GraphCall) -> GraphAnswer:
    """GET /users."""
    select = _select(call)
    size = page_size(call.query.get("$top"))
    for option in ("$search", "$orderby", "$expand", "$skip"):
        if option in call.query:
            raise unsupported(f"The simulator does not imitate '{option}' on users.")
    begin = _position(call.query.get("$skiptoken"))
    if call.fault is not None and call.fault.kind is FaultKind.EMPTY_PAGE:
        # The next link leads to the same place: nothing is lost, one page is empty.
        return _page(
            call, select, [], call.link("/users", {"$skiptoken": _token(begin or 0)}), None
        )
    total: int | None
    if text := call.query.get("$filter"):
        found = _filtered(call, text)
        start, total = begin or 0, len(found)
        rows = [_render(user, select) for user in found[start : start + size]]
        following = start + size if start + size < total else None
    else:
        rows, following = call.tenant.users.page(begin or 0, size, select)
        total = len(call.tenant.users)
    next_link = None
    if following is not None:
        next_link = call.link("/users", {"$skiptoken": _token(following)})
    # The count stands on the first page only.
    return _page(call, select, rows, next_link, total if call.eventual and begin is None else None)


def get_user(call: GraphCall, name: str) -> GraphAnswer:
    """GET /users/{id or user principal name}."""
    select = _select(call)
    user = call.tenant.users.get(name) or call.tenant.users.by_user_principal_name(name)
    if user is None:
        raise not_found(name)
    entity = (
        f"users({call.query['$select']})/$entity" if "$select" in call.query else "users/$entity"
    )
    return GraphAnswer(body={"@odata.context": call.context(entity)} | user.render(select))


def delta(call: GraphCall) -> GraphAnswer:
    """GET /users/delta: everyone first, then a link that tells only what has changed since."""
    select = _select(call)
    if "id" not in select:
        select = ("id", *select)
    users, now = call.tenant.users, call.simulation.clock.timestamp()
    if token := call.query.get("$deltatoken"):
        return _changes(call, select, token)
    mark, position = (f"{len(users.changes)}.{now}", 0)
    if token := call.query.get("$skiptoken"):
        text, _, mark = _decoded(token).partition("|")
        position = _number(text)
    rows, following = users.page(position, LARGEST_PAGE, select)
    if following is None:
        link, name = call.link("/users/delta", {"$deltatoken": _encoded(mark)}), "deltaLink"
    else:
        token = _encoded(f"{following}|{mark}")
        link, name = call.link("/users/delta", {"$skiptoken": token}), "nextLink"
    head = json.dumps({"@odata.context": call.context("users"), f"@odata.{name}": link})
    return GraphAnswer(body=f'{head[:-1]},"value":[{",".join(rows)}]}}')


def page_size(top: str | None) -> int:
    """The number of objects in a page.

    Raises:
        GraphError: `$top` is no number from 1 to 999.
    """
    if top is None:
        return DEFAULT_PAGE
    if not (top.isascii() and top.isdigit() and len(top) < 4) or not 1 <= int(top) <= LARGEST_PAGE:
        raise unsupported(
            f"Invalid page size specified: '{top}'. Must be between 1 and {LARGEST_PAGE} inclusive."
        )
    return int(top)


def _filtered(call: GraphCall, text: str) -> list[User]:
    condition = filters.parse(text)
    if condition.advanced and not call.eventual:
        raise unsupported(
            "Unsupported Query. It needs the header ConsistencyLevel: eventual and $count=true."
        )
    if call.eventual:
        length = len(call.link("/users", {}))
        if length > _ADVANCED_URL_LIMIT:
            raise unsupported(f"The request URI is too long: {length} characters, at most 2048.")
    elif condition.clauses > filters.MOST_CLAUSES:
        raise unsupported(
            "Too many child clauses specified in search filter expression containing 'OR' "
            f"operators: {condition.clauses}. Max allowed: {filters.MOST_CLAUSES}."
        )
    return sorted(condition.find(call.tenant.users), key=lambda user: user.id)


def _changes(call: GraphCall, select: tuple[str, ...], token: str) -> GraphAnswer:
    sequence, _, issued = _decoded(token).partition(".")
    users, now = call.tenant.users, call.simulation.clock.timestamp()
    if now - _number(issued) > _DELTA_LIFETIME or _number(sequence) > len(users.changes):
        location = f"{call.service}/users/delta?$deltatoken="
        raise GraphError(
            410,
            "syncStateNotFound",
            "The delta token is too old: start again.",
            {"Location": location},
        )
    latest = {change.user_id: change for change in users.changes[_number(sequence) :]}
    value: list[dict[str, object]] = []
    for change in latest.values():
        user = users.get(change.user_id)
        if user is None:
            value.append({"id": change.user_id, "@removed": {"reason": "changed"}})
        else:
            value.append(user.render(select))
    link = call.link("/users/delta", {"$deltatoken": _encoded(f"{len(users.changes)}.{now}")})
    return GraphAnswer(
        body={"@odata.context": call.context("users"), "@odata.deltaLink": link, "value": value}
    )


def _page(
    call: GraphCall,
    select: tuple[str, ...],
    rows: list[str],
    next_link: str | None,
    total: int | None,
) -> GraphAnswer:
    fault = call.fault
    if fault is not None and fault.kind is FaultKind.FOREIGN_NEXT_LINK:
        next_link = fault.url
    if fault is not None and fault.kind is FaultKind.DUPLICATE_USERS:
        rows = rows + rows[:_REPEATED]
    entity = f"users({','.join(select)})" if "$select" in call.query else "users"
    head: dict[str, object] = {"@odata.context": call.context(entity)}
    if total is not None:
        head["@odata.count"] = total
    if next_link is not None:
        head["@odata.nextLink"] = next_link
    text = json.dumps(head, separators=(",", ":"))
    return GraphAnswer(body=f'{text[:-1]},"value":[{",".join(rows)}]}}')


def _select(call: GraphCall) -> tuple[str, ...]:
    return selected(call, USER_PROPERTIES, DEFAULT_USER_PROPERTIES, "user")


def _render(user: User, select: tuple[str, ...]) -> str:
    return json.dumps(user.render(select), separators=(",", ":"))


def _position(token: str | None) -> int | None:
    return None if token is None else _number(_decoded(token))


def _token(position: int) -> str:
    return _encoded(str(position))


def _encoded(text: str) -> str:
    return urlsafe_b64encode(f"simulator:{text}".encode()).decode().rstrip("=")


def _decoded(token: str) -> str:
    try:
        text = urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except (Base64Error, UnicodeDecodeError, ValueError):
        text = ""
    if not text.startswith("simulator:"):
        raise bad_request("Skip token is not valid.", "Directory_ExpiredPageToken")
    return text.removeprefix("simulator:")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise bad_request("Skip token is not valid.", "Directory_ExpiredPageToken")
    return int(text)

"""Reads the part of OData's `$filter` that Graph offers for users, and finds users by it.

Source: Microsoft Learn, *Use the $filter query parameter* and *Advanced query capabilities on
Microsoft Entra ID objects*, read 2026-11-23.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from simulator.directory import User, Users
from simulator.graph_call import bad_request, unsupported
from simulator.user_properties import USER_PROPERTIES, property_of

MOST_CLAUSES = 15
"""The most values of `in`, and the most clauses joined by `or`, in a query that is not advanced."""

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<word>[A-Za-z_][\w]*)|(?P<mark>[(),:/]))")
_DEEPEST = 200
_INDEXED = frozenset({"mail", "userPrincipalName", "proxyAddresses"})
_SPELLING = {name.lower(): name for name in USER_PROPERTIES}


@dataclass(frozen=True)
class Condition:
    """Part of a filter: which users it lets through, and where to look for them."""

    matches: Callable[[User], bool]
    candidates: Callable[[Users], Iterable[User]] | None = None
    """Users among which all matches are; None when every user has to be looked at."""
    clauses: int = 1
    advanced: bool = False
    """Whether it needs `ConsistencyLevel: eventual` and `$count=true`."""

    def find(self, users: Users) -> Iterator[User]:
        """Every matching user once, in no particular order."""
        seen: set[str] = set()
        for user in self.candidates(users) if self.candidates else users:
            if user.id not in seen and self.matches(user):
                seen.add(user.id)
                yield user


def parse(text: str) -> Condition:
    """Read a filter.

    Raises:
        GraphError: It is not OData, names no property, or asks what Graph does not offer.
    """
    parser = _Parser(text)
    condition = parser.either()
    parser.end()
    return condition


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            found = _TOKEN.match(text, position)
            if found is None:
                raise self._broken()
            kind = found.lastgroup or ""
            self._tokens.append((kind, found[kind]))
            position = found.end()
        self._next = self._depth = 0

    def either(self) -> Condition:
        parts = [self._both()]
        while self._word("or"):
            parts.append(self._both())
        if len(parts) == 1:
            return parts[0]
        lookups = [part.candidates for part in parts]
        known = [lookup for lookup in lookups if lookup is not None]
        return Condition(
            matches=lambda user: any(part.matches(user) for part in parts),
            candidates=(lambda users: chain.from_iterable(lookup(users) for lookup in known))
            if len(known) == len(parts)
            else None,
            clauses=sum(part.clauses for part in parts),
            advanced=any(part.advanced for part in parts),
        )

    def _both(self) -> Condition:
        parts = [self._one()]
        while self._word("and"):
            parts.append(self._one())
        if len(parts) == 1:
            return parts[0]
        return Condition(
            matches=lambda user: all(part.matches(user) for part in parts),
            candidates=next((part.candidates for part in parts if part.candidates), None),
            clauses=max(part.clauses for part in parts),
            advanced=any(part.advanced for part in parts),
        )

    def _one(self) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise bad_request("Invalid filter clause: The recursion limit has been exceeded.")
        if self._word("not"):
            inner = self._one()
            return Condition(lambda user: not inner.matches(user), advanced=True)
        if self._mark("("):
            inner = self.either()
            self._expect(")")
            return inner
        word = self._take("word")
        if word.lower() in ("startswith", "endswith"):
            return self._function(word.lower())
        name = self._property(word)
        if self._mark("/"):
            return self._any(name)
        operator = self._take("word").lower()
        if operator == "in":
            return self._in(name)
        if operator in ("eq", "ne"):
            return self._compare(name, operator)
        raise unsupported(
            f"Unsupported or invalid query filter clause specified for property '{name}'."
        )

    def _function(self, function: str) -> Condition:
        self._expect("(")
        name = self._property(self._take("word"))
        self._expect(",")
        wanted = str(self._value()).lower()
        self._expect(")")
        test = str.startswith if function == "startswith" else str.endswith
        return Condition(
            lambda user: any(test(text, wanted) for text in _texts(user, name)),
            advanced=function == "endswith",
        )

    def _any(self, name: str) -> Condition:
        if self._take("word").lower() != "any":
            raise self._broken()
        self._expect("(")
        variable = self._take("word")
        self._expect(":")
        if self._take("word") != variable or self._take("word").lower() != "eq":
            raise unsupported(
                f"Unsupported or invalid query filter clause specified for property '{name}'."
            )
        wanted = self._value()
        self._expect(")")
        return _equal(name, [wanted])

    def _in(self, name: str) -> Condition:
        self._expect("(")
        values = [self._value()]
        while self._mark(","):
            values.append(self._value())
        self._expect(")")
        if name == "proxyAddresses":
            raise unsupported("The 'in' operator is not supported for property 'proxyAddresses'.")
        return _equal(name, values)

    def _compare(self, name: str, operator: str) -> Condition:
        condition = _equal(name, [self._value()])
        if operator == "eq":
            return condition
        return Condition(lambda user: not condition.matches(user), advanced=True)

    def _property(self, word: str) -> str:
        name = _SPELLING.get(word.lower())
        if name is None:
            raise bad_request(
                f"Invalid filter clause: Could not find a property named '{word}' on type "
                "'microsoft.graph.user'."
            )
        return name

    def _value(self) -> str | bool | None:
        kind, text = self._peek()
        self._next += 1
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "word" and text.lower() in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[text.lower()]
        raise self._broken()

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._next] if self._next < len(self._tokens) else ("", "")

    def _take(self, kind: str) -> str:
        found, text = self._peek()
        if found != kind:
            raise self._broken()
        self._next += 1
        return text

    def _word(self, wanted: str) -> bool:
        kind, text = self._peek()
        if kind == "word" and text.lower() == wanted:
            self._next += 1
            return True
        return False

    def _mark(self, wanted: str) -> bool:
        if self._peek() == ("mark", wanted):
            self._next += 1
            return True
        return False

    def _expect(self, wanted: str) -> None:
        if not self._mark(wanted):
            raise self._broken()

    def end(self) -> None:
        if self._next < len(self._tokens):
            raise self._broken()

    def _broken(self) -> Exception:
        return bad_request(f"Invalid filter clause: syntax error in '{self._text}'.")


def _texts(user: User, name: str) -> list[str]:
    value = property_of(user.properties, name)
    values = value if isinstance(value, list) else [value]
    return [text.lower() for text in values if isinstance(text, str)]


def _equal(name: str, values: list[str | bool | None]) -> Condition:
    texts = {value.lower() for value in values if isinstance(value, str)}
    others = {value for value in values if not isinstance(value, str)}

    def matches(user: User) -> bool:
        value = property_of(user.properties, name)
        if isinstance(value, bool) or value is None:
            return value in others
        return not texts.isdisjoint(_texts(user, name))

    candidates: Callable[[Users], Iterable[User]] | None = None
    if not others and name in _INDEXED:

        def candidates(users: Users) -> Iterable[User]:
            return chain.from_iterable(users.by_address(text) for text in texts)

    elif not others and name == "id":

        def candidates(users: Users) -> Iterable[User]:
            return [user for user in map(users.get, texts) if user is not None]

    return Condition(matches, candidates, clauses=len(values))

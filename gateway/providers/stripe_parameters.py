"""What the parameters of Stripe's operations take, at any depth, as lines that are read when they are asked for.

Each line of a table is JSON: an object is the members of an object, a list are words. What a member takes is written
in a few characters, alternatives set apart by `|`:

    s text   i a whole number   n a number   b true or false   e the empty text, which clears   ? anything
    w12 one of the words in line 12, W12 one of them or another   o12 an object of the members in line 12
    [X a list of X   {X an object whose names are anybody's, of X

A `!` before it marks a member that must be given.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from gateway.records import dataclass

_SCALARS = {
    "s": "text",
    "i": "integer",
    "n": "number",
    "b": "boolean",
    "e": "empty",
    "?": "any",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a parameter takes: any of these."""

    kinds: frozenset[str]
    """Among `text integer number boolean empty any words object list names`."""
    words: tuple[str, ...] = ()
    """The words it takes."""
    others: bool = True
    """Whether Stripe may have come to take other words since: the SDK takes any text beside them."""
    members: tuple[Members, ...] = ()
    """The members of the objects it takes."""
    element: Taken | None = None
    """What the elements of a list, or the values of an object whose names are anybody's, are."""
    required: bool = False


class Members:
    """The members of an object, read when they are asked for."""

    def __init__(self, table: Table, line: int) -> None:
        """Take where they stand."""
        self._table, self.line = table, line

    @property
    def all(self) -> Mapping[str, Taken]:
        """Return what each takes."""
        return self._table.members(self.line)

    @property
    def required(self) -> tuple[str, ...]:
        """Return those that must be given."""
        return tuple(name for name, taken in self.all.items() if taken.required)


class Table:
    """The lines of a table; a line is parsed when it is first asked for."""

    def __init__(self, lines: Sequence[str]) -> None:
        """Take the lines."""
        self.lines = lines
        self.members = cache(self._members)
        """Gives what the members of the object in a line take."""

    def _members(self, line: int) -> Mapping[str, Taken]:
        return {name: self._taken(written) for name, written in json.loads(self.lines[line]).items()}

    def _taken(self, written: str) -> Taken:
        parts = list(_alternatives(written.removeprefix("!")))
        words = [json.loads(self.lines[int(part[1:])]) for part in parts if part[0] in "wW"]
        inner = [part[1:] for part in parts if part[0] in "[{"]
        return Taken(
            kinds=frozenset(_kind(part[0]) for part in parts),
            words=tuple(word for some in words for word in some),
            others=not any(part[0] == "w" for part in parts),
            members=tuple(Members(self, int(part[1:])) for part in parts if part[0] == "o"),
            element=self._taken(inner[0]) if inner else None,
            required=written.startswith("!"),
        )


def _kind(letter: str) -> str:
    return _SCALARS.get(letter) or {"w": "words", "W": "words", "o": "object", "[": "list", "{": "names"}[letter]


def _alternatives(written: str) -> Iterator[str]:
    """Yield the alternatives; a list or an object of anybody's names is the last, and takes all that follows."""
    while written:
        if written[0] in "[{":
            yield written
            return
        part, _, written = written.partition("|")
        yield part

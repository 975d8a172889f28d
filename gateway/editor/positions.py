"""Places as editors count them: lines and columns from 0, columns in units of the encoding that was agreed on.

Source: Language Server Protocol 3.17, "Position" and "PositionEncodingKind".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from gateway.config.diagnostics import Position, Span

_BREAK = re.compile(r"\r\n|\r|\n")


class Place(NamedTuple):
    """A place in a document, as an editor counts."""

    line: int
    character: int


Width = Callable[[str], int]
"""Gives the units that a character takes."""

WIDTHS: Mapping[str, Width] = {
    "utf-8": lambda character: len(character.encode("utf-8", "surrogatepass")),
    "utf-16": lambda character: 2 if character > "\uffff" else 1,
    "utf-32": lambda _: 1,
}
"""By the names of the protocol; without a word of it, editors count in UTF-16."""


class Text:
    """A document's text, with its places counted either way."""

    def __init__(self, text: str, encoding: str = "utf-16") -> None:
        """Take the text, and one of WIDTHS."""
        self.text = text
        self._width = WIDTHS[encoding]
        self._starts = [0, *(found.end() for found in _BREAK.finditer(text))]
        self._lines = _BREAK.split(text)

    def place(self, position: Position) -> Place:
        """Return a place as an editor counts it; one behind the end of the text is its end."""
        line = min(position.line, len(self._lines)) - 1
        return Place(line, sum(map(self._width, self._lines[line][: position.column - 1])))

    def position(self, place: Place) -> Position:
        """Return a place as the gateway counts it: from 1, in characters."""
        line = min(place.line, len(self._lines) - 1)
        return Position(line + 1, self._characters(self._lines[line], place.character) + 1)

    def offset(self, position: Position) -> int:
        """Return the offset into the text, 0-based, in characters."""
        return self._starts[position.line - 1] + position.column - 1

    def at(self, offset: int) -> Position:
        """Return the place of an offset."""
        line = sum(1 for _ in _BREAK.finditer(self.text, 0, offset)) + 1
        return Position(line, offset - self._starts[line - 1] + 1)

    def range(self, span: Span) -> tuple[Place, Place]:
        """Return a stretch as an editor counts it."""
        return self.place(span.start), self.place(span.end)

    def slice(self, span: Span) -> str:
        """Return what stands in a stretch."""
        return self.text[self.offset(span.start) : self.offset(span.end)]

    def _characters(self, line: str, units: int) -> int:
        """Return how many characters stand before a column; one that splits a character counts as before it."""
        for count, character in enumerate(line):
            units -= self._width(character)
            if units < 0:
                return count
        return len(line)

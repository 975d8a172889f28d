"""A text and the places in it, as a reader of YAML needs them; and what its scalars mean."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import pairwise

import yaml

from gateway.config.diagnostics import Position, Span
from gateway.config.nodes import ScalarValue
from gateway.config.scalars import UnusableNumberError, resolve

BREAK = re.compile(r"\r\n|\r|\n")
_BLANK = re.compile(r"[ \t\r\n]*(?:(?:(?<=[ \t\r\n])|^)#[^\n]*[ \t\r\n]*)*")
_SPACE = re.compile(r"[ \t]*(?:(?<=[ \t])#[^\n]*)?")


class Scanner:
    """A text that is read from one offset to the next."""

    def __init__(self, text: str) -> None:
        """Take the text."""
        self.text = text
        self.starts = [0, *(found.end() for found in BREAK.finditer(text))]

    def position(self, at: int) -> Position:
        """Return the place of an offset."""
        line = bisect_right(self.starts, at)
        return Position(line, at - self.starts[line - 1] + 1)

    def span(self, start: int, end: int) -> Span:
        """Return the stretch between two offsets."""
        return Span(self.position(start), self.position(max(start, end)))

    def column(self, at: int) -> int:
        """Return how many characters stand before an offset on its line."""
        return at - self.starts[bisect_right(self.starts, at) - 1]

    def line(self, at: int) -> int:
        """Return the number of the line that an offset is on, from 1."""
        return bisect_right(self.starts, at)

    def next(self, at: int) -> int:
        """Return where something is written next, behind blanks and comments."""
        found = _BLANK.match(self.text, at)
        assert found is not None
        return found.end()

    def behind_space(self, at: int) -> int:
        """Return where something is written next on the line, or where that ends."""
        found = _SPACE.match(self.text, at)
        assert found is not None
        return found.end()

    def ends_line(self, at: int) -> bool:
        """Say whether a line ends at an offset."""
        return at >= len(self.text) or self.text[at] in "\r\n"


def meaning(text: str) -> ScalarValue:
    """Return what a plain scalar means; null for a number that is none."""
    try:
        return resolve(text)
    except UnusableNumberError:
        return None


def folded(lines: list[str]) -> str:
    """Return the text of lines of which one goes on in the next; an empty one stands for a break."""
    text = lines[0]
    for before, line in pairwise(lines):
        text += "\n" if not line else line if not before else f" {line}"
    return text


def unquoted(raw: str) -> str:
    """Return the text of a scalar in quotes; all behind the first quote where they are not closed."""
    return str(_read(raw, raw[1:]))


def block_text(raw: str) -> str:
    """Return the text of a scalar that is written as a block."""
    return str(_read(f"key: {raw}\n", raw))


def _read(written: str, otherwise: str) -> object:
    try:
        found = yaml.safe_load(written)
    except (yaml.YAMLError, ValueError):
        return otherwise
    return found["key"] if isinstance(found, dict) else found

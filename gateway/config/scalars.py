"""What a plain scalar means, and where in the file a part of a text stands."""

from __future__ import annotations

import re
from decimal import Decimal

from gateway.config.diagnostics import Position, Span

MAX_DIGITS = 400
"""A number may have this many digits, before and after the point together."""

_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_BLANKS = " \t\r\n"
_QUOTES = ("'", '"')
_BLOCKS = ("|", ">")
_BREAK = re.compile(r"\r\n|\r|\n")
_ESCAPE = re.compile(r"\\(?:x..|u.{4}|U.{8}|.)", re.DOTALL)
_JOINED = re.compile(r"\\(?:\r\n|\r|\n)[ \t]*")


class UnusableNumberError(ValueError):
    """A scalar that YAML takes for a number but that has no exact finite value of sensible length."""


def resolve(text: str) -> bool | int | Decimal | str | None:
    """Return what a plain scalar means by the core schema of YAML 1.2; numbers are exact.

    Raises:
        UnusableNumberError: the text is infinite, not a number, or too long.
    """
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[0] not in "+-.0123456789":
        return text
    return _number(text)


def _number(text: str) -> int | Decimal | str:
    if _INTEGER.fullmatch(text):
        return int(_short(text))
    if _OCTAL.fullmatch(text):
        return int(_short(text)[2:], 8)
    if _HEXADECIMAL.fullmatch(text):
        return int(_short(text)[2:], 16)
    if _FLOAT.fullmatch(text):
        return _decimal(_short(text))
    if _NOT_FINITE.fullmatch(text):
        raise UnusableNumberError(f"`{text}` is not a number with a value")
    return text


def _short(text: str) -> str:
    if len(text) > MAX_DIGITS:
        raise UnusableNumberError(f"the number has more than {MAX_DIGITS} digits")
    return text


def _decimal(text: str) -> Decimal:
    exponent = re.search(r"[eE][-+]?0*([0-9]*)$", text)
    if exponent and (len(exponent[1]) > 3 or int(exponent[1] or 0) > MAX_DIGITS):
        raise UnusableNumberError(f"`{text}` has an exponent beyond {MAX_DIGITS}")
    return Decimal(text)


def place_in(raw: str, text: str, style: str, origin: Position, start: int, end: int) -> Span:
    """Return where `text[start:end]` stands, when the file writes `text` as `raw`, beginning at `origin`."""
    offsets = _offsets(raw, text, style)
    start = max(0, min(start, len(text)))
    end = max(start, min(end, len(text)))
    first = offsets[start]
    last = first if end == start else max(first, offsets[end - 1] + _width(raw, offsets[end - 1], style))
    return Span(_position(raw, origin, first), _position(raw, origin, last))


def _position(raw: str, origin: Position, offset: int) -> Position:
    lines = _BREAK.split(raw[:offset])
    if len(lines) == 1:
        return Position(origin.line, origin.column + offset)
    return Position(origin.line + len(lines) - 1, len(lines[-1]) + 1)


def _offsets(raw: str, text: str, style: str) -> list[int]:
    """Return for each character of `text`, and for its end, the offset into `raw` that wrote it.

    Between two characters that are not blank a scalar holds only blanks, so walking both texts side by
    side finds every other character exactly, however lines were folded.
    """
    at, indent = _begin(raw, text, style)
    offsets = []
    for character in text:
        at = _seek(raw, at, character, style)
        offsets.append(min(at, len(raw)))
        at = _behind(raw, at, character, style, indent)
    closing = 1 if style in _QUOTES and raw else 0
    return [*offsets, max(0, min(at, len(raw) - closing))]


def _begin(raw: str, text: str, style: str) -> tuple[int, int]:
    """Return where the text begins in `raw`, and how far a block is indented."""
    if style in _QUOTES:
        return 1, 0
    header = _BREAK.search(raw)
    if style not in _BLOCKS or header is None:
        return 0, 0
    indent = max(0, _margin(raw[header.end() :]) - _margin(text))
    return _past_indent(raw, header.end(), indent), indent


def _margin(text: str) -> int:
    """Count the spaces before the first line that is not blank."""
    filled = text.lstrip(_BLANKS)
    return len(re.split(r"[\r\n]", text[: len(text) - len(filled)])[-1])


def _past_indent(raw: str, at: int, indent: int) -> int:
    while indent and raw.startswith(" ", at):
        at, indent = at + 1, indent - 1
    return at


def _seek(raw: str, at: int, character: str, style: str) -> int:
    """Return the offset from `at` on where `character` is written."""
    if style == '"':
        at = _past_joins(raw, at)
        if raw.startswith("\\", at):
            return at
    if character in _BLANKS:
        line_end = _BREAK.search(raw, at) if style == "|" and character == "\n" else None
        return line_end.start() if line_end else at
    while at < len(raw) and raw[at] in _BLANKS:
        at += 1
    return _past_joins(raw, at) if style == '"' else at


def _past_joins(raw: str, at: int) -> int:
    """Skip lines that end in a backslash, which double quotes join without a blank."""
    while joined := _JOINED.match(raw, at):
        at = joined.end()
    return at


def _behind(raw: str, at: int, character: str, style: str, indent: int) -> int:
    """Return the offset behind `character`, which is written at `at`."""
    line_end = _BREAK.match(raw, at)
    if style == "|" and character == "\n" and line_end:
        return _past_indent(raw, line_end.end(), indent)
    if character in _BLANKS and style != '"' and raw[at : at + 1] not in tuple(_BLANKS):
        return at
    return at + _width(raw, at, style)


def _width(raw: str, at: int, style: str) -> int:
    """Return how many characters of `raw` write the one at `at`."""
    if style == '"' and (escape := _ESCAPE.match(raw, at)):
        return len(escape[0])
    if style == "'" and raw.startswith("''", at):
        return 2
    return 1

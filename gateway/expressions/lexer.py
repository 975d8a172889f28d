"""The words of an expression: jmespath's lexer with exact places, exact numbers and helpful refusals."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from jmespath import lexer
from jmespath.exceptions import LexerError

from gateway.expressions.errors import ExpressionError
from gateway.expressions.mistakes import unknown_character

Token = dict[str, Any]
"""`type` (jmespath's names), `value`, and the exact `start` and `end` in the text."""

MAX_DIGITS = 100
"""Digits that a number written in an expression may have, before the point and after it."""

_ENDS_AT_NEXT = frozenset(lexer.Lexer.SIMPLE_TOKENS.values()) | {"eq"}
_BARE_WORD = re.compile(r"[A-Za-z_][\w ./:-]*", re.ASCII)
_NOT_BARE = frozenset({"true", "false", "null", "none", "nan", "infinity", "inf", "yes", "no", "undefined"})


class Lexer(lexer.Lexer):
    """Split an expression into tokens; raises ExpressionError for what is no token."""

    _position: int
    _current: str | None
    _length: int
    _expression: str

    def tokenize(self, expression: str) -> Iterator[Token]:  # type: ignore[override]  # the stub's type is private
        """Yield tokens; jmespath's own `end` is wrong for literals and operators, so it is set here."""
        tokens = super().tokenize(expression)
        try:
            for token in tokens:
                yield {**token, "end": self._reached(token["type"])}
        except LexerError as error:
            raise self._refusal(error) from None

    def _reached(self, type_name: str) -> int:
        if self._current is None:
            return self._length
        return self._position + 1 if type_name in _ENDS_AT_NEXT else self._position

    def _refusal(self, error: LexerError) -> ExpressionError:
        start = error.lexer_position
        if error.message.startswith("Unclosed"):
            quote = self._expression[start]
            return ExpressionError(f"this {_QUOTES[quote]} is never closed", start, self._length)
        if self._expression[start] == '"':
            return ExpressionError("not a name in double quotes", start, self._reached("quoted_identifier"))
        return unknown_character(self._expression, start)

    def _consume_number(self) -> str:
        start = self._position
        digits: str = super()._consume_number()  # type: ignore[misc]  # absent from the stubs
        if len(digits) > MAX_DIGITS:
            raise ExpressionError(f"a number with more than {MAX_DIGITS} digits", start, start + len(digits))
        return digits

    def _consume_literal(self) -> Token:
        start = self._position
        written: str = self._consume_until("`")  # type: ignore[attr-defined]  # absent from the stubs
        end = self._reached("literal")
        value, style = _read_literal(written.replace("\\`", "`"), start, end)
        return {"type": "literal", "value": value, "style": style, "start": start, "end": end}


_QUOTES = {"'": "single quote", '"': "double quote", "`": "backtick"}


def _read_literal(written: str, start: int, end: int) -> tuple[object, str]:
    try:
        value = json.loads(written, parse_float=_decimal, parse_int=_integer, parse_constant=_refuse_constant)
    except _TooLongError:
        message = f"`{_shortened(written)}` has a number with more than {MAX_DIGITS} digits"
        raise ExpressionError(message, start, end) from None
    except (ValueError, RecursionError):
        return _read_bare_word(written.strip(), start, end), "bare"
    return value, "json"


def _read_bare_word(word: str, start: int, end: int) -> str:
    # jmespath takes `paid` in backticks for text (JEP 12); anything that could be meant otherwise is refused.
    if _BARE_WORD.fullmatch(word) and word.lower() not in _NOT_BARE:
        return word
    help_text = "text is written in single quotes: 'paid'; numbers as `100` or `9.99`; `true`, `false`, `null`"
    raise ExpressionError(f"`{_shortened(word)}` in backticks is not JSON", start, end, help_text)


def _shortened(written: str) -> str:
    return written if len(written) <= 40 else written[:40] + "…"


class _TooLongError(Exception):
    """A number too long or too large to be worked with exactly."""


def _decimal(digits: str) -> Decimal:
    number = Decimal(digits)
    exponent = number.as_tuple().exponent
    if number.adjusted() >= MAX_DIGITS or not isinstance(exponent, int) or exponent < -MAX_DIGITS:
        raise _TooLongError
    return number


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise _TooLongError
    return int(digits)


def _refuse_constant(name: str) -> object:
    raise ValueError(name)

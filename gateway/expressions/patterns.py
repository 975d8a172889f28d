"""Patterns that cannot hang: RE2, loaded when the first pattern is met."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from gateway.expressions.errors import EvaluationError, ExpressionError

MAX_PATTERN = 1000
"""Characters that a pattern may have."""


class Pattern:
    """A compiled RE2 pattern whose first group counts."""

    __slots__ = ("_group", "_search", "text")

    def __init__(self, text: str, compiled: Any) -> None:
        self.text = text
        self._search = compiled.search
        self._group = 1 if compiled.groups else 0

    def capture(self, text: str) -> str | None:
        """Return the first group of the first match in a text, the whole match when there is no group.

        None when nothing matches, or the group took no part. Raises EvaluationError for a text that is no
        valid Unicode.
        """
        try:
            found = self._search(text.encode())  # bytes in half the time: no offsets to translate
        except UnicodeEncodeError:
            raise EvaluationError("a text with half a surrogate pair cannot be searched") from None
        if found is None:
            return None
        captured: bytes | None = found.group(self._group)
        return None if captured is None else captured.decode(errors="replace")


@lru_cache(maxsize=256)
def compile_pattern(text: str) -> Pattern:
    """Return a compiled pattern, a repeated one from memory; raises ExpressionError."""
    if len(text) > MAX_PATTERN:
        raise ExpressionError(f"a pattern has more than {MAX_PATTERN} characters", 0, len(text), about="pattern")
    import re2  # 4 ms that most commands need not pay

    options = re2.Options()
    options.log_errors = False  # RE2 would write to stderr
    try:
        return Pattern(text, re2.compile(text.encode(), options=options))
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0]
        detail = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise ExpressionError(
            f"`{text}` is not an RE2 pattern: {detail}",
            0,
            len(text),
            "RE2 has no look-around and no back-references",
            about="pattern",
        ) from None

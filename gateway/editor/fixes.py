"""Quick fixes: what a finding's help says to write in place of what stands there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.config.diagnostics import Diagnostic, Position, Span
from gateway.editor.positions import Text

_MEANT = re.compile(r"did you mean `([^`]+)`\?")
_UNIT = re.compile(r"write the unit: `([^`]+)`")
_QUOTES = ("'", '"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A change of a file."""

    title: str
    span: Span
    text: str
    diagnostic: Diagnostic


def fix_of(diagnostic: Diagnostic, text: Text) -> Fix | None:
    """Return the change that a finding proposes, or None when it proposes none that is exact."""
    found = _MEANT.search(diagnostic.help or "") or _UNIT.search(diagnostic.help or "")
    span = diagnostic.span
    there = text.slice(span)
    if found is None or not there or "\n" in there:
        return None
    if there[0] in _QUOTES and there[-1:] == there[0]:
        span = _inside(span)
    return Fix(title=f"Change to `{found[1]}`", span=span, text=found[1], diagnostic=diagnostic)


def _inside(span: Span) -> Span:
    start, end = span
    return Span(Position(start.line, start.column + 1), Position(end.line, end.column - 1))

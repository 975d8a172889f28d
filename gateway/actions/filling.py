"""Text whose placeholders are written in a way that cannot change what the text around them means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.actions.state import PassState, StepFailed
from gateway.config.values import Value
from gateway.expressions import Template, to_text

Write = Callable[[str], str]
"""Writes one placeholder's value into the text, or raises StepFailed."""


def link_filled(value: Value, what: str, write: Write) -> Callable[[PassState], str]:
    """Return the function that fills a template in, each placeholder written by `write`.

    It raises StepFailed for a placeholder that is null or empty: the text would mean something else without it.
    """
    pieces = [part if isinstance(part, str) else _placeholder(part, what, write) for part in _parts(value)]

    def fill(state: PassState) -> str:
        return "".join([piece if isinstance(piece, str) else piece(state) for piece in pieces])

    return fill


def as_filled(value: Value, stand_in: str) -> str | None:
    """Return a template with a text in place of each placeholder: what can be known of it before an event comes.

    None for what is no text: that has been reported.
    """
    if value.literal and not isinstance(value.constant, str):
        return None
    return "".join([part if isinstance(part, str) else stand_in for part in _parts(value)])


def _parts(value: Value) -> tuple[Any, ...]:
    if value.literal:
        return (str(value.constant),)
    compiled = value.parts[0].compiled
    assert isinstance(compiled, Template)
    return compiled.parts


def _placeholder(expression: Any, what: str, write: Write) -> Callable[[PassState], str]:
    evaluate, text = expression.evaluate, expression.text.strip()

    def fill(state: PassState) -> str:
        found = to_text(evaluate(state.scope, state))
        if not found:
            raise StepFailed(f"{what}: `{text}` is null or empty")
        return write(found)

    return fill

"""Rendering the answer of a source that answers with the outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.config.responses import Response
from gateway.engine.program import Respond, SourceProgram
from gateway.expressions import NO_CONTEXT, Context, EvaluationError
from gateway.store.codecs import dump_json


def link_response(response: Response) -> Respond:
    """Return the function that renders an answer from a scope; keys whose value is null are left out."""
    body = response.body
    if body is None:
        return _plain_answer
    evaluate = body.evaluate

    def respond(scope: dict[str, Any], context: Context) -> str:
        try:
            value = evaluate(scope, context)
        except EvaluationError as error:
            # The event has ended as it has: only the answer suffers from a mistake in `response`.
            return _plain_answer({**scope, "error": scope.get("error") or f"response: {error}"}, context)
        return dump_json(_without_nulls(value) if isinstance(value, Mapping) else value)

    return respond


def _plain_answer(scope: dict[str, Any], context: Context) -> str:
    return dump_json(_without_nulls({name: scope.get(name) for name in ("status", "result", "error")}))


def _without_nulls(value: Mapping[str, object]) -> dict[str, object]:
    return {key: item for key, item in value.items() if item is not None}


Pending = Callable[[str, str, str | None], bytes]
"""Takes an event's type, its status and an error; gives the answer for an event that no pass has answered yet."""


def pending_response(source: SourceProgram) -> Pending | None:
    """Return the function that answers for an event before its first pass, or for one that cannot be read at all."""
    respond = source.respond
    if respond is None:
        return None

    def pending(event_type: str, status: str, error: str | None) -> bytes:
        outcome = "failed" if status == "dead" else "processing"
        scope = {
            "event": {"type": event_type, "source": source.name},
            "status": status,
            "result": None,
            "error": error,
            "outcome": outcome,
        }
        return respond(scope, NO_CONTEXT).encode()

    return pending

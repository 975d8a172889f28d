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


_OUTCOMES = {"waiting": "retrying", "parked": "retrying", "dead": "failed", "ready": "processing", "ignored": "ignored"}


def answer(
    respond: Respond | None,
    scope: Mapping[str, Any],
    context: Context,
    *,
    status: str,
    result: str | None,
    error: str | None,
) -> str | None:
    """Render the answer of a source that answers with the outcome; None for any other source (no `respond`).

    `status` is the event's, after it was decided whether a failure is tried again; one that is, is no error yet.
    """
    if respond is None:
        return None
    outcome = _OUTCOMES.get(status, result)
    said = {"status": status, "result": result, "error": None if outcome == "retrying" else error, "outcome": outcome}
    return respond({**scope, **said}, context)


def bare_scope(source: str, event_type: str) -> dict[str, Any]:
    """Return what an answer can name of an event that no pass has run, or that broke its pass."""
    return {"event": {"type": event_type, "source": source}}


Pending = Callable[[str, str, str | None], bytes]
"""Takes an event's type, its status and an error; gives the answer for an event that no pass has answered yet."""


def pending_response(source: SourceProgram) -> Pending | None:
    """Return the function that answers for an event before its first pass, or for one that cannot be read at all."""
    if source.respond is None:
        return None

    def pending(event_type: str, status: str, error: str | None) -> bytes:
        scope = bare_scope(source.name, event_type)
        said = answer(source.respond, scope, NO_CONTEXT, status=status, result=None, error=error)
        assert said is not None
        return said.encode()

    return pending

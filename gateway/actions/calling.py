"""What steps that wait for an answer have in common: the answer bound, or what a refusal means."""

from __future__ import annotations

from collections.abc import Callable

from gateway.actions.missing import Missing, link_missing
from gateway.actions.state import PassState, Signal, StepFailed
from gateway.store.outbox import Answer

Ask = Callable[[PassState], tuple[str, Answer]]
"""Makes the call; gives its message id and its answer."""


REFUSED_SCHEMA = {
    "enum": ["fail", "retry"],
    "default": "fail",
    "description": "When the other side refuses: `fail` makes the event a dead letter, `retry` asks again later, with "
    "growing waits.",
}


def link_call(
    ask: Ask, *, pointer: str, action: str, operation: str, name: str | None, missing: Missing, refused: str
) -> Callable[[PassState], Signal]:
    """Return the function that runs an awaited call: binds its answer to a name, or ends the event.

    `refused` is `fail` or `retry`: REFUSED_SCHEMA.
    """

    def note_nothing(state: PassState) -> None:
        pass

    give_up = link_missing(missing, f"{operation}: there is no such thing", note_nothing)
    takes_absence = missing.kind != "refuse"

    def run(state: PassState) -> Signal:
        message_id, answer = ask(state)
        said = "ok" if answer.ok else answer.error
        state.notes.append((pointer, action, {"call": operation, "id": message_id, "answer": said}))
        if name is not None:
            state.scope[name] = answer.value if answer.ok else None
        if answer.ok:
            return None
        if answer.code == "not_found" and takes_absence:
            return give_up(state)
        raise StepFailed(f"{operation}: {answer.error}", retry=refused == "retry")

    return run

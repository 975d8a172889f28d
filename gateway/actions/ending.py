"""`finish` and `fail`: the two ways in which a step ends an event."""

from __future__ import annotations

from collections.abc import Callable

from gateway.actions.state import Finished, Linker, PassState, Signal, StepFailed
from gateway.config.scope import CheckScope
from gateway.config.steps import ActionSpec, StepReader
from gateway.config.values import Value
from gateway.expressions import to_text
from gateway.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The arguments of a `finish` or `fail`."""

    text: Value | None
    retry: bool


def _parse_finish(reader: StepReader) -> Ending:
    return Ending(text=reader.value("finish"), retry=False)


def _parse_fail(reader: StepReader) -> Ending:
    return Ending(text=reader.value("fail"), retry=reader.flag("retry"))


def _check(ending: Ending, scope: CheckScope) -> None:
    scope.value(ending.text)


def _bind_finish(ending: Ending, linker: Linker) -> Callable[[PassState], Signal]:
    assert ending.text is not None
    text, pointer = ending.text.evaluate, linker.pointer

    def run(state: PassState) -> Signal:
        result = to_text(text(state.scope, state))
        state.notes.append((pointer, "finish", result))
        return Finished(result)

    return run


def _bind_fail(ending: Ending, linker: Linker) -> Callable[[PassState], Signal]:
    assert ending.text is not None
    text, retry = ending.text.evaluate, ending.retry

    def run(state: PassState) -> Signal:
        raise StepFailed(to_text(text(state.scope, state)), retry=retry)

    return run


FINISH = ActionSpec(
    name="finish",
    title="End the event well, with a result.",
    schema={"finish": {"type": "string", "description": "The result.", "examples": ["already_granted"]}},
    example="finish: already_granted",
    parse=_parse_finish,
    check=_check,
    bind=_bind_finish,
)

FAIL = ActionSpec(
    name="fail",
    title="End the event badly and undo all it did.",
    schema={
        "fail": {"type": "string", "description": "What to say.", "examples": ["no days are sold for ${amount}"]},
        "retry": {"type": "boolean", "description": "Try again later; otherwise the event is a dead letter at once."},
    },
    example="fail: no days are sold for ${amount}",
    parse=_parse_fail,
    check=_check,
    bind=_bind_fail,
)

"""`require`: what must hold now, or everything the event did is undone."""

from __future__ import annotations

from collections.abc import Callable

from gateway.actions.state import Linker, PassState, Signal, StepFailed
from gateway.config.document import Mapping as MappingNode
from gateway.config.scope import CheckScope
from gateway.config.steps import ActionSpec, StepReader
from gateway.config.values import Condition, Value
from gateway.expressions import is_true
from gateway.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Require:
    """The arguments of a `require`."""

    condition: Condition | None
    message: Value | None
    node: MappingNode


def _parse(reader: StepReader) -> Require:
    return Require(condition=reader.expression("require"), message=reader.value("message"), node=reader.node)


def _check(require: Require, scope: CheckScope) -> None:
    scope.condition(require.condition)
    scope.value(require.message)
    if require.condition is not None and (scope.step is None or scope.step.when is None):
        scope.require(require.condition)


def _bind(require: Require, linker: Linker) -> Callable[[PassState], Signal]:
    assert require.condition is not None
    expression, message, pointer = require.condition.expression, require.message, linker.pointer
    evaluate = expression.evaluate

    def run(state: PassState) -> Signal:
        value = evaluate(state.scope, state)
        if is_true(value):
            state.notes.append((pointer, "require", True))
            return None
        said = message(state.scope, state) if message is not None else None
        raise StepFailed(str(said) if said is not None else f"`{expression.text}` must hold, it is {_shown(value)}")

    return run


def _shown(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else f"`{value}`"


SPEC = ActionSpec(
    name="require",
    title="Fail the event, and undo all it did, unless a condition holds.",
    schema={
        "require": {
            "type": "string",
            "description": "A JMESPath condition over the scope.",
            "examples": ["subscription.status == 'active'"],
        },
        "message": {
            "type": "string",
            "description": "What to say when it does not hold.",
            "examples": ["user ${user_id} has no active subscription"],
        },
    },
    example="require: subscription.status == 'active'\nmessage: user ${user_id} paid and has no active subscription",
    parse=_parse,
    check=_check,
    bind=_bind,
)

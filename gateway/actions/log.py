"""`log`: a line in the log and in the trace, once, when the event has committed."""

from __future__ import annotations

from collections.abc import Callable

from gateway.actions.state import Linker, LogLine, PassState, Signal
from gateway.config.scope import CheckScope
from gateway.config.steps import ActionSpec, StepReader
from gateway.config.values import Value
from gateway.expressions import to_text
from gateway.records import dataclass

LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The arguments of a `log`."""

    text: Value | None
    level: str
    fields: dict[str, Value]


def _parse(reader: StepReader) -> Log:
    return Log(
        text=reader.value("log"),
        level=reader.text("level", "info"),
        fields={name: value for name, (_, value) in reader.values("fields").items()},
    )


def _check(log: Log, scope: CheckScope) -> None:
    scope.value(log.text)
    for value in log.fields.values():
        scope.value(value)


def _bind(log: Log, linker: Linker) -> Callable[[PassState], Signal]:
    assert log.text is not None
    text, level, pointer = log.text.evaluate, log.level, linker.pointer
    fields = {name: value.evaluate for name, value in log.fields.items()}

    def run(state: PassState) -> Signal:
        line = to_text(text(state.scope, state))
        state.notes.append((pointer, "log", line))
        state.logs.append(LogLine(level, line, {name: value(state.scope, state) for name, value in fields.items()}))
        return None

    return run


SPEC = ActionSpec(
    name="log",
    title="Write a line to the log and to the trace.",
    schema={
        "log": {"type": "string", "description": "The text.", "examples": ["payment ${payment_id} is overdue"]},
        "level": {"enum": list(LEVELS), "description": "How much it matters; `info` when left out."},
        "fields": {
            "type": "object",
            "description": "More fields of the line.",
            "examples": [{"payment": "$payment_id"}],
        },
    },
    example='log: "payment ${payment_id} is overdue"\nlevel: warning',
    parse=_parse,
    check=_check,
    bind=_bind,
)

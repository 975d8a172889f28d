"""`cancel`: drops a scheduled event that has not fired."""

from __future__ import annotations

from collections.abc import Callable

from gateway.actions.filling import link_filled
from gateway.actions.state import Linker, PassState, Signal
from gateway.config.scope import CheckScope
from gateway.config.steps import ActionSpec, ScheduleWanted, StepReader
from gateway.config.values import Value
from gateway.records import dataclass
from gateway.store.codecs import microseconds_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """The arguments of a `cancel`."""

    key: Value | None


def _parse(reader: StepReader) -> Cancel:
    return Cancel(key=reader.value("cancel"))


def _check(cancel: Cancel, scope: CheckScope) -> None:
    scope.text(cancel.key, "a key")


def _bind(cancel: Cancel, linker: Linker) -> Callable[[PassState], Signal]:
    from gateway.store.schedules import SCHEDULES, cancel_event

    assert cancel.key is not None
    key_of, pointer = link_filled(cancel.key, "cancel", str), linker.pointer

    def run(state: PassState) -> Signal:
        named = key_of(state)
        now = microseconds_of(state.now)
        if state.ahead.take(SCHEDULES, state.source, named) == []:
            dropped = None
        else:
            dropped = cancel_event(state.execute, state.source, named, by=state.identity.seq, now=now)
        if dropped is not None:
            state.wrote = True
        state.notes.append((pointer, "cancel", {"key": named, "dropped": dropped}))
        return None

    return run


SPEC = ActionSpec(
    name="cancel",
    title="Drop the scheduled event that waits under a key; when none does, nothing happens.",
    schema={
        "cancel": {
            "type": "string",
            "description": "The key that `schedule` gave it.",
            "examples": ["suspend-$tenant.id"],
        }
    },
    example="cancel: suspend-$tenant.id",
    parse=_parse,
    check=_check,
    bind=_bind,
    wants=lambda cancel: None if cancel.key is None else ScheduleWanted(cancel.key),
)

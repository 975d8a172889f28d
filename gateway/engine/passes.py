"""One pass: an event against the rules of its source, from the top.

This is the one code path of serving, testing, dry runs and replay. It reads and writes rows through the statement
runner it is given, inside the caller's transaction, and decides; it opens and commits nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from gateway.actions.state import (
    AwaitCall,
    Finished,
    Identity,
    LogLine,
    NewerEvent,
    PassState,
    RowTaken,
    Signal,
    StepFailed,
)
from gateway.engine.extracting import ExtractionFailed, Noted
from gateway.engine.payload import PayloadRefused, read_payload
from gateway.engine.program import RUN_PREFIX, LinkedFile, LinkedRule, Program, SourceProgram
from gateway.expressions import CoercionError, EvaluationError, is_true, to_text
from gateway.store.ahead import NOTHING_AHEAD, Ahead
from gateway.store.claiming import Claimed
from gateway.store.codecs import dump_json, moment_of
from gateway.store.database import Execute
from gateway.store.outbox import Answer, Outgoing, answers_of
from gateway.store.shapes import RowConflict, RowRefused, ValueDoesNotFit

# What a rule, its data or its tables can do wrong; anything else is trouble of the database, or a bug.
EVENT_ERRORS = (
    StepFailed, ExtractionFailed, PayloadRefused, EvaluationError, CoercionError, ValueDoesNotFit, RowConflict,
    RowRefused,
)  # fmt: skip


class PassResult(NamedTuple):
    """What one pass decided."""

    status: str
    """`done`, `ignored`, `parked`, `failed`, or `calling`: it waits for the answer of `call`."""
    result: str | None
    rule: str | None
    error: str | None
    retry: bool
    """Whether a failed event may go well later."""
    trace: str
    """JSON: docs/traces.md."""
    logs: Sequence[LogLine]
    state: PassState
    """What the pass bound and wrote: `wrote` says whether a failure has rows to undo."""
    call: Outgoing | None = None
    """The call whose answer it waits for."""
    taken: bool = False
    """Whether it failed at a row that was there: another process may have added it after the pass had looked for it."""

    @property
    def must_undo(self) -> bool:
        """Say whether the pass has written rows that must not stay."""
        return self.state.wrote and self.status in {"failed", "parked", "calling"}


NO_ANSWERS: Mapping[str, Answer] = {}


class _Trace:
    """What a pass notes down for `gateway events show`."""

    __slots__ = ("extract", "file", "no", "rule")

    def __init__(self) -> None:
        self.rule: str | None = None
        self.file: LinkedFile | None = None
        self.no: list[object] = []
        self.extract: Noted = {}

    def render(self, state: PassState, error: str | None, result: str | None) -> str:
        trace: dict[str, object] = {}
        if self.rule is not None:
            trace["rule"] = self.rule
        if self.file is not None:
            trace["file"] = self.file.name
            trace["version"] = self.file.digest
        if self.no:
            trace["no"] = self.no
        if self.extract:
            trace["extract"] = self.extract
        if state.notes:
            trace["steps"] = state.notes
        if error is not None:
            trace["error"] = {"at": state.at, "message": error} if state.at else {"message": error}
        elif result is not None:
            trace["result"] = result
        return dump_json(trace)


class Begun(NamedTuple):
    """A pass whose event is read, and whose rule is chosen."""

    source: SourceProgram
    event: Claimed
    state: PassState
    trace: _Trace
    rule: LinkedRule | None
    """None for an event that no rule fits."""
    error: Exception | None
    """Why there is nothing to run."""


def begin_pass(
    program: Program,
    source: SourceProgram,
    event: Claimed,
    execute: Execute,
    now: int,
    newer: NewerEvent,
    ahead: Ahead = NOTHING_AHEAD,
) -> Begun:
    """Read an event and choose its rule: nothing is changed.

    `now` (microseconds) is the one instant of the run. Raises only what the driver raises for trouble of the database,
    and bugs.
    """
    state = _state(program, source, event, execute, now, newer, ahead)
    trace = _Trace()
    rule = failed = None
    try:
        payload = state.scope["event"]["payload"] = read_payload(event.body)
        rule = _match(source, event.type, payload, state, trace)
    except EVENT_ERRORS as error:
        failed = error
    return Begun(source, event, state, trace, rule, failed)


def end_pass(begun: Begun) -> PassResult:
    """Run the steps of an event's rule.

    Row changes are made through the pass's `execute`; when the result says `must_undo`, the caller must undo them.
    Raises only what the driver raises for trouble of the database, and bugs.
    """
    source, event, state, trace, rule, failed = begun
    if failed is not None:
        return _failed(failed, state, trace)
    try:
        if rule is None:
            return _unmatched(source, event, state, trace)
        trace.rule = rule.name
        signal = rule.run(state)
        return _ended(rule, signal, state, trace)
    except AwaitCall as awaited:
        return _result("calling", state, trace, error=awaited.message, call=awaited.call)
    except EVENT_ERRORS as error:
        return _failed(error, state, trace)


def _state(
    program: Program,
    source: SourceProgram,
    event: Claimed,
    execute: Execute,
    now: int,
    newer: NewerEvent,
    ahead: Ahead,
) -> PassState:
    received_at = moment_of(event.received_at)
    occurred_at = None if event.occurred_at is None else moment_of(event.occurred_at)
    instant = moment_of(now)
    about: dict[str, Any] = {
        "id": event.event_id,
        "type": event.type,
        "source": event.source,
        "occurred_at": occurred_at,
        "received_at": received_at,
        "attempt": event.attempts + 1,
        "key": event.key,
        "payload": None,
        "headers": orjson.loads(event.headers),
    }
    return PassState(
        execute=execute,
        scope={"event": about, "now": instant},
        source=source.name,
        now=instant,
        as_of=occurred_at or received_at,
        read_row=program.read_row,
        newer=newer,
        identity=Identity(event.seq, event.event_second, event.event_id, event.key),
        answers=answers_of(execute, event.seq) if event.calls else NO_ANSWERS,
        ahead=ahead,
    )


def _match(
    source: SourceProgram, event_type: str, payload: object, state: PassState, trace: _Trace
) -> LinkedRule | None:
    if event_type.startswith(RUN_PREFIX):
        return _procedure(source, event_type.removeprefix(RUN_PREFIX), payload, state, trace)
    candidates = source.candidates(event_type)
    base = state.scope
    file: LinkedFile | None = None
    shared: dict[str, Any] = base
    noted: Noted = {}
    for rule, passed in candidates.rules:
        trace.no.extend(passed)
        if rule.file is not file:
            file = rule.file
            shared, noted = {**base, "settings": file.settings}, {}
            trace.file, trace.extract = file, noted
            if file.extract is not None:
                file.extract(payload, state, shared, noted)
        state.scope, trace.extract = shared, noted
        if rule.extract is not None:
            state.scope, trace.extract = dict(shared), dict(noted)
            rule.extract(payload, state, state.scope, trace.extract)
        if rule.when is None:
            return rule
        if is_true(_holds(rule, state)):
            return rule
        assert rule.refuse is not None
        trace.no.append([rule.name, *rule.refuse(state.scope, state)])
    trace.no.extend(candidates.after)
    return None


def _procedure(source: SourceProgram, name: str, payload: object, state: PassState, trace: _Trace) -> LinkedRule | None:
    """Return the procedure that somebody has run by hand, with the names that were given bound.

    The payload holds `with`: names and their values; and `rows`: names and which rows they stand for, as they are now;
    and for a repair `check`, whose finding it is: one that has been mended meanwhile is left alone.
    """
    procedure = source.procedures.get(name)
    if procedure is None or not isinstance(payload, dict):
        return None
    trace.file = procedure.file
    state.scope = {**state.scope, "settings": procedure.file.settings, **payload.get("with", {})}
    for bound, place in payload.get("rows", {}).items():
        row = state.lookup(place["table"], place["key"])
        if row is None:
            raise StepFailed(f"the row `{place['key']}` of `{place['table']}` is gone")
        state.scope[bound] = row
        check = source.check(payload.get("check"), place["table"])
        if check is not None and not check.still_finds(state.execute, place["key"], state.now):
            return replace(procedure, run=_nothing_to_repair)
    return procedure


def _nothing_to_repair(_state: PassState) -> Signal:
    return Finished("nothing_to_repair")


def _holds(rule: LinkedRule, state: PassState) -> object:
    assert rule.when is not None
    try:
        return rule.when.evaluate(state.scope, state)
    except EvaluationError as error:
        raise EvaluationError(f"rule `{rule.name}`, when: {error}") from error


def _ended(rule: LinkedRule, signal: Signal, state: PassState, trace: _Trace) -> PassResult:
    if signal is None:
        said = rule.name if rule.result is None else to_text(rule.result.evaluate(state.scope, state))
        return _result("done", state, trace, result=said)
    if isinstance(signal, Finished):
        return _result("done", state, trace, result=signal.result)
    return _result("parked", state, trace, error=signal.reason)


def _unmatched(source: SourceProgram, event: Claimed, state: PassState, trace: _Trace) -> PassResult:
    if source.handles(event.type):
        error = f"no rule of `{source.name}` fits this event of type `{event.type}`"
    else:
        error = f"no rule of `{source.name}` names the event type `{event.type}`"
    status = "failed" if source.unmatched == "keep" else "ignored"
    return _result(status, state, trace, error=error)


def _failed(error: Exception, state: PassState, trace: _Trace) -> PassResult:
    retry = isinstance(error, StepFailed) and error.retry
    taken = isinstance(error, RowTaken | RowConflict)
    return _result("failed", state, trace, error=str(error), retry=retry)._replace(taken=taken)


def _result(
    status: str,
    state: PassState,
    trace: _Trace,
    *,
    result: str | None = None,
    error: str | None = None,
    retry: bool = False,
    call: Outgoing | None = None,
) -> PassResult:
    return PassResult(
        status, result, trace.rule, error, retry, trace.render(state, error, result), state.logs, state, call
    )

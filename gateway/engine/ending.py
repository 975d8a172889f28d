"""What becomes of an event after a pass: it is done, tried again, parked or dead; and what is kept of that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from gateway.engine.holding import CALLING
from gateway.engine.passes import PassResult
from gateway.engine.program import Program, SourceProgram
from gateway.engine.responding import answer, bare_scope
from gateway.expressions import NO_CONTEXT
from gateway.store.claiming import Claimed, Finish, TraceRow, finish_events
from gateway.store.database import Database
from gateway.store.inbox import Outcome
from gateway.store.outbox import Outgoing, add_outgoing, await_call
from gateway.store.outbox_pages import reopen_calls
from gateway.store.schedules import TYPE_PREFIX, forget_fired

_BROKEN = "the gateway failed at this event: see its log"


class Ended(NamedTuple):
    """An event that a slice has finished with, for logs and metrics."""

    event: Claimed
    finish: Finish
    result: PassResult | None
    """None where the pass itself broke."""
    started_at: int
    microseconds: int


def decide(
    program: Program,
    source: SourceProgram,
    event: Claimed,
    result: PassResult | None,
    *,
    now: int,
    chance: Callable[[], float],
) -> Finish:
    """Decide what becomes of an event: by what its pass came to, None where the pass itself broke.

    `now` is microseconds; `chance`, from 0 to 1, spreads what is tried again.
    """
    finish = _finish(program, event, result, now, chance)
    if source.respond is None or finish.status == CALLING:
        return finish
    scope = bare_scope(source.name, event.type) if result is None else result.state.scope
    said = answer(
        source.respond,
        scope,
        NO_CONTEXT if result is None else result.state,
        status=finish.status,
        result=finish.result,
        error=finish.error,
    )
    return finish._replace(response=said)


def _finish(
    program: Program, event: Claimed, result: PassResult | None, now: int, chance: Callable[[], float]
) -> Finish:
    attempts = event.attempts + 1
    if result is None:
        return _retried(program, event, now, chance, status="waiting", rule=None, error=_BROKEN)
    if result.status == CALLING:
        return Finish(CALLING, event.attempts, None, None, result.rule, None, result.error, None, event.seq)
    if result.status in {"done", "ignored"}:
        return Finish(result.status, attempts, None, now, result.rule, result.result, result.error, None, event.seq)
    if result.status == "parked" or result.retry:
        status = "parked" if result.status == "parked" else "waiting"
        return _retried(program, event, now, chance, status=status, rule=result.rule, error=result.error)
    return _dead(event, now, result.rule, result.error)


def _retried(
    program: Program,
    event: Claimed,
    now: int,
    chance: Callable[[], float],
    *,
    status: str,
    rule: str | None,
    error: str | None,
) -> Finish:
    attempts = event.attempts + 1
    at = program.retry.next_attempt(
        attempts=attempts, since=due_at(event), now=now, chance=chance(), parked=status == "parked"
    )
    if at is None:
        return _dead(event, now, rule, error)
    return Finish(status, attempts, at, None, rule, None, error, None, event.seq)


def _dead(event: Claimed, now: int, rule: str | None, error: str | None) -> Finish:
    return Finish("dead", event.attempts + 1, None, now, rule, None, error, None, event.seq)


def orphaned(event: Claimed, now: int) -> Finish:
    """Return what becomes of an event whose source is not configured any more."""
    return _dead(event, now, None, f"no source `{event.source}` is configured any more")


def due_at(event: Claimed) -> int:
    """Return when an event's first pass was due (microseconds): a scheduled one's own time, or its receipt."""
    if event.type.startswith(TYPE_PREFIX) and event.occurred_at is not None:
        return max(event.occurred_at, event.received_at)
    return event.received_at


def moves_clock(ended: Ended) -> bool:
    """Say whether the next waiting event may be due at another time than before."""
    event, scheduled = ended.event, ended.result is not None and ended.result.state.scheduled
    waits = ended.finish.next_attempt_at is not None
    return waits or scheduled or event.attempts > 0 or event.type.startswith(TYPE_PREFIX)


def as_outcome(finish: Finish) -> Outcome:
    """Return what a sender hears who waits for what becomes of an event."""
    response = None if finish.response is None else finish.response.encode()
    return Outcome(finish.seq, finish.status, finish.result, finish.error, response)


def record(database: Database, ended: Sequence[Ended], now: int) -> bool:
    """Write what became of events, and what they send; say whether there is more to send. `now` is microseconds."""
    finished = [e.finish for e in ended if e.finish.status != CALLING]
    finish_events(database, finished, [_trace_row(e) for e in ended])
    sends = _write_outbox(database, ended, now)
    for one in ended:
        if one.finish.status == "waiting" and one.event.calls:
            reopen_calls(database.execute, one.event.seq, now)
        if one.event.type.startswith(TYPE_PREFIX):
            forget_fired(database.execute, one.event.source, one.event.event_id, one.event.seq)
    return sends


def _write_outbox(database: Database, ended: Sequence[Ended], now: int) -> bool:
    messages: list[tuple[int | None, Outgoing]] = []
    calling = False
    for one in ended:
        result = one.result
        if result is None:
            continue
        if result.call is not None:
            calling = True
            await_call(database, one.event.seq, result.call, result.rule, now)
        elif result.status == "done" and result.state.outgoing:
            messages += [(one.event.seq, outgoing) for outgoing in result.state.outgoing]
    if messages:
        add_outgoing(database, messages, now)
    return calling or bool(messages)


def _trace_row(ended: Ended) -> TraceRow:
    trace = ended.result.trace if ended.result is not None else "{}"
    finish, attempt = ended.finish, ended.event.attempts + 1
    status = "waiting" if finish.status == CALLING else finish.status
    return TraceRow(finish.seq, attempt, ended.started_at, ended.microseconds, status, trace)

"""The engine: takes a slice of events, runs each, and commits all that came of it at once.

Everything a slice changes commits in one transaction with its events' own completion. A slice is tried without
savepoints first, which is a fifth faster; when an event that wrote something must be undone, the slice is rolled
back and run again with a savepoint around each event.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

import structlog

from gateway.engine.foreseeing import read_ahead
from gateway.engine.holding import CALLING, Holding
from gateway.engine.passes import Begun, PassResult, begin_pass, end_pass
from gateway.engine.program import RUN_PREFIX, Program, SourceProgram
from gateway.engine.responding import answer, bare_scope
from gateway.expressions import NO_CONTEXT
from gateway.store.ahead import NOTHING_AHEAD, Ahead
from gateway.store.codecs import microseconds_of
from gateway.store.database import (
    DRIVER_ERROR,
    Database,
    Execute,
    WriteFailed,
    is_entangled,
    is_trouble,
    storage_errors,
)
from gateway.store.inbox import (
    Claimed,
    Finish,
    Outcome,
    TraceRow,
    any_parked,
    claim_due,
    claim_ready,
    event_at,
    finish_events,
    next_due,
    unpark,
)
from gateway.store.outbox import Outgoing, add_outgoing, await_call
from gateway.store.outbox_pages import reopen_calls
from gateway.store.schedules import TYPE_PREFIX, forget_fired
from gateway.store.stripes import passes_over, queue_up, sees_part, take_stripes

_log = structlog.get_logger("gateway.engine")

_BROKEN = "the gateway failed at this event: see its log"

# After a slice had to be undone, the next ones expect the same for a while.
CAREFUL_SLICES = 16

MOST_REDONE = 2
"""How often a pass is run again that found a row in its way: where one writes at a time, it was there before."""

FIRST_QUEUE, LONGEST_QUEUE = 32, 4096
"""For so many slices an engine queues up with others after a transaction of its was undone for another's sake.

Each time that happens again it is for twice as long: rows that all keys share cannot be changed side by side.
"""


class Ended(NamedTuple):
    """An event that a slice has finished with, for logs and metrics."""

    event: Claimed
    finish: Finish
    result: PassResult | None
    """None where the pass itself broke."""
    started_at: int
    microseconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What one slice did."""

    ended: Sequence[Ended]
    outcomes: Sequence[Outcome]
    """How the events of sources that answer with the outcome stand."""
    more: bool
    """Whether there may be more to do at once."""
    sends: bool = False
    """Whether there is something new to send."""
    passes_over: bool = False
    """Whether others were at events of the rest, and may not have seen all that is ready there."""


NOTHING = Slice(ended=(), outcomes=(), more=False)


class _Early(NamedTuple):
    """A pass that was begun before its turn, so that the rows it looks for could be read ahead."""

    begun: Begun
    at: int
    nanoseconds: int
    """How long that took."""


class _MustUndo(Exception):
    """An event that wrote rows has failed, and there is no savepoint to go back to."""


class Engine:
    """Runs events on one connection. Not for several threads at once."""

    def __init__(
        self, database: Database, program: Program, *, clock: Callable[[], int], chance: Callable[[], float]
    ) -> None:
        """Take a database, a program, a clock (microseconds) and a source of chance from 0 to 1."""
        self.program = program
        self._database = database
        self._clock = clock
        self._chance = chance
        self._careful = 0
        self._queues = self._queues_for = 0
        self._due: int | None = 0

    def run_slice(self, limit: int) -> Slice:
        """Run up to `limit` events and commit.

        Raises StorageUnavailable when the database cannot be used; then nothing has changed.
        """
        now = self._clock()
        with storage_errors():
            self._database.begin()
            try:
                return self._run(now, limit)
            except DRIVER_ERROR as error:
                self._database.rollback()
                if not is_entangled(error):
                    raise
                return self._give_way()
            except BaseException:
                self._database.rollback()
                raise

    def _give_way(self) -> Slice:
        """Queue up for a while: two transactions were in each other's way, and this one was undone."""
        self._queues_for = min(max(FIRST_QUEUE, self._queues_for * 2), LONGEST_QUEUE)
        self._queues = self._queues_for
        return Slice(ended=(), outcomes=(), more=True)

    @property
    def due(self) -> int | None:
        """Return when the next waiting event is due (microseconds), as far as this process knows."""
        return self._due

    def look(self) -> None:
        """Look again when the next waiting event is due: another process may have changed it."""
        with storage_errors():
            self._due = next_due(self._database)

    def _run(self, now: int, limit: int) -> Slice:
        events = self._claim(now, limit)
        if not events:
            self._due = next_due(self._database)
            self._database.commit()
            return replace(NOTHING, passes_over=True) if passes_over(self._database) else NOTHING
        try:
            ended, released, sends = self._change(events, now, savepoints=self._careful > 0)
            self._careful = max(0, self._careful - 1)
        except (_MustUndo, WriteFailed):
            self._careful = CAREFUL_SLICES
            self._database.rollback()
            self._database.begin()
            events = self._claim(now, limit)
            ended, released, sends = self._change(events, now, savepoints=True)
        self._database.commit()
        self._queues = max(0, self._queues - 1)
        outcomes = [
            _outcome(e.finish) for e in ended if e.finish.status != CALLING and self.program.answers(e.event.source)
        ]
        more = released or len(events) >= limit or sees_part(self._database)
        return Slice(ended=ended, outcomes=outcomes, more=more, sends=sends, passes_over=passes_over(self._database))

    def _change(self, events: Sequence[Claimed], now: int, *, savepoints: bool) -> tuple[list[Ended], bool, bool]:
        """Run events and write what became of them; say whether that made others ready, and whether any sends.

        Nothing that was put off is left.
        """
        # With a savepoint around each event its writes are waited for, so that they fail as its own.
        self._database.putting_off = not savepoints
        holding = Holding(self._database, self.program.sources, events)
        ended = self._run_each(events, holding, savepoints=savepoints)
        self._database.putting_off = True
        holding.write()
        sends = self._write(ended, now)
        released = self._make_others_ready(ended, holding)
        self._database.settle()
        return ended, released, sends

    def _claim(self, now: int, limit: int) -> list[Claimed]:
        if self._queues:
            queue_up(self._database)
        any_due = self._due is not None and self._due <= now
        if not take_stripes(self._database, now if any_due else None):
            return []
        due = claim_due(self._database, now, limit) if any_due else []
        return due + claim_ready(self._database, limit - len(due)) if len(due) < limit else due

    def _run_each(self, events: Sequence[Claimed], holding: Holding, *, savepoints: bool) -> list[Ended]:
        early = {} if savepoints else self._begin_early(events)
        ended: list[Ended] = []
        for event in events:
            if holding.behind(event):
                continue
            one = self._attempt(event, early.get(event.seq), savepoints=savepoints)
            ended.append(one)
            holding.ended(event, one.finish.status)
        return ended

    def _begin_early(self, events: Sequence[Claimed]) -> dict[int, _Early]:
        """Begin the passes whose beginning reads no rows, and read those that they will look for."""
        if not self.program.reads_ahead or len(events) < 2:
            return {}
        ahead = Ahead()
        sources = [self.program.sources.get(event.source) for event in events]
        try:
            early = {
                event.seq: self._begin_one(source, event, ahead)
                for source, event in zip(sources, events, strict=True)
                if source is not None and not source.chosen_by_rows and not event.type.startswith(RUN_PREFIX)
            }
            begun = [one.begun for one in early.values()]
            foreseen = [(one.rule.foreseen, one.state) for one in begun if one.rule is not None]
            read_ahead(self._database.execute, foreseen, ahead)
        except Exception as error:
            if is_trouble(error):
                raise
            raise _MustUndo from error
        return early

    def _begin_one(self, source: SourceProgram, event: Claimed, ahead: Ahead) -> _Early:
        now, started = self._clock(), time.perf_counter_ns()
        return _Early(self._begin(source, event, now, ahead), now, time.perf_counter_ns() - started)

    def _begin(self, source: SourceProgram, event: Claimed, now: int, ahead: Ahead = NOTHING_AHEAD) -> Begun:
        return begin_pass(self.program, source, event, self._database.execute, now, _newer, ahead)

    def _attempt(self, event: Claimed, early: _Early | None, *, savepoints: bool) -> Ended:
        source = self.program.sources.get(event.source)
        now = self._clock() if early is None else early.at
        if source is None:
            return Ended(event, _orphan(event, now), None, now, 0)
        started = time.perf_counter_ns() - (0 if early is None else early.nanoseconds)
        if savepoints:
            result = self._run_in_savepoint(source, event, now)
        else:
            result = self._run_plainly(source, event, now, early)
        microseconds = (time.perf_counter_ns() - started) // 1000
        finish = self._decide(source, event, result, self._clock())
        if result is not None:
            result.state.let_go()
        return Ended(event, finish, result, now, microseconds)

    def _run_plainly(self, source: SourceProgram, event: Claimed, now: int, early: _Early | None) -> PassResult | None:
        try:
            result = end_pass(self._begin(source, event, now) if early is None else early.begun)
        except Exception as error:
            if is_trouble(error):
                raise
            raise _MustUndo from error
        if result.must_undo or self._database.failed:
            raise _MustUndo
        return result

    def _run_in_savepoint(self, source: SourceProgram, event: Claimed, now: int) -> PassResult | None:
        for _ in range(0 if self._database.one_writer else MOST_REDONE):
            result = self._try_in_savepoint(source, event, now)
            if result is None or not result.taken:
                return result
            # Somebody else may have added the row after the pass had looked for it: now it is seen.
        return self._try_in_savepoint(source, event, now)

    def _try_in_savepoint(self, source: SourceProgram, event: Claimed, now: int) -> PassResult | None:
        execute = self._database.execute
        execute("SAVEPOINT event", ())
        result: PassResult | None
        try:
            result = end_pass(self._begin(source, event, now))
        except Exception as error:
            if is_trouble(error):
                raise
            # A bug of ours must not stop the other events: this one is undone, and tried again later.
            _log.exception("a pass broke", source=event.source, seq=event.seq, event_id=event.event_id)
            result = None
        if result is None or result.must_undo or self._database.failed:
            execute("ROLLBACK TO event", ())
        execute("RELEASE event", ())
        return result

    def _decide(self, source: SourceProgram, event: Claimed, result: PassResult | None, now: int) -> Finish:
        finish = self._finish(event, result, now)
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

    def _finish(self, event: Claimed, result: PassResult | None, now: int) -> Finish:
        attempts = event.attempts + 1
        if result is None:
            return self._retried(event, attempts, now, status="waiting", rule=None, error=_BROKEN)
        if result.status == CALLING:
            return Finish(CALLING, event.attempts, None, None, result.rule, None, result.error, None, event.seq)
        if result.status in {"done", "ignored"}:
            return Finish(result.status, attempts, None, now, result.rule, result.result, result.error, None, event.seq)
        if result.status == "parked" or result.retry:
            status = "parked" if result.status == "parked" else "waiting"
            return self._retried(event, attempts, now, status=status, rule=result.rule, error=result.error)
        return _dead(event, attempts, now, result.rule, result.error)

    def _retried(
        self, event: Claimed, attempts: int, now: int, *, status: str, rule: str | None, error: str | None
    ) -> Finish:
        at = self.program.retry.next_attempt(
            attempts=attempts, since=due_at(event), now=now, chance=self._chance(), parked=status == "parked"
        )
        if at is None:
            return _dead(event, attempts, now, rule, error)
        return Finish(status, attempts, at, None, rule, None, error, None, event.seq)

    def _write(self, ended: Sequence[Ended], now: int) -> bool:
        """Write what became of the events; say whether there is more to send."""
        database = self._database
        finished = [e.finish for e in ended if e.finish.status != CALLING]
        finish_events(database, finished, [_trace_row(e) for e in ended])
        sends = self._write_outbox(ended, now)
        for one in ended:
            if one.finish.status == "waiting" and one.event.calls:
                reopen_calls(database.execute, one.event.seq, now)
            if one.event.type.startswith(TYPE_PREFIX):
                forget_fired(database.execute, one.event.source, one.event.event_id, one.event.seq)
        if any(map(_moves_clock, ended)):
            self._due = next_due(database)
        return sends

    def _write_outbox(self, ended: Sequence[Ended], now: int) -> bool:
        messages: list[tuple[int | None, Outgoing]] = []
        calling = False
        for one in ended:
            result = one.result
            if result is None:
                continue
            if result.call is not None:
                calling = True
                await_call(self._database, one.event.seq, result.call, result.rule, now)
            elif result.status == "done" and result.state.outgoing:
                messages += [(one.event.seq, outgoing) for outgoing in result.state.outgoing]
        if messages:
            add_outgoing(self._database, messages, now)
        return calling or bool(messages)

    def _make_others_ready(self, ended: Sequence[Ended], holding: Holding) -> bool:
        database = self._database
        freed = holding.let_go([e.event for e in ended])
        if any_parked(database):
            for source, key in {
                (e.event.source, e.event.key) for e in ended if e.finish.status == "done" and e.event.key
            }:
                freed += unpark(database, source, key)
        return freed > 0


def due_at(event: Claimed) -> int:
    """Return when an event's first pass was due (microseconds): a scheduled one's own time, or its receipt."""
    if event.type.startswith(TYPE_PREFIX) and event.occurred_at is not None:
        return max(event.occurred_at, event.received_at)
    return event.received_at


def _moves_clock(ended: Ended) -> bool:
    """Say whether the next waiting event may be due at another time than before."""
    event, scheduled = ended.event, ended.result is not None and ended.result.state.scheduled
    waits = ended.finish.next_attempt_at is not None
    return waits or scheduled or event.attempts > 0 or event.type.startswith(TYPE_PREFIX)


def _dead(event: Claimed, attempts: int, now: int, rule: str | None, error: str | None) -> Finish:
    return Finish("dead", attempts, None, now, rule, None, error, None, event.seq)


def _orphan(event: Claimed, now: int) -> Finish:
    return _dead(event, event.attempts + 1, now, None, f"no source `{event.source}` is configured any more")


def _trace_row(ended: Ended) -> TraceRow:
    trace = ended.result.trace if ended.result is not None else "{}"
    finish, attempt = ended.finish, ended.event.attempts + 1
    status = "waiting" if finish.status == CALLING else finish.status
    return TraceRow(finish.seq, attempt, ended.started_at, ended.microseconds, status, trace)


def _outcome(finish: Finish) -> Outcome:
    response = None if finish.response is None else finish.response.encode()
    return Outcome(finish.seq, finish.status, finish.result, finish.error, response)


def _newer(execute: Execute, source: str, at: datetime) -> str | None:
    return event_at(execute, source, microseconds_of(at))

"""The engine: takes a slice of events, runs each, and commits all that came of it at once.

Everything a slice changes commits in one transaction with its events' own completion. A slice is tried without
savepoints first, which is a fifth faster; when an event that wrote something must be undone, the slice is rolled
back and run again with a savepoint around each event.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import structlog

from gateway.engine.passes import EPOCH, PassResult, run_pass
from gateway.engine.program import Program, SourceProgram
from gateway.engine.responding import answer, bare_scope
from gateway.expressions import NO_CONTEXT
from gateway.store.database import Database, Execute, is_trouble, storage_errors
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

_log = structlog.get_logger("gateway.engine")

_BROKEN = "the gateway failed at this event: see its log"

# After a slice had to be undone, the next ones expect the same for a while.
CAREFUL_SLICES = 16


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


NOTHING = Slice(ended=(), outcomes=(), more=False)


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
            except BaseException:
                self._database.rollback()
                raise

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
            return NOTHING
        try:
            ended = self._run_each(events, savepoints=self._careful > 0)
            self._careful = max(0, self._careful - 1)
        except _MustUndo:
            self._careful = CAREFUL_SLICES
            self._database.rollback()
            self._database.begin()
            events = self._claim(now, limit)
            ended = self._run_each(events, savepoints=True)
        self._write(ended)
        self._database.commit()
        outcomes = [_outcome(e.finish) for e in ended if self._answers(e.event.source)]
        return Slice(ended=ended, outcomes=outcomes, more=len(events) >= limit)

    def _answers(self, name: str) -> bool:
        source = self.program.sources.get(name)
        return source is not None and source.respond is not None

    def _claim(self, now: int, limit: int) -> list[Claimed]:
        due = claim_due(self._database, now, limit) if self._due is not None and self._due <= now else []
        return due + claim_ready(self._database, limit - len(due)) if len(due) < limit else due

    def _run_each(self, events: Sequence[Claimed], *, savepoints: bool) -> list[Ended]:
        run = self._run_in_savepoint if savepoints else self._run_plainly
        return [self._attempt(event, run) for event in events]

    def _attempt(self, event: Claimed, run: Callable[[SourceProgram, Claimed, int], PassResult | None]) -> Ended:
        source = self.program.sources.get(event.source)
        now = self._clock()
        if source is None:
            return Ended(event, _orphan(event, now), None, now, 0)
        started = time.perf_counter_ns()
        result = run(source, event, now)
        microseconds = (time.perf_counter_ns() - started) // 1000
        return Ended(event, self._decide(source, event, result, self._clock()), result, now, microseconds)

    def _run_plainly(self, source: SourceProgram, event: Claimed, now: int) -> PassResult | None:
        try:
            result = run_pass(self.program, source, event, self._database.execute, now, _newer)
        except Exception as error:
            if is_trouble(error):
                raise
            raise _MustUndo from error
        if result.state.wrote and result.status in {"failed", "parked"}:
            raise _MustUndo
        return result

    def _run_in_savepoint(self, source: SourceProgram, event: Claimed, now: int) -> PassResult | None:
        execute = self._database.execute
        execute("SAVEPOINT event", ())
        result: PassResult | None
        try:
            result = run_pass(self.program, source, event, execute, now, _newer)
        except Exception as error:
            if is_trouble(error):
                raise
            # A bug of ours must not stop the other events: this one is undone, and tried again later.
            _log.exception("a pass broke", source=event.source, seq=event.seq, event_id=event.event_id)
            result = None
        if result is None or (result.state.wrote and result.status in {"failed", "parked"}):
            execute("ROLLBACK TO event", ())
        execute("RELEASE event", ())
        return result

    def _decide(self, source: SourceProgram, event: Claimed, result: PassResult | None, now: int) -> Finish:
        finish = self._finish(event, result, now)
        if source.respond is None:
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
        if result.status in {"done", "ignored"}:
            return Finish(result.status, attempts, None, now, result.rule, result.result, result.error, None, event.seq)
        if result.status == "parked" or result.retry:
            status = "parked" if result.status == "parked" else "waiting"
            return self._retried(event, attempts, now, status=status, rule=result.rule, error=result.error)
        return _dead(event, attempts, now, result.rule, result.error)

    def _retried(
        self, event: Claimed, attempts: int, now: int, *, status: str, rule: str | None, error: str | None
    ) -> Finish:
        at = self.program.retry.next_attempt(attempts=attempts, since=event.received_at, now=now, chance=self._chance())
        if at is None:
            return _dead(event, attempts, now, rule, error)
        return Finish(status, attempts, at, None, rule, None, error, None, event.seq)

    def _write(self, ended: Sequence[Ended]) -> None:
        database = self._database
        finish_events(database, [e.finish for e in ended], [_trace_row(e) for e in ended])
        waits = [e.finish.next_attempt_at for e in ended if e.finish.next_attempt_at is not None]
        due_taken = any(e.event.attempts for e in ended)
        if waits or due_taken:
            self._due = next_due(database)
        if any_parked(database):
            for source, key in {
                (e.event.source, e.event.key) for e in ended if e.finish.status == "done" and e.event.key
            }:
                unpark(database, source, key)


def _dead(event: Claimed, attempts: int, now: int, rule: str | None, error: str | None) -> Finish:
    return Finish("dead", attempts, None, now, rule, None, error, None, event.seq)


def _orphan(event: Claimed, now: int) -> Finish:
    return _dead(event, event.attempts + 1, now, None, f"no source `{event.source}` is configured any more")


def _trace_row(ended: Ended) -> TraceRow:
    trace = ended.result.trace if ended.result is not None else "{}"
    finish = ended.finish
    return TraceRow(finish.seq, finish.attempts, ended.started_at, ended.microseconds, finish.status, trace)


def _outcome(finish: Finish) -> Outcome:
    response = None if finish.response is None else finish.response.encode()
    return Outcome(finish.seq, finish.status, finish.result, finish.error, response)


def _newer(execute: Execute, source: str, at: datetime) -> str | None:
    microseconds = (at - EPOCH) // _MICROSECOND
    return event_at(execute, source, microseconds)


_MICROSECOND = datetime(1970, 1, 1, 0, 0, 0, 1) - datetime(1970, 1, 1)  # noqa: DTZ001 - a difference, not a time

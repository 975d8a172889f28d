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

from gateway.engine.ending import Ended, as_outcome, decide, moves_clock, orphaned, record
from gateway.engine.foreseeing import read_ahead
from gateway.engine.holding import CALLING, Holding
from gateway.engine.passes import Begun, PassResult, begin_pass, end_pass
from gateway.engine.program import RUN_PREFIX, Program, SourceProgram
from gateway.store.ahead import NOTHING_AHEAD, Ahead
from gateway.store.claiming import Claimed, any_parked, claim_due, claim_ready, event_at, next_due, unpark
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
from gateway.store.inbox import Outcome
from gateway.store.stripes import passes_over, queue_up, sees_part, take_stripes

_log = structlog.get_logger("gateway.engine")

# After a slice had to be undone, the next ones expect the same for a while.
CAREFUL_SLICES = 16

MOST_REDONE = 2
"""How often a pass is run again that found a row in its way: where one writes at a time, it was there before."""

FIRST_QUEUE, LONGEST_QUEUE = 32, 4096
"""For so many slices an engine queues up with others after a transaction of its was undone for another's sake.

Each time that happens again it is for twice as long: rows that all keys share cannot be changed side by side.
"""


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
            as_outcome(e.finish) for e in ended if e.finish.status != CALLING and self.program.answers(e.event.source)
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
        sends = record(self._database, ended, now)
        if any(map(moves_clock, ended)):
            self._due = next_due(self._database)
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
            return Ended(event, orphaned(event, now), None, now, 0)
        started = time.perf_counter_ns() - (0 if early is None else early.nanoseconds)
        if savepoints:
            result = self._run_in_savepoint(source, event, now)
        else:
            result = self._run_plainly(source, event, now, early)
        microseconds = (time.perf_counter_ns() - started) // 1000
        finish = decide(self.program, source, event, result, now=self._clock(), chance=self._chance)
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

    def _make_others_ready(self, ended: Sequence[Ended], holding: Holding) -> bool:
        database = self._database
        freed = holding.let_go([e.event for e in ended])
        if any_parked(database):
            for source, key in {
                (e.event.source, e.event.key) for e in ended if e.finish.status == "done" and e.event.key
            }:
                freed += unpark(database, source, key)
        return freed > 0


def _newer(execute: Execute, source: str, at: datetime) -> str | None:
    return event_at(execute, source, microseconds_of(at))

"""Runs one case: a database of its own, the inbox, the engine, and a clock that stands still.

Everything a delivery goes through here is what serving puts it through, but for the verification of its sender,
the clock, and the other side of calls, whose answers are the case's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NamedTuple

from gateway.actions.state import LogLine
from gateway.config.rule_tests import Case, CaseEvent
from gateway.engine.loop import Engine
from gateway.engine.program import Program
from gateway.engine.runs import order_repairs, run_delivery
from gateway.expressions import CoercionError, EvaluationError
from gateway.providers import Envelope, EnvelopeReader
from gateway.receiving.answers import Refusal
from gateway.receiving.deliveries import Source, read_delivery
from gateway.store.codecs import microseconds_of, moment_of
from gateway.store.database import Database
from gateway.store.events import EventDetails, get_event
from gateway.store.inbox import Delivery, Receipt, append_deliveries, outcome_of
from gateway.store.rows import RowTable
from gateway.store.shapes import Row, ValueDoesNotFit
from gateway.testing.answering import Answers
from gateway.testing.effects import last_number

_SLICE = 64
_MICROSECOND = timedelta(microseconds=1)
_MOST_SLICES = 5_000
"""How often the engine turns in one entry of a case: rules that schedule themselves for ever must not hang a test."""

_EVENTS = "SELECT seq FROM gateway_events ORDER BY seq"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one event."""

    details: EventDetails | None
    """The event with its traces; None where the delivery was refused."""
    refusal: str | None = None
    response: str | None = None
    """The answer of a source that answers with the outcome: JSON."""
    duplicate: bool = False

    @property
    def status(self) -> str:
        """Return how the event stands, or `refused`."""
        return "refused" if self.details is None else self.details.event.status

    @property
    def result(self) -> str | None:
        """Return what the event ended with."""
        return None if self.details is None else self.details.event.result

    @property
    def rule(self) -> str | None:
        """Return the name of the rule that handled the event."""
        return None if self.details is None else self.details.event.rule

    @property
    def error(self) -> str | None:
        """Return the event's error, or why the delivery was refused."""
        return self.refusal if self.details is None else self.details.event.error


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """What came of one entry of a case's events."""

    outcome: Outcome | None
    """Of the event delivered; where time passed, of the last one that ran, or was delivered before."""
    logs: tuple[LogLine, ...]
    after: int
    """The last message or call before it."""
    findings: tuple[str, ...]
    """The keys of the rows that a check has found."""


class Trouble(NamedTuple):
    """Why a case cannot go on."""

    what: str
    expected: str
    got: str


class _Written(EnvelopeReader):
    """Reads an envelope, with what the case writes in place of the payload's own."""

    def __init__(self, reader: EnvelopeReader, event: CaseEvent) -> None:
        self._reader = reader
        self._event = event
        self.fixed_time = reader.fixed_time

    def read(self, payload: object, headers: Mapping[str, str]) -> Envelope:
        found, event = self._reader.read(payload, headers), self._event
        time = event.occurred_at or found.occurred_at
        return Envelope(event.id or found.id, event.type or found.type, time, found.key)


class Scene:
    """One case under way."""

    def __init__(self, database: Database, program: Program, source: Source, case: Case) -> None:
        self.database = database
        self.answers = Answers(database, case.calls, program.retry)
        self._program = program
        self._source = source
        self._case = case
        self._now = microseconds_of(case.now)
        self._engine = Engine(database, program, clock=lambda: self._now, chance=lambda: 0.5)
        self._logs: list[LogLine] = []
        self._latest: Outcome | None = None
        self._ran: list[int] = []
        self._slices = 0
        self._trouble: Trouble | None = None
        self.looked: set[tuple[str, str]] = set()
        """The checks that have looked: the name of the rules file, and the check's own."""
        self.refusals: list[tuple[int, str]] = []
        """Entries (from 1) that were not taken, and why."""

    @property
    def trouble(self) -> Trouble | None:
        """Return why the case cannot go on; None when it can."""
        if self.answers.lacking is not None:
            return Trouble("calls", "an answer in `given.calls`", self.answers.lacking)
        if self._slices >= _MOST_SLICES:
            most = f"at most {_MOST_SLICES} turns of the engine"
            return Trouble("events", most, "events that cause one another without end")
        return self._trouble

    def happen(self, number: int) -> Happened:
        """Let the entry of the case's events with this number (from 0) happen."""
        event = self._case.events[number]
        self._slices = 0
        found: tuple[str, ...] = ()
        logged, after = len(self._logs), last_number(self.database)
        if event.wait is not None:
            self._pass_time(event.wait)
        elif event.run is not None:
            names: Any = event.names.plain() if event.names is not None else {}
            self._latest = self._store(
                run_delivery(self._source.name, event.run.text, names, key=None, actor="test", now=self._now)
            )
        elif event.check is not None:
            found = self._look(event.check.text, repair=event.repair)
        else:
            self._latest = self._receive(number, event if event.again is None else self._case.events[event.again])
        return Happened(outcome=self.latest(), logs=tuple(self._logs[logged:]), after=after, findings=found)

    def latest(self) -> Outcome | None:
        """Return what was delivered or ran last, as it stands now."""
        latest = self._latest
        if latest is None or latest.details is None:
            return latest
        return self._outcome(Receipt(latest.details.event.seq, latest.duplicate))

    def _receive(self, number: int, event: CaseEvent) -> Outcome:
        source = replace(self._source, envelope=_Written(self._source.envelope, event))
        assert event.body is not None
        try:
            delivery = read_delivery(source, event.body, event.headers, request_id="test", now=self._now / 1_000_000)
        except Refusal as refusal:
            self.refusals.append((number + 1, refusal.message))
            return Outcome(details=None, refusal=refusal.message)
        return self._store(delivery)

    def _store(self, delivery: Delivery) -> Outcome:
        receipt = append_deliveries(self.database, [delivery])[0]
        self._settle()
        return self._outcome(receipt)

    def _outcome(self, receipt: Receipt) -> Outcome:
        details = get_event(self.database, str(receipt.id))
        stored = outcome_of(self.database, receipt.id)
        response = None if stored is None or stored.response is None else stored.response
        if response is None and self._source.pending is not None:
            event = details.event
            response = self._source.pending(event.type, event.status, event.error)
        return Outcome(
            details=details,
            response=None if response is None else response.decode(),
            duplicate=receipt.duplicate,
        )

    def _settle(self) -> None:
        """Run events and answer their calls until there is nothing left to do at this moment."""
        self._run_ready()
        while self.answers.give(self._now):
            self._run_ready()

    def _run_ready(self) -> None:
        more = True
        while more and self._slices < _MOST_SLICES:
            self._slices += 1
            done = self._engine.run_slice(_SLICE)
            more = bool(done.ended) or done.more
            for one in done.ended:
                self._ran.append(one.event.seq)
                if one.result is not None and one.finish.status in {"done", "ignored"}:
                    self._logs.extend(one.result.logs)

    def _pass_time(self, wait: timedelta) -> None:
        end = self._now + wait // _MICROSECOND
        self._ran = []
        while (due := self._due()) is not None and due <= end and self.trouble is None:
            self._now = max(self._now, due)
            self._settle()
        self._now = end
        self._settle()
        if self._ran:
            self._latest = self._outcome(Receipt(self._ran[-1], False))

    def _look(self, name: str, *, repair: bool) -> tuple[str, ...]:
        """Have a check look, and repair what it finds; return the keys of the rows."""
        check = next(one for one in self._program.sources[self._source.name].checks if one.name == name)
        now = moment_of(self._now)
        try:
            rows = [row for page in check.pages(self.database.execute, now) for row in page]
        except (EvaluationError, ValueDoesNotFit, CoercionError) as error:
            self._trouble = Trouble("check", f"`{name}` can look", str(error))
            return ()
        self._ran = []
        if repair:
            order_repairs(self.database, check, rows, actor="test", now=self._now)
            self._settle()
            self._latest = self._outcome(Receipt(self._ran[-1], False)) if self._ran else self._latest
        self.looked.add((check.file, name))
        return tuple(map(check.key_of, rows))

    def _due(self) -> int | None:
        self._engine.look()
        times = [time for time in (self._engine.due, self.answers.due()) if time is not None]
        return min(times, default=None)

    @property
    def logs(self) -> tuple[LogLine, ...]:
        """Return every line that was logged so far."""
        return tuple(self._logs)

    @property
    def now(self) -> int:
        """Return the present moment of the case in microseconds."""
        return self._now

    def events(self) -> Iterator[EventDetails]:
        """Yield every event that is stored, in the order received."""
        for (seq,) in self.database.execute(_EVENTS, ()).fetchall():
            yield get_event(self.database, str(seq))

    def table(self, name: str) -> RowTable:
        """Return a table."""
        return self._program.tables[name]

    def rows(self, name: str) -> list[Row]:
        """Return every row of a table."""
        return self.table(name).query([])(self.database.execute, ())

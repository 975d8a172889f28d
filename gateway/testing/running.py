"""Runs one case: a database of its own, the inbox, the engine, and a clock that stands still.

Everything a delivery goes through here is what serving puts it through, but for the verification of its sender
and the clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.actions.state import LogLine
from gateway.app import build_program, build_source
from gateway.config.rule_tests import Case, CaseEvent
from gateway.config.tables import Table
from gateway.engine.extracting import settings_for
from gateway.engine.loop import Engine
from gateway.engine.passes import EPOCH
from gateway.engine.program import Program
from gateway.errors import ConfigurationError
from gateway.project import Project
from gateway.providers import Envelope, EnvelopeReader, Verified
from gateway.receiving.answers import Refusal
from gateway.receiving.deliveries import Source, read_delivery
from gateway.settings import SourceSettings
from gateway.store.database import Database, open_database, parse_address
from gateway.store.events import EventDetails, get_event
from gateway.store.inbox import Receipt, append_deliveries, outcome_of
from gateway.store.migrations import migrate
from gateway.store.rows import RowTable
from gateway.store.shapes import Row

_SLICE = 64
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one delivery."""

    number: int
    """Its place in the case, counted from 1."""
    details: EventDetails | None
    """The event with its traces; None where the delivery was refused."""
    refusal: str | None
    response: str | None
    """The answer of a source that answers with the outcome: JSON."""
    duplicate: bool
    logs: tuple[LogLine, ...]
    """Lines that were logged from this delivery to the next."""

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


class Stage:
    """The rules of one source, linked once for all cases that have the same settings."""

    def __init__(self, project: Project, source: SourceSettings) -> None:
        """Take a project free of errors and one of its sources. Raises ConfigurationError."""
        self._project = replace(project, settings=replace(project.settings, sources=(source,)))
        self._source = source
        self._programs: dict[str, Program] = {}
        self.tables = [_made_here(table, source.name) for table in self._own_tables()]

    def _own_tables(self) -> list[Table]:
        names = {name for file in self._project.rules_of(self._source) for name in file.tables}
        return [table for table in self._project.tables.values() if table.name in names or not table.existing]

    @contextmanager
    def scene(self, case: Case) -> Iterator[Scene]:
        """Open a fresh database with the rows of a case, and all that is needed to run it."""
        database = open_database(parse_address("sqlite://", Path()))
        try:
            migrate(database, self.tables)
            program = self._program(database, case.settings)
            yield Scene(database, program, self._receiving(program), case)
        finally:
            database.close()

    def _program(self, database: Database, settings: Mapping[str, object]) -> Program:
        key = repr(sorted(settings.items()))
        if key not in self._programs:
            merged: Any = settings_for(self._source.settings, settings)
            source = replace(self._source, settings=merged)
            project = replace(self._project, settings=replace(self._project.settings, sources=(source,)))
            self._programs[key] = build_program(project, database)
        return self._programs[key]

    def _receiving(self, program: Program) -> Source:
        open_source = replace(self._source, verify=None, allow_ips=(), rate_limit=None)
        return replace(build_source(open_source, self._project, program), verifier=_Vouched())


def _made_here(table: Table, source: str) -> Table:
    if table.existing and not table.columns:
        raise ConfigurationError(
            f"table `{table.name}` of source `{source}` is `existing: true` without `columns`, so it cannot be made "
            "for a test: declare the columns that the rules use"
        )
    return replace(table, existing=False)


class _Vouched:
    """Takes every delivery for its sender's own: a case is about what comes after."""

    secret_headers: frozenset[str] = frozenset()

    def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> Verified:
        return Verified(scheme="test", key=0, timestamp=None)


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
        self._program = program
        self._source = source
        self._case = case
        self._now = microseconds(case.now)
        self._engine = Engine(database, program, clock=lambda: self._now, chance=lambda: 0.5)
        self._logs: list[LogLine] = []

    def deliver(self, number: int) -> Outcome | None:
        """Let the entry of the case's events with this number (from 0) happen. None where only time passes."""
        event = self._case.events[number]
        if event.wait is not None:
            self._pass_time(event.wait)
            return None
        original = event if event.again is None else self._case.events[event.again]
        start = len(self._logs)
        outcome = self._receive(number + 1, original)
        return replace(outcome, logs=tuple(self._logs[start:]))

    def _receive(self, number: int, event: CaseEvent) -> Outcome:
        source = replace(self._source, envelope=_Written(self._source.envelope, event))
        assert event.body is not None
        try:
            delivery = read_delivery(source, event.body, event.headers, request_id="test", now=self._now / 1_000_000)
        except Refusal as refusal:
            return Outcome(
                number=number, details=None, refusal=refusal.message, response=None, duplicate=False, logs=()
            )
        receipt = append_deliveries(self.database, [delivery])[0]
        self._settle()
        return self._outcome(number, receipt)

    def _outcome(self, number: int, receipt: Receipt) -> Outcome:
        details = get_event(self.database, str(receipt.id))
        stored = outcome_of(self.database, receipt.id)
        response = None if stored is None or stored.response is None else stored.response
        if response is None and self._source.pending is not None:
            event = details.event
            response = self._source.pending(event.type, event.status, event.error)
        return Outcome(
            number=number,
            details=details,
            refusal=None,
            response=None if response is None else response.decode(),
            duplicate=receipt.duplicate,
            logs=(),
        )

    def _settle(self) -> None:
        while ended := self._engine.run_slice(_SLICE).ended:
            for one in ended:
                if one.result is not None and one.finish.status in {"done", "ignored"}:
                    self._logs.extend(one.result.logs)

    def _pass_time(self, wait: timedelta) -> None:
        end = self._now + wait // _MICROSECOND
        self._engine.look()
        while self._engine.due is not None and self._engine.due <= end:
            self._now = max(self._now, self._engine.due)
            self._settle()
            self._engine.look()
        self._now = end
        self._settle()

    @property
    def logs(self) -> tuple[LogLine, ...]:
        """Return every line that was logged so far."""
        return tuple(self._logs)

    def standing(self, outcome: Outcome) -> Outcome:
        """Return an outcome as its event stands now: later deliveries and time may have changed it."""
        if outcome.details is None:
            return outcome
        receipt = Receipt(outcome.details.event.seq, outcome.duplicate)
        return replace(self._outcome(outcome.number, receipt), logs=outcome.logs)

    @property
    def now(self) -> int:
        """Return the present moment of the case in microseconds."""
        return self._now

    def table(self, name: str) -> RowTable:
        """Return a table."""
        return self._program.tables[name]

    def rows(self, name: str) -> list[Row]:
        """Return every row of a table."""
        return self.table(name).query([])(self.database.execute, ())


def microseconds(moment: datetime) -> int:
    """Return a time as microseconds since the epoch."""
    return (moment - EPOCH) // _MICROSECOND

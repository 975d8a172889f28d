"""Rules linked to a database: what the engine runs.

A program is made when rules are loaded and never changed; new rules make a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.actions.state import PassState, Signal
from gateway.config.rules import Rule, RulesFile
from gateway.config.steps import Step
from gateway.config.tables import Table
from gateway.config.type_patterns import type_matcher
from gateway.config.values import Value
from gateway.engine.consistency import LinkedCheck, link_checks
from gateway.engine.extracting import Extract, link_extractions, settings_for
from gateway.engine.foreseeing import Foreseen, Foresight, chooses_by_rows
from gateway.engine.matching import Refusal, link_refusal
from gateway.engine.retry import RetryPolicy
from gateway.expressions import Context, EvaluationError, Expression, is_true
from gateway.store.database import Execute
from gateway.store.rows import RowQuery, RowTable
from gateway.store.shapes import Row, Test

RunSteps = Callable[[PassState], Signal]

Respond = Callable[[dict[str, Any], Context], str]
"""Renders the answer of a source that answers with the outcome."""

RUN_PREFIX = "run."
"""What the types of events begin with that run a procedure by hand; no delivery's may."""

# Types are remembered with the rules that can fit them; a sender who invents types must not fill the memory.
MOST_TYPES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedFile:
    """What all rules of one file share."""

    name: str
    digest: str
    settings: Mapping[str, object]
    extract: Extract | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedRule:
    """A rule, ready to run."""

    name: str
    file: LinkedFile
    handles: Callable[[str], bool]
    extract: Extract | None
    when: Expression | None
    refuse: Callable[[dict[str, Any], Context], Refusal] | None
    run: RunSteps
    result: Value | None
    foreseen: tuple[Foreseen, ...] = ()
    """The rows that its steps look for, as far as the event alone tells which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The rules that name an event type, each with the names of the rules before it that do not."""

    rules: tuple[tuple[LinkedRule, tuple[str, ...]], ...]
    after: tuple[str, ...]
    """Names of the rules behind the last candidate."""


@dataclass(slots=True, kw_only=True)
class SourceProgram:
    """The rules of one source, in order."""

    name: str
    rules: tuple[LinkedRule, ...]
    unmatched: str = "ignore"
    respond: Respond | None = None
    procedures: Mapping[str, LinkedRule] = field(default_factory=dict)
    """What `run.NAME` events run."""
    checks: tuple[LinkedCheck, ...] = ()
    """What must hold between rows."""
    strict: bool = False
    """Whether an event that will be tried again holds up the later ones of its key."""
    chosen_by_rows: bool = False
    """Whether rows decide which rule runs, or what is taken out of a payload."""
    _by_type: dict[str, Candidates] = field(default_factory=dict)

    def candidates(self, event_type: str) -> Candidates:
        """Return the rules whose `on` names the type."""
        found = self._by_type.get(event_type)
        if found is None:
            found = self._select(event_type)
            if len(self._by_type) < MOST_TYPES:
                self._by_type[event_type] = found
        return found

    def _select(self, event_type: str) -> Candidates:
        chosen: list[tuple[LinkedRule, tuple[str, ...]]] = []
        passed: list[str] = []
        for rule in self.rules:
            if rule.handles(event_type):
                chosen.append((rule, tuple(passed)))
                passed = []
            else:
                passed.append(rule.name)
        return Candidates(rules=tuple(chosen), after=tuple(passed))

    def check(self, name: object, table: str) -> LinkedCheck | None:
        """Return the check of that name which looks at a table, or None."""
        return next((one for one in self.checks if one.name == name and one.table.name == table), None)

    def handles(self, event_type: str) -> bool:
        """Say whether any rule names the type, or a procedure is run by it."""
        if event_type.startswith(RUN_PREFIX):
            return event_type.removeprefix(RUN_PREFIX) in self.procedures
        return bool(self.candidates(event_type).rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """All that runs: the sources' rules, the tables, and when failures are tried again."""

    sources: Mapping[str, SourceProgram]
    tables: Mapping[str, RowTable]
    retry: RetryPolicy
    by_key: Mapping[str, RowQuery]
    reads_ahead: bool = False
    """Whether the rows that the events of a slice look for are read at once: see `store.ahead`."""

    def answers(self, name: str) -> bool:
        """Say whether a source's deliveries are answered with what becomes of their events."""
        source = self.sources.get(name)
        return source is not None and source.respond is not None

    def read_row(self, execute: Execute, table: str, key: object) -> Row | None:
        """Read a row by its key, for `lookup`. Raises EvaluationError for an unknown table."""
        query = self.by_key.get(table)
        if query is None:
            raise EvaluationError(f"lookup: unknown table `{table}`")
        rows = query(execute, (key,))
        return rows[0] if rows else None


def link_tables(tables: Mapping[str, Table], dialect: str) -> dict[str, RowTable]:
    """Make the tables' statements for a dialect."""
    return {name: RowTable(table, dialect) for name, table in tables.items()}


def link_lookups(tables: Mapping[str, RowTable]) -> dict[str, RowQuery]:
    """Make the query by key of each table that has one."""
    return {
        name: table.query([Test(table.spec.key.name, "eq")], limit=1, locks=False)
        for name, table in tables.items()
        if table.spec.key is not None
    }


def link_source(
    name: str,
    files: Sequence[RulesFile],
    tables: Mapping[str, RowTable],
    overrides: Mapping[str, object],
    *,
    unmatched: str = "ignore",
    respond: Respond | None = None,
    strict: bool = False,
) -> SourceProgram:
    """Link the rules files of a source, in order, with its own settings."""
    linkers = [_FileLinker(file, tables, overrides, name) for file in files]
    return SourceProgram(
        name=name,
        rules=tuple(rule for linker in linkers for rule in linker.rules()),
        unmatched=unmatched,
        respond=respond,
        procedures={one.name: one for linker in linkers for one in linker.procedures()},
        checks=tuple(check for linker in linkers for check in linker.checks(name)),
        strict=strict,
        chosen_by_rows=any(map(chooses_by_rows, files)),
    )


def _link_rule(rule: Rule, file: LinkedFile, linker: _FileLinker) -> LinkedRule:
    when = None if rule.when is None else rule.when.expression
    return LinkedRule(
        name=rule.name,
        file=file,
        handles=type_matcher(rule.on),
        extract=link_extractions(rule.extract),
        when=when,
        refuse=None if when is None else link_refusal(when),
        run=linker.steps(rule.steps),
        result=rule.result,
        foreseen=linker.foresight.of(rule),
    )


class _FileLinker:
    """Links the steps of one file; procedures once each, however often they are run."""

    def __init__(
        self, file: RulesFile, tables: Mapping[str, RowTable], overrides: Mapping[str, object], source: str
    ) -> None:
        self._file = file
        self._tables = tables
        self._procedures: dict[str, RunSteps] = {}
        self.foresight = Foresight(file, tables, source)
        self._linked = LinkedFile(
            name=file.path.name,
            digest=file.digest,
            settings=settings_for(file.settings, overrides),
            extract=link_extractions(file.extract),
        )

    def rules(self) -> list[LinkedRule]:
        return [_link_rule(rule, self._linked, self) for rule in self._file.rules]

    def procedures(self) -> list[LinkedRule]:
        return [
            LinkedRule(
                name=name,
                file=self._linked,
                handles=type_matcher((RUN_PREFIX + name,)),
                extract=None,
                when=None,
                refuse=None,
                run=self.procedure(name),
                result=None,
            )
            for name in self._file.procedures
        ]

    def checks(self, source: str) -> list[LinkedCheck]:
        return link_checks(source, self._file, self._tables, self._linked.settings)

    def steps(self, steps: Sequence[Step]) -> RunSteps:
        linked = [(step.pointer, self._step(step)) for step in steps]

        def run(state: PassState) -> Signal:
            for pointer, step in linked:
                state.at = pointer
                signal = step(state)
                if signal is not None:
                    return signal
            return None

        return run

    def procedure(self, name: str) -> RunSteps:
        run = self._procedures.get(name)
        if run is None:
            run = self._procedures[name] = self.steps(self._file.procedures[name].steps)
        return run

    def table(self, name: str) -> RowTable:
        return self._tables[name]

    def _step(self, step: Step) -> RunSteps:
        run: RunSteps = step.action.bind(step.arguments, _StepLinker(self, step))
        return run if step.when is None else _guarded(step.pointer, step.when.expression, run)


def _guarded(pointer: str, when: Expression, run: RunSteps) -> RunSteps:
    refuse, evaluate = link_refusal(when), when.evaluate

    def guarded(state: PassState) -> Signal:
        if is_true(evaluate(state.scope, state)):
            return run(state)
        state.notes.append((pointer, "skip", list(refuse(state.scope, state))))
        return None

    return guarded


class _StepLinker:
    """What one step's action is given to link itself."""

    def __init__(self, file: _FileLinker, step: Step) -> None:
        self.pointer = step.pointer
        self.bind_as = step.bind_as
        self.table = file.table
        self.procedure = file.procedure

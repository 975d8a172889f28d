"""Which rows a rule's steps will look for, known as soon as its values are taken out of the payload.

A row is foreseen when what names it comes from the event alone: not from a row or an answer that an earlier step has
bound. So the engine can read the rows of all events of a slice at once, before it runs any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gateway.actions.run import Run
from gateway.actions.state import PassState
from gateway.config.rules import Rule, RulesFile
from gateway.config.steps import RowWanted, ScheduleWanted, Step
from gateway.config.values import Condition, Evaluate, Located, Value
from gateway.expressions import CoercionError, EvaluationError, to_text
from gateway.store.ahead import Ahead, ReadAhead, can_read_ahead, link_read_ahead
from gateway.store.database import Execute
from gateway.store.fitting import Fit
from gateway.store.rows import RowTable
from gateway.store.schedules import SCHEDULES, link_read_schedules
from gateway.store.shapes import ValueDoesNotFit


class Foreseen(NamedTuple):
    """A row that will be looked for."""

    table: str
    column: str
    """For a scheduled event, its source."""
    value: Evaluate
    fit: Fit
    read: ReadAhead
    """Reads such rows; the same for all that are named by this column."""


def read_ahead(execute: Execute, passes: Iterable[tuple[Sequence[Foreseen], PassState]], ahead: Ahead) -> None:
    """Read the rows that passes will look for, which nobody else changes from then on. A statement for each column.

    Raises what the driver raises, and bugs.
    """
    wanted: dict[tuple[str, str], tuple[ReadAhead, set[Any]]] = {}
    for foreseen, state in passes:
        for one in foreseen:
            value = _value_of(one, state)
            if value is not None:
                wanted.setdefault((one.table, one.column), (one.read, set()))[1].add(value)
    # In one order, so that two slices that want the same rows never wait for each other in a circle.
    for (table, column), (read, values) in sorted(wanted.items(), key=lambda item: item[0]):
        ahead.keep(table, column, read(execute, sorted(values)))


def _value_of(foreseen: Foreseen, state: PassState) -> object:
    try:
        return foreseen.fit(foreseen.value(state.scope, state))
    except (EvaluationError, CoercionError, ValueDoesNotFit):
        return None  # the step itself will say so, if it comes to that


class Foresight:
    """Finds what the rules of a file look for."""

    def __init__(self, file: RulesFile, tables: Mapping[str, RowTable], source: str) -> None:
        self._file = file
        self._source = source
        self._tables = tables
        self._reads: dict[tuple[str, str], ReadAhead] = {}
        self._read_schedules = link_read_schedules(source)

    def of(self, rule: Rule) -> tuple[Foreseen, ...]:
        """Return the rows that a rule's steps look for, as far as the event alone tells which."""
        return tuple(self._walk(rule.steps, set()))

    def _walk(self, steps: Sequence[Step], bound: set[str]) -> Iterator[Foreseen]:
        """Yield what steps look for; `bound` are the names that hold more than the event, and grows."""
        for step in steps:
            wanted = step.action.wants(step.arguments)
            if step.bind_as is not None and step.action.name in _AWAITING:
                return  # what comes behind is run by another pass
            if wanted is not None and known_by(wanted.value, bound):
                if isinstance(wanted, ScheduleWanted):
                    yield self._scheduled(wanted)
                elif step.when is None:  # a row that is not needed is better not locked
                    yield from self._row(wanted)
            if isinstance(step.arguments, Run):
                yield from self._run(step.arguments, step.when, bound)
            if step.bind_as is not None:
                bound.add(step.bind_as)

    def _run(self, run: Run, when: Condition | None, bound: set[str]) -> Iterator[Foreseen]:
        """Yield what a procedure looks for; names that it is given are not followed."""
        inside = bound | run.names.keys()
        found = list(self._walk(self._file.procedures[run.procedure].steps, inside))
        if when is None:
            yield from found
        bound |= inside

    def _scheduled(self, wanted: ScheduleWanted) -> Foreseen:
        return Foreseen(SCHEDULES, self._source, wanted.value.evaluate, to_text, self._read_schedules)

    def _row(self, wanted: RowWanted) -> Iterator[Foreseen]:
        table, column, value = wanted
        linked = self._tables[table]
        if not can_read_ahead(linked, column):
            return
        read = self._reads.get((table, column))
        if read is None:
            read = self._reads[table, column] = link_read_ahead(linked, column)
        yield Foreseen(table, column, value.evaluate, linked.fitters([column])[0][1], read)


_AWAITING = frozenset({"stripe", "send"})
"""The actions whose answer is awaited when it is bound."""


def known_by(value: Value, bound: set[str]) -> bool:
    """Say whether a value comes from the event alone."""
    return not any(looks_up(part) or any(name.path[0] in bound for name in part.names) for part in value.parts)


def looks_up(part: Located) -> bool:
    """Say whether an expression reads rows by itself."""
    return any(call.name == "lookup" for call in part.compiled.calls)


def chooses_by_rows(file: RulesFile) -> bool:
    """Say whether rows decide which rule runs, or what is taken out of a payload: then an event waits for its turn."""
    paths = [path for rule in file.rules for one in rule.extract for path in one.alternatives]
    paths += [path for one in file.extract for path in one.alternatives]
    paths += [rule.when for rule in file.rules if rule.when is not None]
    return any(looks_up(path.located) for path in paths)

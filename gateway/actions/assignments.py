"""Columns and the values a step gives them: read, checked and fitted the same way by every step that writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gateway.actions.state import PassState
from gateway.config.conditions import check_fit, check_present
from gateway.config.document import Scalar
from gateway.config.scope import CheckScope
from gateway.config.steps import StepReader
from gateway.config.tables import Table
from gateway.config.values import Value
from gateway.records import dataclass
from gateway.store.shapes import Row

if TYPE_CHECKING:
    from gateway.store.rows import RowTable

ASSIGNMENTS_SCHEMA = {
    "type": "object",
    "minProperties": 1,
    "description": "Columns and their values: literals, `$name`, `${ JMESPath }`.",
    "examples": [{"status": "active", "customer": "$customer_id"}],
}

Assign = Callable[[PassState], dict[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignments:
    """Columns and values, as a step states them."""

    entries: tuple[tuple[Scalar, Value], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        return tuple(str(key.value) for key, _ in self.entries)

    def check(self, table: Table | None, scope: CheckScope) -> None:
        """Report unknown columns and names, and literals that cannot fit."""
        for key, value in self.entries:
            scope.value(value)
            column = table.column(str(key.value)) if table is not None and scope.column(table, key) else None
            if column is not None:
                check_fit(column, value, scope)
                check_present(column, value, scope)

    def link(self, table: RowTable) -> Assign:
        """Return the function that gives the fitted values in a pass. It raises ValueDoesNotFit."""
        plan = [
            (name, fit, value.evaluate)
            for (_, value), (name, fit) in zip(self.entries, table.fitters(self.columns), strict=True)
        ]

        def assign(state: PassState) -> dict[str, object]:
            scope, values = state.scope, dict[str, object]()
            for name, fit, evaluate in plan:
                values[name] = fit(evaluate(scope, state))
            return values

        return assign


def read_assignments(reader: StepReader, key: str) -> Assignments:
    """Read the columns and values under `key`; none when it is absent."""
    return Assignments(entries=tuple(reader.values(key).values()))


def changes(row: Mapping[str, object], values: Mapping[str, object]) -> dict[str, object]:
    """Return the values that differ from the row's own."""
    return {name: value for name, value in values.items() if row[name] != value}


def difference(row: Mapping[str, object], changed: Mapping[str, object]) -> dict[str, list[object]]:
    """Return each changed column's value before and after, for the trace."""
    return {name: [row[name], value] for name, value in changed.items()}


class RowWriter:
    """Writes changed columns of rows; one statement for each set of columns, kept."""

    def __init__(self, table: RowTable) -> None:
        key = table.spec.key
        assert key is not None
        self.key = key.name
        self._table = table
        self._updaters: dict[tuple[str, ...], Callable[..., None]] = {}

    def write(self, state: PassState, row: Row, changed: Mapping[str, object]) -> Row:
        """Write the changed columns of a row and return the row as it is then. Raises RowConflict, RowRefused."""
        if not changed:
            return row
        columns = tuple(changed)
        updater = self._updaters.get(columns)
        if updater is None:
            updater = self._updaters[columns] = self._table.updater(columns)
        state.wrote = True
        updater(state.execute, changed, row[self.key])
        after = state.rows[self._table.name, row[self.key]] = {**row, **changed}
        state.ahead.note_change(self._table.spec, row, after)
        return after


def key_values(names: Sequence[str], values: Mapping[str, Any]) -> str:
    """Write the columns that name a row, for a message."""
    return ", ".join(f"{name} `{values[name]}`" for name in names)

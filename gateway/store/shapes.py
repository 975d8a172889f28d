"""Rows, the shape of conditions on them, and what can be wrong with one: no SQL, so that checking rules loads none."""

from __future__ import annotations

from dataclasses import dataclass

Row = dict[str, object]


class RowConflict(Exception):
    """A row with the same key, or the same value of a unique column, exists."""


class RowRefused(Exception):
    """The database refused the row: a constraint of the table does not hold."""


class ValueDoesNotFit(Exception):
    """A value cannot be held by its column as it stands."""

    def __init__(self, table: str, column: str, reason: str) -> None:
        super().__init__(f"column `{table}.{column}`: {reason}")


@dataclass(frozen=True, slots=True)
class Test:
    """One column compared: the shape of a condition, without its value."""

    column: str
    operator: str
    seconds: float = 0.0

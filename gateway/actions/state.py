"""What a step sees of the pass it runs in: the scope, the open transaction, and the trace it writes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from gateway.errors import GatewayError
from gateway.store.database import Execute
from gateway.store.shapes import Row

if TYPE_CHECKING:
    from gateway.store.rows import RowTable


class StepFailed(GatewayError):
    """A step ended the event badly."""

    def __init__(self, message: str, *, retry: bool = False) -> None:
        super().__init__(message)
        self.retry = retry
        """Whether a later try may go well."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A step ended the event well."""

    result: str | None


@dataclass(frozen=True, slots=True)
class Parked:
    """A step found that the event has come too early: something it needs does not exist yet."""

    reason: str


Signal = Finished | Parked | None
"""What a step gives back: None to go on with the next one."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line for the log, written when the event has committed."""

    level: str
    text: str
    fields: Mapping[str, object]


class RowReader(Protocol):
    """Reads one row of a table by its key."""

    def __call__(self, execute: Execute, table: str, key: object) -> Row | None:
        """Return the row, or None. Raises EvaluationError for a table nobody declared."""


class PassState:
    """The state of one pass: made anew for every attempt at an event."""

    __slots__ = (
        "as_of",
        "at",
        "execute",
        "logs",
        "newer",
        "notes",
        "now",
        "read_row",
        "rows",
        "scope",
        "source",
        "wrote",
    )

    def __init__(
        self,
        *,
        execute: Execute,
        scope: dict[str, Any],
        source: str,
        now: datetime,
        as_of: datetime,
        read_row: RowReader,
        newer: NewerEvent,
    ) -> None:
        self.execute = execute
        self.at = ""
        """The pointer of the step that runs, or ran last."""
        self.scope = scope
        self.source = source
        self.now = now
        self.as_of = as_of
        """The event's own time, or the time it was received where the provider gives none."""
        self.read_row = read_row
        self.newer = newer
        self.notes: list[tuple[str, str, object]] = []
        """(pointer, action, what happened), in the order of the steps."""
        self.logs: list[LogLine] = []
        self.rows: dict[tuple[str, object], Row | None] = {}
        """(table, key) -> the row as this pass last read or wrote it, None where there is none."""
        self.wrote = False
        """Whether anything was written that a failure must undo."""

    def lookup(self, table: str, key: object) -> Mapping[str, object] | None:
        """Read one row by its key, for the language's `lookup`."""
        return self.read_row(self.execute, table, key)


class NewerEvent(Protocol):
    """Finds which event wrote a newer state."""

    def __call__(self, execute: Execute, source: str, at: datetime) -> str | None:
        """Return the provider's id of an event of the source with that time, or None."""


class Linker(Protocol):
    """What an action needs to turn its arguments into something that runs."""

    pointer: str
    """Where the step stands in its file: the key of its notes."""
    bind_as: str | None

    def table(self, name: str) -> RowTable:
        """Return a table of rows in the dialect of the database."""

    def procedure(self, name: str) -> Any:
        """Return the function that runs a procedure's steps in a pass."""

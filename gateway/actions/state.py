"""What a step sees of the pass it runs in: the scope, the open transaction, and the trace it writes to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from gateway.errors import GatewayError
from gateway.records import dataclass
from gateway.store.ahead import NOTHING_AHEAD, Ahead
from gateway.store.codecs import dump_json
from gateway.store.outbox import Answer, Outgoing, message_id
from gateway.store.shapes import Row

if TYPE_CHECKING:
    from gateway.store.database import Execute
    from gateway.store.rows import RowQuery, RowTable


class StepFailed(GatewayError):
    """A step ended the event badly."""

    def __init__(self, message: str, *, retry: bool = False) -> None:
        super().__init__(message)
        self.retry = retry
        """Whether a later try may go well."""


class RowTaken(StepFailed):
    """A row that was to be added is there already."""


class AwaitCall(GatewayError):
    """A step needs the answer of a call that has none yet: the pass ends here, and is repeated once it has."""

    def __init__(self, call: Outgoing) -> None:
        super().__init__(f"waits for the answer of {call.position}")
        self.call = call


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


class Identity(NamedTuple):
    """Which event a pass is about: what the ids of its messages are made from."""

    seq: int
    event_second: int
    event_id: str
    key: str | None
    """The ordering key."""


class RowReader(Protocol):
    """Reads one row of a table by its key."""

    def __call__(self, execute: Execute, table: str, key: object) -> Row | None:
        """Return the row, or None. Raises EvaluationError for a table nobody declared."""


class PassState:
    """The state of one pass: made anew for every attempt at an event."""

    __slots__ = (
        "_positions",
        "ahead",
        "answers",
        "as_of",
        "at",
        "execute",
        "identity",
        "logs",
        "newer",
        "notes",
        "now",
        "outgoing",
        "read_row",
        "rows",
        "scheduled",
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
        identity: Identity,
        answers: Mapping[str, Answer],
        ahead: Ahead = NOTHING_AHEAD,
    ) -> None:
        self.execute = execute
        self.ahead = ahead
        """The rows that were read ahead for the slice it runs in."""
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
        self.scheduled = False
        """Whether an event was scheduled, so that the engine looks anew when the next one is due."""
        self.identity = identity
        self.answers = answers
        """The recorded answers of the event's calls, by position."""
        self.outgoing: list[Outgoing] = []
        """Messages that leave when the event has committed, in the order of the steps."""
        self._positions: dict[str, int] = {}

    def let_go(self) -> None:
        """Forget what the pass has read and bound, once its event is decided on; what is to be written stays.

        A slice keeps the states of hundreds of passes until it commits. Memory that the next pass uses again is in
        the processor's cache, which makes a pass a tenth faster.
        """
        self.scope, self.notes, self.rows = {}, [], {}

    def position(self, label: str) -> str:
        """Return which of the pass's messages and calls comes now: the label and how often it has come.

        It does not name the step's place in the file, so that a call already made is known again when rules change
        while its event waits.
        """
        count = self._positions[label] = self._positions.get(label, 0) + 1
        return f"{label}#{count}"

    def message(self, action: str, target: str, position: str, request: Mapping[str, object]) -> str:
        """Have a message sent when the event has committed; return its id."""
        outgoing = self._outgoing("message", action, target, position, request)
        self.outgoing.append(outgoing)
        return outgoing.message_id

    def call(self, action: str, target: str, position: str, request: Mapping[str, object]) -> Answer:
        """Return the recorded answer of a call. Raises AwaitCall when there is none yet."""
        answer = self.answers.get(position)
        if answer is None:
            raise AwaitCall(self._outgoing("call", action, target, position, request))
        return answer

    def rows_by(self, table: str, column: str, value: object, query: RowQuery) -> list[Row]:
        """Return the rows whose column has a fitted value: those read ahead, or what the query finds now."""
        rows = self.ahead.take(table, column, value)
        return query(self.execute, (value,)) if rows is None else rows

    def id_of(self, position: str) -> str:
        """Return the id of the event's message or call at a position."""
        return message_id(self.source, self.identity.event_second, self.identity.event_id, position)

    def _outgoing(self, kind: str, action: str, target: str, position: str, request: Mapping[str, object]) -> Outgoing:
        return Outgoing(kind, action, target, position, self.id_of(position), dump_json(request))

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

"""Prepared statements of one connection to PostgreSQL, by libpq's own functions: a third of a cursor's time each.

The server is asked once what a statement takes and returns. After that, values travel as texts or, where that is
shorter, in the server's own form; writes that nobody waits for go out together with the next statement somebody does.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.store.database import PostgresError, WriteFailed
from gateway.store.dialects import in_postgresql
from gateway.store.patience import Answering

if TYPE_CHECKING:
    import psycopg
    from psycopg.abc import Transformer
    from psycopg.pq.abc import PGresult

Encoded = bytes | None
Encode = Callable[[Any], Encoded]

MOST_PREPARED = 512
"""How many statements a connection keeps prepared; the first of them give way."""

# Numbers of types. Source: pg_type.dat of the server, which never change.
_BYTEA = 17
_TEXT, _INT4, _INT8 = 25, 23, 20
_ELEMENTS = {1009: _TEXT, 1007: _INT4, 1016: _INT8, 1001: _BYTEA}
# What the driver reads in the server's own form; all else it is sent as text.
_BINARY = frozenset({16, _BYTEA, _INT8, 21, _INT4, _TEXT, 1042, 1043, 1082, 1184, 1700})

_AS_TEXT, _AS_IS = 0, 1


class Prepared(NamedTuple):
    """A statement that the server knows."""

    name: bytes
    encoders: Sequence[Encode]
    formats: Sequence[int]
    answers_as: int
    """The form of the values in its rows."""
    has_rows: bool

    def encode(self, values: Sequence[object]) -> list[Any]:
        """Return values as the server takes them: bytes, or None for null. Raises PostgresError."""
        return [encode(value) for encode, value in zip(self.encoders, values, strict=True)]


class Rows:
    """What a statement has answered."""

    __slots__ = ("_next", "_rows", "rowcount")

    def __init__(self, rowcount: int, rows: Sequence[tuple[Any, ...]]) -> None:
        self.rowcount = rowcount
        self._rows = rows
        self._next = 0

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row, or None."""
        if self._next >= len(self._rows):
            return None
        self._next += 1
        return self._rows[self._next - 1]

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all rows that have not been returned."""
        rows, self._next = self._rows[self._next :], len(self._rows)
        return list(rows)


NOBODY_LOOKS = Rows(0, ())
"""Stands for the answers to many writes that were put off."""


class Later:
    """What a write will have answered: whoever asks for it waits."""

    __slots__ = ("_connection", "expected", "found")

    def __init__(self, connection: PreparedConnection) -> None:
        self._connection = connection
        self.expected: int | None = None
        self.found: int | None = None

    @property
    def rowcount(self) -> int:
        """Return how many rows were written. Raises WriteFailed, PostgresError."""
        if self.found is None:
            self._connection.settle()
        assert self.found is not None
        return self.found

    def take_for_granted(self, rowcount: int) -> bool:
        """Go on as if so many rows were written; where it turns out otherwise, WriteFailed is raised later."""
        if self.found is None:
            self.expected = rowcount
            return True
        return self.found == rowcount


class PreparedConnection:
    """Runs statements on a connection that is open."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        """Take the connection, which nobody else sends statements on."""
        from psycopg import Error, adapt, capabilities, pq

        # A message of the protocol, which a pooler understands; libpq has it since 17.
        self._closes = capabilities.has_send_close_prepared()
        self._connection = connection
        self._libpq = connection.pgconn
        self._pq = pq
        self._driver_error = Error
        self._transformer: Transformer = adapt.Transformer(connection)
        self._prepared: dict[str, Prepared] = {}
        self._count = 0
        self._pending: list[Later] = []
        self._piping = False
        self.answering = Answering(self._libpq.socket)
        self._readable, self._both = select.poll(), select.poll()
        self._readable.register(self._libpq.socket, select.POLLIN)
        self._both.register(self._libpq.socket, select.POLLIN | select.POLLOUT)

    def run(self, statement: str, values: Sequence[object]) -> Rows:
        """Run a statement, and what was put off before. Raises PostgresError, and WriteFailed for the latter."""
        prepared = self._prepared.get(statement) or self._prepare(statement)
        encoded = prepared.encode(values)
        if not self._piping:
            with self.answering:
                result = self._libpq.exec_prepared(prepared.name, encoded, prepared.formats, prepared.answers_as)
            return self._read(statement, prepared, result)
        self._libpq.send_query_prepared(prepared.name, encoded, prepared.formats, prepared.answers_as)
        return self._read(statement, prepared, self._settle(1)[0])

    def put_off(self, statement: str, values: Sequence[object]) -> Later:
        """Send a write with the next statement that somebody waits for. It must return no rows."""
        prepared = self._prepared.get(statement) or self._prepare(statement)
        assert not prepared.has_rows
        encoded = prepared.encode(values)
        if not self._piping:
            self._libpq.enter_pipeline_mode()
            self._piping = True
        self._libpq.send_query_prepared(prepared.name, encoded, prepared.formats, _AS_TEXT)
        later = Later(self)
        self._pending.append(later)
        return later

    def run_many(self, statement: str, rows: Sequence[Sequence[object]]) -> Rows:
        """Run a write for each of the rows, all sent at once; `rowcount` counts for all. Raises PostgresError."""
        self.settle()
        written = [self.put_off(statement, values) for values in rows]
        self._pending.clear()
        results = self._settle(len(written)) if written else []
        for result in results:
            self._check(statement, result)
        return Rows(sum(result.command_tuples or 0 for result in results), ())

    def settle(self) -> None:
        """Wait for what was put off. Raises WriteFailed when it did not go well, PostgresError for trouble."""
        if self._piping:
            self._settle(0)

    def discard(self) -> None:
        """Wait for what was put off, whatever came of it."""
        if self._piping:
            self._pending.clear()
            self._collect()

    def _settle(self, more: int) -> list[PGresult]:
        """Collect all results; check those of what was put off, and return the last `more`."""
        pending, self._pending = self._pending, []
        results = self._collect()
        for later, result in zip(pending, results, strict=False):
            if result.status != self._pq.ExecStatus.COMMAND_OK:
                error = error_of(result)
                if error.trouble:
                    raise error
                raise WriteFailed(str(error)) from error
            later.found = result.command_tuples or 0
            if later.expected not in {None, later.found}:
                raise WriteFailed(f"{later.expected} rows were to be written, not {later.found}")
        return results[len(results) - more :]

    def _collect(self) -> list[PGresult]:
        """Say that nothing more comes, and return all results. Raises PostgresError when the connection is lost."""
        try:
            with self.answering:
                return self._all_results()
        except self._driver_error as error:
            raise PostgresError.told(_first_line(str(error).encode()), None) from error

    def _all_results(self) -> list[PGresult]:
        libpq, synced = self._libpq, self._pq.ExecStatus.PIPELINE_SYNC
        libpq.pipeline_sync()
        self._flush()
        results: list[PGresult] = []
        while True:
            result = self._result()
            if result is None:
                if libpq.status == self._pq.ConnStatus.BAD:
                    # Between two statements it says nothing, for ever.
                    raise PostgresError.told("the connection was lost", None)
                continue
            if result.status == synced:
                break
            results.append(result)
            if libpq.status == self._pq.ConnStatus.BAD:
                raise error_of(result)
        libpq.exit_pipeline_mode()
        self._piping = False
        return results

    def _prepare(self, statement: str) -> Prepared:
        self.settle()
        self._make_room()
        self._count += 1
        name = b"g%d" % self._count
        self._ask(lambda: self._libpq.send_prepare(name, in_postgresql(statement).encode()))
        about = self._ask(lambda: self._libpq.send_describe_prepared(name))
        kinds = [about.param_type(number) for number in range(about.nparams)]
        answers = {about.ftype(number) for number in range(about.nfields)}
        prepared = self._prepared[statement] = Prepared(
            name=name,
            encoders=[_ENCODERS.get(kind, _text) for kind in kinds],
            formats=[_AS_IS if kind in _ENCODERS else _AS_TEXT for kind in kinds],
            answers_as=_AS_IS if answers <= _BINARY else _AS_TEXT,
            has_rows=about.nfields > 0,
        )
        return prepared

    def _make_room(self) -> None:
        in_error = self._libpq.transaction_status == self._pq.TransactionStatus.INERROR
        if len(self._prepared) >= MOST_PREPARED and not in_error:
            self._forget(next(iter(self._prepared)))

    def _forget(self, statement: str) -> None:
        name = self._prepared.pop(statement).name
        if self._closes:
            self._ask(lambda: self._libpq.send_close_prepared(name))
        else:
            self._ask(lambda: self._libpq.send_query(b"DEALLOCATE " + name))

    def _ask(self, send: Callable[[], None]) -> PGresult:
        """Send something and return its answer. Raises PostgresError.

        libpq's own functions for that keep all other threads of the process waiting with them.
        """
        with self.answering:
            send()
            self._flush()
            answer = None
            while (result := self._result()) is not None:
                answer = result
        if answer is None:
            raise PostgresError.told("the connection was lost", None)
        if answer.status != self._pq.ExecStatus.COMMAND_OK:
            raise error_of(answer)
        return answer

    def _flush(self) -> None:
        while self._libpq.flush():
            self._both.poll()
            self._libpq.consume_input()

    def _result(self) -> PGresult | None:
        """Wait for the next result; None where there is none."""
        while self._libpq.is_busy():
            self._readable.poll()
            self._libpq.consume_input()
        return self._libpq.get_result()

    def _read(self, statement: str, prepared: Prepared, result: PGresult) -> Rows:
        self._check(statement, result)
        if not prepared.has_rows:
            return Rows(result.command_tuples or 0, ())
        transformer = self._transformer
        transformer.set_pgresult(result)
        return Rows(result.ntuples, transformer.load_rows(0, result.ntuples, tuple))

    def _check(self, statement: str, result: PGresult) -> None:
        if result.status in {self._pq.ExecStatus.COMMAND_OK, self._pq.ExecStatus.TUPLES_OK}:
            return
        error = error_of(result)
        if error.sqlstate in _STALE:
            # Prepared anew the next time, as the tables are then.
            self._prepared.pop(statement, None)
        raise error


# A plan whose columns are others now; a statement that a pooler between has forgotten.
_STALE = frozenset({"0A000", "26000"})


def error_of(result: PGresult) -> PostgresError:
    """Return the error that a result tells of."""
    from psycopg.pq import DiagnosticField

    state = result.error_field(DiagnosticField.SQLSTATE)
    said = result.error_field(DiagnosticField.MESSAGE_PRIMARY) or result.error_message
    detail = result.error_field(DiagnosticField.MESSAGE_DETAIL)
    return PostgresError.told(
        _first_line(said) or "the connection was lost",
        None if state is None else state.decode(),
        None if detail is None else _first_line(detail),
    )


def _first_line(said: bytes) -> str:
    return said.decode("utf-8", "replace").strip().partition("\n")[0]


def _text(value: Any) -> Encoded:
    return _TEXTS.get(type(value), _other)(value)


def _of_text(value: str) -> bytes:
    if "\0" in value:
        raise PostgresError.told("a text holds the character zero", "22021")
    return value.encode()


def _other(value: Any) -> Encoded:
    return _of_text(str(value))


def _nothing(_value: object) -> None:
    return None


_TEXTS: dict[type, Encode] = {
    type(None): _nothing,
    str: _of_text,
    int: lambda value: b"%d" % value,
    bool: lambda value: b"t" if value else b"f",
    Decimal: lambda value: str(value).encode(),
    datetime: lambda value: value.isoformat().encode(),
    date: lambda value: value.isoformat().encode(),
}


def _bytes(value: Any) -> Encoded:
    return value  # type: ignore[no-any-return]  # bytes or None: the column says so


# Arrays, as the server reads them: dimensions, whether there are nulls, the type; length and lower bound; the items,
# each behind its length. Source: array_recv in src/backend/utils/adt/arrayfuncs.c.
_HEAD, _NULL = Struct(">iiiii"), b"\xff\xff\xff\xff"
_LENGTH, _SHORT, _LONG = Struct(">i").pack, Struct(">ii").pack, Struct(">iq").pack


def _array(kind: int, item: Encode) -> Encode:
    def encode(values: Any) -> Encoded:
        if values is None:
            return None
        items = [_NULL if value is None else item(value) for value in values]
        return _HEAD.pack(1, None in values, kind, len(items), 1) + b"".join(items)  # type: ignore[arg-type]

    return encode


def _text_item(value: str) -> bytes:
    text = value.encode()
    return _LENGTH(len(text)) + text


_ITEMS: dict[int, Encode] = {
    _TEXT: _text_item,
    _INT4: lambda value: _SHORT(4, value),
    _INT8: lambda value: _LONG(8, value),
    _BYTEA: lambda value: _LENGTH(len(value)) + value,
}
_ENCODERS: dict[int, Encode] = {
    _BYTEA: _bytes,
    **{array: _array(kind, _ITEMS[kind]) for array, kind in _ELEMENTS.items()},
}

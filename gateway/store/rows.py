"""Rows of operators' tables: statements written once for a table and a dialect, run with values that fit.

Nothing here knows what a rule is: a `RowTable` gives queries and writes, each a plain function of the values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, MetaData, Numeric, Text, and_, bindparam, cast, text
from sqlalchemy import Column as SqlColumn
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.types import NullType

from gateway.config.tables import Table
from gateway.store.codecs import Codec, decoder, dump_json, encoder
from gateway.store.database import DRIVER_ERROR, Execute, is_conflict, is_refusal
from gateway.store.fitting import Fit, fitter
from gateway.store.prepared import Later
from gateway.store.reflection import column_type
from gateway.store.refusals import refusal_text
from gateway.store.shapes import Row, RowConflict, RowRefused, Test, ValueDoesNotFit
from gateway.store.sqlite import DECIMAL_COLLATION, TIME_COLLATION
from gateway.store.statements import Statement, compile_statement

RowQuery = Callable[[Execute, Sequence[object]], list[Row]]
"""A SELECT of whole rows for one shape of conditions; it takes their values in the order of the tests.

A null value fits no row. It raises ValueDoesNotFit, and RowRefused for what the database cannot compare.
"""


class RowTable:
    """An operator's table in one dialect."""

    def __init__(self, spec: Table, dialect: str) -> None:
        self.spec = spec
        self.dialect = dialect
        self.name = spec.name
        self._columns = {column.name: column for column in spec.columns}
        self.sql = SqlTable(spec.name, MetaData(), *(SqlColumn(column.name, NullType()) for column in spec.columns))
        self._fitters = {column.name: fitter(spec.name, column) for column in spec.columns}
        self._writers = {column.name: encoder(column.type, dialect) for column in spec.columns}
        self._encoders = {name: _compose(self._fitters[name], self._writers[name]) for name in spec.names}
        self.decode_row = _row_decoder(spec, dialect)

    def fit(self, column: str, value: object) -> object:
        """Return a value as its column holds it. Raises ValueDoesNotFit."""
        return self._fitters[column](value)

    def fitters(self, columns: Sequence[str]) -> list[tuple[str, Callable[[object], object]]]:
        """Return each column with the function that fits a value to it."""
        return [(name, self._fitters[name]) for name in columns]

    def query(
        self,
        tests: Sequence[Test],
        *,
        order: Sequence[tuple[str, bool]] = (),
        limit: int | None = None,
        locks: bool = True,
    ) -> RowQuery:
        """Write a query for rows that pass all tests, ordered by columns (name, descending).

        Unless `locks` is false, nobody else changes the rows found until the transaction ends.
        """
        statement = self.compile_select(tests, order, limit, locks=locks)
        sql, bind, decode = statement.sql, self.binder(tests, statement), self.decode_row

        def rows_of(execute: Execute, values: Sequence[object]) -> list[Row]:
            if None in values:
                return []
            try:
                found = execute(sql, bind(values)).fetchall()
            except DRIVER_ERROR as error:
                names = [tests[index].column for index in _valued(tests)]
                _refuse(error, self.name, dict(zip(names, values, strict=True)))
                raise
            return list(map(decode, found))

        return rows_of

    def compile_select(
        self, tests: Sequence[Test], order: Sequence[tuple[str, bool]], limit: int | None, *, locks: bool
    ) -> Statement:
        """Write the SELECT of whole rows."""
        select = self.sql.select()
        if tests:
            select = select.where(and_(*(self.clause(test, index) for index, test in enumerate(tests))))
        for name, descending in order:
            ordered = self.comparable(name)
            # What is absent counts as the least, on every database.
            select = select.order_by(ordered.desc().nulls_last() if descending else ordered.asc().nulls_first())
        statement = compile_statement(select, self.dialect)
        # The limit is a part of the shape; SQLAlchemy would make two more parameters of it.
        tail = "" if limit is None else f" LIMIT {limit}"
        if locks and self.dialect == "postgresql":
            tail += " FOR UPDATE"
        return replace(statement, sql=statement.sql + tail)

    def comparable(self, name: str) -> ColumnElement[Any]:
        """Return a column as it is compared: decimals and times by what they mean."""
        column: ColumnElement[Any] = self.sql.c[name]
        kind = self._columns[name].type
        collation = _COLLATIONS[self.dialect].get(kind)
        if kind == "text" and self.dialect == "postgresql" and self.spec.existing:
            # What reads as a text may be of a type that knows no order of characters, such as `uuid`.
            column = cast(column, Text)
        return column.collate(collation) if collation else column

    def _equal(self, name: str) -> ColumnElement[Any]:
        """Return a column as it is compared for equality: only what SQLite keeps as text needs more than itself."""
        return self.comparable(name) if self.dialect == "sqlite" else self.sql.c[name]

    def clause(self, test: Test, index: int) -> ColumnElement[Any]:
        """Return a test as SQL; its value is the parameter `p` and `q` with this index."""
        column = self.comparable(test.column)
        first, second = self._parameter(test, f"p{index}"), self._parameter(test, f"q{index}")
        match test.operator:
            case "null":
                return self.sql.c[test.column].is_(None)
            case "present":
                return self.sql.c[test.column].is_not(None)
            case "eq":
                return self._equal(test.column) == first
            case "ne":
                return self._equal(test.column) != first
            case "gt":
                return column > first
            case "gte":
                return column >= first
            case "lt":
                return column < first
            case "lte":
                return column <= first
            case "within":
                return and_(column >= first, column <= second)
            case "in":
                # One value that holds the list, so that one statement serves lists of any length.
                listed = text(
                    _LISTED[self.dialect].format(
                        f"p{index}", column_type(self._columns[test.column].type, self.dialect)
                    )
                )
                return self._equal(test.column).in_(listed.bindparams(bindparam(f"p{index}")))
            case operator:
                raise AssertionError(f"operator {operator}")

    def _parameter(self, test: Test, name: str) -> ColumnElement[Any]:
        """Return a test's value: a number as wide as ours, though the column be a narrower one."""
        kind = _WIDEST.get(self._columns[test.column].type) if self.dialect == "postgresql" else None
        parameter: BindParameter[Any] = bindparam(name)
        return parameter if kind is None else cast(parameter, kind)

    def binder(self, tests: Sequence[Test], statement: Statement) -> Callable[[Sequence[object]], Sequence[object]]:
        """Return the function that turns the values of tests into the statement's parameters."""
        encoders = self._encoders
        simple = [test for test in tests if test.operator not in _NO_VALUE]
        if all(test.operator not in {"in", "within"} for test in simple):
            order = [int(name[1:]) for name in statement.names]
            positions = {index: at for at, index in enumerate(_valued(tests))}
            plan = [(encoders[tests[index].column], positions[index]) for index in order]
            if len(plan) == 1 and len(simple) == 1:
                only = plan[0][0]
                return lambda values: (only(values[0]),)
            return lambda values: [encode(values[at]) for encode, at in plan]
        return lambda values: statement.values(self.parameters(tests, values))

    def parameters(self, tests: Sequence[Test], values: Sequence[object], first: int = 0) -> dict[str, object]:
        """Return the parameters of tests that are counted from `first`. Raises ValueDoesNotFit."""
        parameters: dict[str, object] = {}
        for at, value in zip(_valued(tests), values, strict=True):
            test, index = tests[at], first + at
            encode = self._encoders[test.column]
            if test.operator == "in":
                items = value if isinstance(value, list | tuple) else [value]
                parameters[f"p{index}"] = dump_json([encode(item) for item in items if item is not None])
            elif test.operator == "within":
                low, high = _around(value, test, self.name)
                parameters[f"p{index}"], parameters[f"q{index}"] = encode(low), encode(high)
            else:
                parameters[f"p{index}"] = encode(value)
        return parameters

    def inserter(self, columns: Sequence[str]) -> Callable[[Execute, Mapping[str, object]], bool]:
        """Write an INSERT of the given columns, for fitted values; the function says whether the row is new.

        A row that conflicts with one that exists is left out. The function raises RowRefused.
        """
        insert = _DIALECT_INSERTS[self.dialect](self.sql).values({name: bindparam(name) for name in columns})
        statement = compile_statement(insert.on_conflict_do_nothing(), self.dialect)
        sql, encode = statement.sql, self._encoder_of(statement)

        def run(execute: Execute, values: Mapping[str, object]) -> bool:
            try:
                written = execute(sql, encode(values))
                return written.take_for_granted(1) if isinstance(written, Later) else bool(written.rowcount == 1)
            except DRIVER_ERROR as error:
                _refuse(error, self.name, values)
                raise

        return run

    def updater(self, columns: Sequence[str]) -> Callable[[Execute, Mapping[str, object], object], None]:
        """Write an UPDATE of the given columns, for fitted values and the row's key.

        The function raises RowConflict and RowRefused.
        """
        key = self._key()
        update = self.sql.update().where(self.sql.c[key] == bindparam("row_key_"))
        statement = compile_statement(update.values({name: bindparam(name) for name in columns}), self.dialect)
        assert statement.names[-1] == "row_key_"
        encode_key, sql = self._encoders[key], statement.sql
        encode = self._encoder_of(replace(statement, names=statement.names[:-1]))

        def run(execute: Execute, values: Mapping[str, object], row_key: object) -> None:
            try:
                execute(sql, [*encode(values), encode_key(row_key)])
            except DRIVER_ERROR as error:
                _refuse(error, self.name, values)
                raise

        return run

    def deleter(self) -> Callable[[Execute, object], None]:
        """Write a DELETE of the row with a key. Raises RowRefused."""
        key = self._key()
        delete = self.sql.delete().where(self.sql.c[key] == bindparam("row_key_"))
        statement = compile_statement(delete, self.dialect)
        encode = self._encoders[key]

        def run(execute: Execute, row_key: object) -> None:
            try:
                execute(statement.sql, (encode(row_key),))
            except DRIVER_ERROR as error:
                _refuse(error, self.name, {key: row_key})
                raise

        return run

    def _encoder_of(self, statement: Statement) -> Callable[[Mapping[str, object]], list[object]]:
        arrange = statement.arrange()
        writers = [(at, write) for at, name in enumerate(statement.names) if (write := self._writers[name]) is not None]

        def encode(values: Mapping[str, object]) -> list[object]:
            row = list(arrange(values))
            for at, write in writers:
                if row[at] is not None:
                    row[at] = write(row[at])
            return row

        return encode

    def _key(self) -> str:
        key = self.spec.key
        assert key is not None, f"table {self.name} has no single key column"
        return key.name


# Texts are ordered by their characters' numbers on both; PostgreSQL would follow a language.
_COLLATIONS: dict[str, dict[str, str]] = {
    "sqlite": {"decimal": DECIMAL_COLLATION, "timestamp": TIME_COLLATION},
    "postgresql": {"text": "C"},
}
_LISTED = {
    "sqlite": "SELECT value FROM json_each(:{0})",
    "postgresql": "SELECT CAST(listed_ AS {1}) FROM jsonb_array_elements_text(CAST(:{0} AS jsonb)) AS listed_",
}
_WIDEST: dict[str, Any] = {"integer": BigInteger, "decimal": Numeric}
_NO_VALUE = frozenset({"null", "present"})
_DIALECT_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def _valued(tests: Sequence[Test]) -> list[int]:
    return [index for index, test in enumerate(tests) if test.operator not in _NO_VALUE]


def _around(value: object, test: Test, table: str) -> tuple[datetime, datetime]:
    if not isinstance(value, datetime):
        raise ValueDoesNotFit(table, test.column, f"`within` is measured from a time, got `{value}`")
    distance = timedelta(seconds=test.seconds)
    return value - distance, value + distance


def _compose(fit: Fit, write: Codec | None) -> Fit:
    if write is None:
        return fit
    return lambda value: None if (fitted := fit(value)) is None else write(fitted)


def _row_decoder(spec: Table, dialect: str) -> Callable[[Sequence[object]], Row]:
    names = spec.names
    decoders = [
        (index, names[index], decode)
        for index, column in enumerate(spec.columns)
        if (decode := decoder(column.type, dialect)) is not None
    ]

    def decode_row(values: Sequence[object]) -> Row:
        row = dict(zip(names, values, strict=True))
        for index, name, decode in decoders:
            raw = values[index]
            if raw is not None:
                row[name] = decode(raw)
        return row

    return decode_row


def _refuse(error: BaseException, table: str, values: Mapping[str, object]) -> None:
    """Raise what a driver's error says of a statement with these values; nothing for one that says something else."""
    if is_conflict(error):
        raise RowConflict(str(error)) from error
    if is_refusal(error):
        raise RowRefused(refusal_text(error, table, values)) from error

"""`upsert`: the row with a key, made when it is not there."""

from __future__ import annotations

from collections.abc import Callable

from gateway.actions.assignments import (
    ASSIGNMENTS_SCHEMA,
    Assignments,
    RowWriter,
    changes,
    difference,
    key_values,
    read_assignments,
)
from gateway.actions.guard import AS_OF_SCHEMA, check_as_of, link_as_of, read_as_of
from gateway.actions.state import Linker, PassState, RowTaken, Signal, StepFailed
from gateway.config.document import Mapping as MappingNode
from gateway.config.scope import CheckScope
from gateway.config.steps import ActionSpec, RowWanted, StepReader
from gateway.records import dataclass
from gateway.store.shapes import Row, Test


@dataclass(frozen=True, slots=True, kw_only=True)
class Upsert:
    """The arguments of an `upsert`."""

    table: str
    key: Assignments
    set: Assignments
    on_insert: Assignments
    as_of: str | None
    node: MappingNode


def _parse(reader: StepReader) -> Upsert:
    return Upsert(
        table=reader.text("upsert"),
        key=read_assignments(reader, "key"),
        set=read_assignments(reader, "set"),
        on_insert=read_assignments(reader, "on_insert"),
        as_of=read_as_of(reader),
        node=reader.node,
    )


def _check(upsert: Upsert, scope: CheckScope) -> None:
    table = scope.table(upsert.table, upsert.node.get("upsert"))
    for assignments in (upsert.key, upsert.set, upsert.on_insert):
        assignments.check(table, scope)
    check_as_of(upsert.as_of, upsert.node.get("as_of"), table, scope)
    _check_key(upsert, scope)
    for name, value in upsert.key.entries:
        column = None if table is None else table.column(name.text)
        if column is None or not (column.primary_key or column.required):  # of these it has been asked
            scope.need(value, "`key`")
    scope.bind(scope.row(table))


def _check_key(upsert: Upsert, scope: CheckScope) -> None:
    table = scope.tables.get(upsert.table)
    if table is None or table.existing:
        return
    columns = [column for name in upsert.key.columns if (column := table.column(name)) is not None]
    if columns and not any(column.primary_key or column.unique for column in columns):
        names = ", ".join(f"`{column.name}`" for column in columns)
        scope.findings.error(
            "GW202",
            f"`key` needs a column that names one row, {names} of table `{table.name}` may be shared by several",
            upsert.node.key("key") or upsert.node,
            help="use the primary key or a `unique` column",
        )


def _wants(upsert: Upsert) -> RowWanted | None:
    name, value = upsert.key.entries[0]
    return RowWanted(upsert.table, name.text, value) if len(upsert.key.entries) == 1 else None


def _bind(upsert: Upsert, linker: Linker) -> Callable[[PassState], Signal]:
    linked = _Linked(upsert, linker)
    write, bind_as = linked.write, linker.bind_as
    key_of = upsert.key.link(linked.table)

    def run(state: PassState) -> Signal:
        key = key_of(state)
        _require_key(upsert.table, key)
        row = write(state, key)
        if bind_as is not None:
            state.scope[bind_as] = row
        return None

    return run


class _Linked:
    """The statements of one `upsert`, written once."""

    def __init__(self, upsert: Upsert, linker: Linker) -> None:
        self.table = table = linker.table(upsert.table)
        self._pointer, self._as_of = linker.pointer, upsert.as_of
        self._query = table.query([Test(name, "eq") for name in upsert.key.columns], limit=1)
        self._set, self._on_insert = upsert.set.link(table), upsert.on_insert.link(table)
        stamp = () if upsert.as_of is None else (upsert.as_of,)
        columns = dict.fromkeys((*upsert.key.columns, *upsert.set.columns, *upsert.on_insert.columns, *stamp))
        self._insert, self._writer = table.inserter(tuple(columns)), RowWriter(table)
        self._kept = link_as_of(upsert.as_of)
        self._blank: dict[str, object] = {c.name: c.default if c.has_default else None for c in table.spec.columns}
        # A row named by its primary key that this pass has looked for before need not be looked for again.
        own_key = table.spec.key.name if table.spec.key else None
        self._known_by = own_key if upsert.key.columns == (own_key,) else None

    def write(self, state: PassState, key: dict[str, object]) -> Row:
        """Add or change the row with the key; return it as it is then. Raises StepFailed."""
        rows = self.read(state, key)
        added = None if rows else self.add(state, key)
        if added is not None:
            return added
        # Nothing was found and nothing could be added: another process has added it in between.
        rows = rows or self._query(state.execute, list(key.values()))
        if not rows:
            named = key_values(tuple(key), key)
            raise RowTaken(f"a row of `{self.table.name}` other than {named} has one of its unique values")
        return self.change(state, rows[0])

    def read(self, state: PassState, key: dict[str, object]) -> list[Row]:
        """Return the row with the key, or nothing."""
        if self._known_by is not None:
            known = (self.table.name, key[self._known_by])
            if known in state.rows:
                row = state.rows[known]
                return [] if row is None else [row]
        if len(key) == 1:
            [(column, value)] = key.items()
            return state.rows_by(self.table.name, column, value, self._query)
        return self._query(state.execute, list(key.values()))

    def add(self, state: PassState, key: dict[str, object]) -> Row | None:
        """Add the row, unless one has its key or one of its unique values."""
        values = {**key, **self._set(state), **self._on_insert(state)}
        if self._as_of is not None:
            values[self._as_of] = state.as_of
        state.wrote = True
        if not self._insert(state.execute, values):
            return None
        state.notes.append((self._pointer, "upsert", {"inserted": values}))
        row = {**self._blank, **values}
        state.ahead.note_change(self.table.spec, row)
        if not self.table.spec.existing:
            state.rows[self.table.name, row[self._writer.key]] = row
        else:
            state.rows.pop((self.table.name, row[self._writer.key]), None)
        return row

    def change(self, state: PassState, row: Row) -> Row:
        """Change the row, unless an event that happened later has; return it as it is then."""
        note: dict[str, object] = {"row": row[self._writer.key]}
        state.notes.append((self._pointer, "upsert", note))
        kept = self._kept(state, row)
        if kept is not None:
            note["kept"] = kept
            return row
        values = self._set(state)
        if self._as_of is not None:
            values[self._as_of] = state.as_of
        changed = changes(row, values)
        note["changed"] = difference(row, changed)
        return self._writer.write(state, row, changed)


def _require_key(table: str, key: dict[str, object]) -> None:
    for name, value in key.items():
        if value is None:
            raise StepFailed(f"the key of the row of `{table}` is null: `{name}` has no value")


SPEC = ActionSpec(
    name="upsert",
    title="Change the row with a key, or add it when there is none.",
    schema={
        "upsert": {"type": "string", "description": "The table.", "examples": ["tenants"]},
        "key": {
            **ASSIGNMENTS_SCHEMA,
            "description": "The columns that name the row: its primary key or a unique column.",
            "examples": [{"id": "$payment_id"}],
        },
        "set": {**ASSIGNMENTS_SCHEMA, "description": "Columns to set, whether the row is new or not."},
        "on_insert": {
            **ASSIGNMENTS_SCHEMA,
            "description": "Columns to set on a new row only.",
            "examples": [{"status": "pending"}],
        },
        "as_of": AS_OF_SCHEMA,
    },
    required=("key",),
    binds=True,
    example="upsert: asaas_payments\nkey: {id: $payment_id}\nset: {value: $value}\non_insert: {status: pending}",
    parse=_parse,
    check=_check,
    bind=_bind,
    wants=_wants,
)

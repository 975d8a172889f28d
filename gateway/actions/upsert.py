"""`upsert`: the row with a key, made when it is not there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
from gateway.actions.state import Linker, PassState, Signal, StepFailed
from gateway.config.document import Mapping as MappingNode
from gateway.config.steps import ActionSpec, CheckScope, StepReader
from gateway.store.shapes import Test


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
    scope.bind(table)


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


def _bind(upsert: Upsert, linker: Linker) -> Callable[[PassState], Signal]:
    table = linker.table(upsert.table)
    key_columns = upsert.key.columns
    query = table.query([Test(name, "eq") for name in key_columns], limit=1)
    key_of, set_of, first_of = (part.link(table) for part in (upsert.key, upsert.set, upsert.on_insert))
    as_of = upsert.as_of
    stamp = (as_of,) if as_of is not None else ()
    columns = tuple(dict.fromkeys((*key_columns, *upsert.set.columns, *upsert.on_insert.columns, *stamp)))
    add, writer, kept_by = table.inserter(columns), RowWriter(table), link_as_of(as_of)
    blank: dict[str, object] = {c.name: c.default if c.has_default else None for c in table.spec.columns}
    # A row named by its primary key that this pass has read before need not be read again.
    own_key = table.spec.key.name if table.spec.key and key_columns == (table.spec.key.name,) else None
    pointer, bind_as, name, own = linker.pointer, linker.bind_as, table.name, not table.spec.existing

    def run(state: PassState) -> Signal:
        key = key_of(state)
        _require_key(upsert.table, key)
        known = state.rows.get((name, key[own_key])) if own_key is not None else None
        rows = query(state.execute, list(key.values())) if known is None else [known]
        if not rows:
            values = {**key, **set_of(state), **first_of(state)}
            if as_of is not None:
                values[as_of] = state.as_of
            state.wrote = True
            if not add(state.execute, values):
                raise StepFailed(
                    f"a row of `{upsert.table}` other than {key_values(key_columns, key)} has one of its unique values"
                )
            state.notes.append((pointer, "upsert", {"inserted": values}))
            row = {**blank, **values}
            if own:
                state.rows[name, row[writer.key]] = row
        else:
            row = rows[0]
            kept = kept_by(state, row)
            if kept is None:
                values = set_of(state)
                if as_of is not None:
                    values[as_of] = state.as_of
                changed = changes(row, values)
                state.notes.append((pointer, "upsert", {"row": row[writer.key], "changed": difference(row, changed)}))
                row = writer.write(state, row, changed)
            else:
                state.notes.append((pointer, "upsert", {"row": row[writer.key], "kept": kept}))
        if bind_as is not None:
            state.scope[bind_as] = row
        return None

    return run


def _require_key(table: str, key: dict[str, object]) -> None:
    for name, value in key.items():
        if value is None:
            raise StepFailed(f"the key of the row of `{table}` is null: `{name}` has no value")


SPEC = ActionSpec(
    name="upsert",
    title="Change the row with a key, or add it when there is none.",
    schema={
        "upsert": {"type": "string", "description": "The table."},
        "key": {
            **ASSIGNMENTS_SCHEMA,
            "description": "The columns that name the row: its primary key or a unique column.",
        },
        "set": {**ASSIGNMENTS_SCHEMA, "description": "Columns to set, whether the row is new or not."},
        "on_insert": {**ASSIGNMENTS_SCHEMA, "description": "Columns to set on a new row only."},
        "as_of": AS_OF_SCHEMA,
    },
    required=("key",),
    binds=True,
    example="upsert: asaas_payments\nkey: {id: $payment_id}\nset: {value: $value}\non_insert: {status: pending}",
    parse=_parse,
    check=_check,
    bind=_bind,
)

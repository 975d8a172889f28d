"""`insert`: a new row; what happens when it exists is said in the rule."""

from __future__ import annotations

from collections.abc import Callable

from gateway.actions.assignments import ASSIGNMENTS_SCHEMA, Assignments, key_values, read_assignments
from gateway.actions.state import Finished, Linker, PassState, RowTaken, Signal
from gateway.config.document import Mapping as MappingNode
from gateway.config.scope import CheckScope
from gateway.config.steps import ActionSpec, StepReader
from gateway.config.values import Value, read_value
from gateway.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """The arguments of an `insert`."""

    table: str
    values: Assignments
    on_conflict: str
    """`fail`, `ignore` or `finish`."""
    result: Value | None
    node: MappingNode


def _parse(reader: StepReader) -> Insert:
    conflict = reader.get("on_conflict")
    result = conflict.get("finish") if isinstance(conflict, MappingNode) else None
    return Insert(
        table=reader.text("insert"),
        values=read_assignments(reader, "values"),
        on_conflict="finish" if result is not None else reader.text("on_conflict", "fail"),
        result=None if result is None else read_value(result, reader.findings),
        node=reader.node,
    )


def _check(insert: Insert, scope: CheckScope) -> None:
    table = scope.table(insert.table, insert.node.get("insert"))
    insert.values.check(table, scope)
    scope.value(insert.result)
    if table is not None and not table.existing:
        needed = [c.name for c in table.columns if (c.required or c.primary_key) and not c.has_default]
        for name in needed:
            if name not in insert.values.columns:
                where = insert.node.key("values") or insert.node
                scope.findings.error(
                    "GW102", f"`values` needs `{name}`: table `{table.name}` cannot hold a row without it", where
                )
    row = scope.row(table)
    scope.bind(row.nullable if insert.on_conflict == "ignore" else row)


def _bind(insert: Insert, linker: Linker) -> Callable[[PassState], Signal]:
    table = linker.table(insert.table)
    assign, columns = insert.values.link(table), insert.values.columns
    write = table.inserter(columns)
    names = [c.name for c in table.spec.columns if (c.primary_key or c.unique) and c.name in columns]
    blank: dict[str, object] = {c.name: c.default if c.has_default else None for c in table.spec.columns}
    # A table that is not ours may have defaults we do not know: its new row must be read before it is written again.
    own_key = table.spec.key.name if table.spec.key is not None and not table.spec.existing else None
    pointer, bind_as, on_conflict, result = linker.pointer, linker.bind_as, insert.on_conflict, insert.result

    def run(state: PassState) -> Signal:
        values = assign(state)
        state.wrote = True
        if write(state.execute, values):
            row = {**blank, **values}
            state.ahead.note_change(table.spec, row)
            if own_key is not None:
                state.rows[table.name, row[own_key]] = row
            else:
                state.rows.clear()
            if bind_as is not None:
                state.scope[bind_as] = row
            state.notes.append((pointer, "insert", {"inserted": values}))
            return None
        state.notes.append((pointer, "insert", {"exists": {name: values[name] for name in names}}))
        if on_conflict == "fail":
            raise RowTaken(f"a row of `{insert.table}` with {key_values(names, values)} exists")
        if on_conflict == "finish":
            said = result(state.scope, state) if result is not None else None
            return Finished(None if said is None else str(said))
        return None

    return run


SPEC = ActionSpec(
    name="insert",
    title="Add a row.",
    schema={
        "insert": {"type": "string", "description": "The table.", "examples": ["tenants"]},
        "values": ASSIGNMENTS_SCHEMA,
        "on_conflict": {
            "description": "When the row exists: `fail` (the default), `ignore`, or `{finish: result}`.",
            "oneOf": [
                {"enum": ["fail", "ignore"]},
                {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["finish"],
                    "properties": {
                        "finish": {
                            "type": "string",
                            "description": "End the event well, with this result.",
                            "examples": ["already_recorded"],
                        }
                    },
                },
            ],
        },
    },
    required=("values",),
    binds=True,
    example="insert: payments\nvalues: {id: $payment_id, amount: $amount}\non_conflict: {finish: already_recorded}",
    parse=_parse,
    check=_check,
    bind=_bind,
)

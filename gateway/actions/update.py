"""`update`: every row that fits, guarded by `as_of` where an older event must not undo a newer state."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gateway.actions.assignments import (
    ASSIGNMENTS_SCHEMA,
    Assignments,
    RowWriter,
    changes,
    difference,
    read_assignments,
)
from gateway.actions.find import link_rows_to_write, read_by
from gateway.actions.guard import AS_OF_SCHEMA, check_as_of, link_as_of, read_as_of
from gateway.actions.state import Linker, PassState, Signal, StepFailed
from gateway.config.conditions import Where, read_where
from gateway.config.document import Mapping as MappingNode
from gateway.config.scope import CheckScope
from gateway.config.steps import ActionSpec, StepReader
from gateway.records import dataclass
from gateway.store.shapes import Row

if TYPE_CHECKING:
    from gateway.store.rows import RowTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """The arguments of an `update`."""

    table: str
    where: Where | None
    set: Assignments
    increment: Assignments
    as_of: str | None
    expect_one: bool
    node: MappingNode


def _parse(reader: StepReader) -> Update:
    strategies = read_where(reader)
    return Update(
        table=reader.text("update"),
        where=strategies[0] if strategies else None,
        set=read_assignments(reader, "set"),
        increment=read_assignments(reader, "increment"),
        as_of=read_as_of(reader),
        expect_one=reader.text("expect") == "one",
        node=reader.node,
    )


def _check(update: Update, scope: CheckScope) -> None:
    table = scope.table(update.table, update.node.get("update"))
    if update.where is not None:
        update.where.check(table, scope, needed=True)
    for assignments in (update.set, update.increment):
        assignments.check(table, scope)
    check_as_of(update.as_of, update.node.get("as_of"), table, scope)
    for _, amount in update.increment.entries:
        scope.need(amount, "`increment`")
    for key, _ in update.increment.entries if table is not None else ():
        assert table is not None
        column = table.column(str(key.value))
        if column is not None and column.type not in {"integer", "decimal"}:
            scope.findings.error(
                "GW305", f"column `{column.name}` is {column.type}: only numbers can be incremented", key
            )
    if update.node.get("set") is None and update.node.get("increment") is None:
        scope.findings.error("GW102", "`update` changes nothing", update.node, help="add `set` or `increment`")
    row = scope.row(table)
    scope.bind(row if update.expect_one else row.nullable)


def _bind(update: Update, linker: Linker) -> Callable[[PassState], Signal]:
    table = linker.table(update.table)
    assert update.where is not None
    rows_of = link_rows_to_write(update.where, table)
    set_of, increment_of = update.set.link(table), update.increment.link(table)
    as_of, writer, kept_by = update.as_of, RowWriter(table), link_as_of(update.as_of)
    pointer, bind_as, expect_one = linker.pointer, linker.bind_as, update.expect_one
    increments = bool(update.increment.entries)

    def run(state: PassState) -> Signal:
        rows = rows_of(state)
        if expect_one and len(rows) != 1:
            raise StepFailed(f"{len(rows)} rows of `{update.table}` fit, one was expected")
        values = set_of(state)
        if as_of is not None:
            values[as_of] = state.as_of
        notes: list[dict[str, object]] = []
        after: Row | None = None
        for row in rows:
            kept = kept_by(state, row)
            if kept is not None:
                notes.append({"row": row[writer.key], "kept": kept})
                after = after or row
                continue
            wanted = {**values, **_incremented(table, row, increment_of(state))} if increments else values
            changed = changes(row, wanted)
            written = writer.write(state, row, changed)
            after = after or written
            notes.append({"row": row[writer.key], "changed": difference(row, changed)})
        state.notes.append((pointer, "update", notes))
        if bind_as is not None:
            state.scope[bind_as] = after
        return None

    return run


def _incremented(table: RowTable, row: Row, steps: dict[str, Any]) -> dict[str, object]:
    return {name: table.fit(name, _add(row[name], step, table.name, name)) for name, step in steps.items()}


def _add(value: Any, step: Any, table: str, column: str) -> int | Decimal:
    if step is None:
        raise StepFailed(f"`{table}.{column}` cannot be incremented: the increment is null")
    return step if value is None else value + step  # type: ignore[no-any-return]  # both were fitted to a number's column


SPEC = ActionSpec(
    name="update",
    title="Change every row that fits.",
    schema={
        "update": {"type": "string", "description": "The table.", "examples": ["tenants"]},
        "where": {
            "type": "object",
            "minProperties": 1,
            "description": "Columns and their values, all of which must fit.",
            "examples": [{"id": "$tenant.id"}],
        },
        "set": ASSIGNMENTS_SCHEMA,
        "increment": {
            **ASSIGNMENTS_SCHEMA,
            "description": "Number columns and what is added to them; null counts as nothing.",
            "examples": [{"payments": 1, "balance": "$amount"}],
        },
        "as_of": AS_OF_SCHEMA,
        "expect": {
            "enum": ["one", "any"],
            "description": "How many rows must fit: `one`, or `any` number (the default).",
        },
    },
    required=("where",),
    binds=True,
    example="update: tenants\nwhere: {id: $tenant.id}\nset: {status: active}\nas_of: last_event_at",
    parse=_parse,
    check=_check,
    bind=_bind,
    wants=lambda update: read_by(update.table, update.where),
)

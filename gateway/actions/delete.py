"""`delete`: rows that fit, gone; the trace keeps what they held."""

from __future__ import annotations

from collections.abc import Callable

from gateway.actions.find import link_rows_to_write, read_by
from gateway.actions.state import Linker, PassState, Signal
from gateway.config.conditions import Where, read_where
from gateway.config.document import Mapping as MappingNode
from gateway.config.scope import CheckScope
from gateway.config.steps import ActionSpec, StepReader
from gateway.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """The arguments of a `delete`."""

    table: str
    where: Where | None
    node: MappingNode


def _parse(reader: StepReader) -> Delete:
    strategies = read_where(reader)
    return Delete(table=reader.text("delete"), where=strategies[0] if strategies else None, node=reader.node)


def _check(delete: Delete, scope: CheckScope) -> None:
    table = scope.table(delete.table, delete.node.get("delete"))
    if delete.where is not None:
        delete.where.check(table, scope, needed=True)


def _bind(delete: Delete, linker: Linker) -> Callable[[PassState], Signal]:
    table = linker.table(delete.table)
    assert delete.where is not None
    assert table.spec.key is not None
    rows_of = link_rows_to_write(delete.where, table)
    remove, key, name, pointer = table.deleter(), table.spec.key.name, table.name, linker.pointer

    def run(state: PassState) -> Signal:
        rows = rows_of(state)
        for row in rows:
            state.wrote = True
            remove(state.execute, row[key])
            state.ahead.note_change(table.spec, row)
            state.rows.pop((name, row[key]), None)
        state.notes.append((pointer, "delete", {"deleted": rows}))
        return None

    return run


SPEC = ActionSpec(
    name="delete",
    title="Delete the rows that fit.",
    schema={
        "delete": {"type": "string", "description": "The table.", "examples": ["tenants"]},
        "where": {
            "type": "object",
            "minProperties": 1,
            "description": "Columns and their values, all of which must fit.",
            "examples": [{"id": "$session_id"}],
        },
    },
    required=("where",),
    example="delete: sessions\nwhere: {id: $session_id}",
    parse=_parse,
    check=_check,
    bind=_bind,
    wants=lambda delete: read_by(delete.table, delete.where),
)

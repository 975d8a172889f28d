"""`find`: one row, bound to a name; what happens when there is none is said in the rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gateway.actions.missing import Missing, link_missing, missing_schema, read_missing
from gateway.actions.state import Linker, PassState, Signal, StepFailed
from gateway.config.conditions import WHERE_SCHEMA, Where, read_where
from gateway.config.diagnostics import DocumentFindings, did_you_mean
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node, Scalar
from gateway.config.document import Sequence as SequenceNode
from gateway.config.scope import CheckScope
from gateway.config.steps import ActionSpec, RowWanted, StepReader
from gateway.expressions.types import list_of
from gateway.records import dataclass
from gateway.store.ahead import can_read_ahead
from gateway.store.shapes import Row, Test

if TYPE_CHECKING:
    from gateway.store.rows import RowQuery, RowTable

MOST_ROWS = 1000
"""How many rows `all` binds at the most; more fail the event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """The arguments of a `find`."""

    table: str
    strategies: tuple[Where, ...]
    order: tuple[tuple[Scalar, str, bool], ...]
    missing: Missing
    every: bool
    node: MappingNode


def _parse(reader: StepReader) -> Find:
    every = reader.flag("all")
    return Find(
        table=reader.text("find"),
        strategies=read_where(reader),
        order=_read_order(reader.get("order_by"), reader.findings),
        missing=read_missing(reader, default="null" if every else "fail"),
        every=every,
        node=reader.node,
    )


def _read_order(node: Node | None, findings: DocumentFindings) -> tuple[tuple[Scalar, str, bool], ...]:
    items = node.items if isinstance(node, SequenceNode) else (node,) if node is not None else ()
    return tuple(_read_direction(item, findings) for item in items if isinstance(item, Scalar))


def _read_direction(node: Scalar, findings: DocumentFindings) -> tuple[Scalar, str, bool]:
    name, _, written = str(node.value).partition(" ")
    direction = written.strip().lower()
    if direction not in {"", "asc", "desc"}:
        near = "desc" if direction.startswith("d") else "asc"
        message = f"`order_by`: `{written.strip()}` is no direction"
        help = f"a list of columns is written `[{', '.join(str(node.value).replace(',', ' ').split())}]`"
        findings.error("GW104", message, node, help=help if "," in str(node.value) else f"write `{name} {near}`")
    return node, name.rstrip(","), direction == "desc"


def _check(find: Find, scope: CheckScope) -> None:
    table = scope.table(find.table, find.node.get("find"))
    # Where it is said what happens when there is none, a row that is asked for by null is just that.
    unsaid = find.node.key("missing") is None and len(find.strategies) == 1 and not find.every
    for where in find.strategies:
        where.check(table, scope, needed=unsaid)
    for node, name, _ in find.order if table is not None and (table.columns or not table.existing) else ():
        assert table is not None
        if table.column(name) is None:
            near = did_you_mean(name, table.names)
            known = f"columns: {', '.join(f'`{one}`' for one in table.names)}"
            help = f"did you mean `{near}`?" if near else known
            scope.findings.error("GW202", f"table `{table.name}` has no column `{name}`", node, help=help)
    scope.value(find.missing.value)
    row = scope.row(table)
    left_null = find.missing.kind == "null" and not find.every
    scope.bind(list_of(row) if find.every else row.nullable if left_null else row, left_null=left_null)


def _bind(find: Find, linker: Linker) -> Callable[[PassState], Signal]:
    table = linker.table(find.table)
    order = tuple((name, descending) for _, name, descending in find.order)
    limit = MOST_ROWS + 1 if find.every else 1
    strategies = [link_query(where, table, order=order, limit=limit) for where in find.strategies]
    key = table.spec.key.name if table.spec.key else None
    pointer, name, every = linker.pointer, linker.bind_as, find.every
    kind = find.missing.kind

    def note(state: PassState) -> None:
        state.notes.append((pointer, "find", {"found": None, "missing": kind}))

    give_up = link_missing(find.missing, f"no row of `{find.table}` fits", note)

    def run(state: PassState) -> Signal:
        for number, rows_of in enumerate(strategies):
            rows = rows_of(state)
            if len(rows) > MOST_ROWS:
                raise StepFailed(
                    f"more than {MOST_ROWS} rows of `{find.table}` fit: a sum over a part of them would be wrong"
                )
            if rows:
                if name is not None:
                    state.scope[name] = rows if every else rows[0]
                found = [row.get(key) for row in rows] if every and key else rows[0].get(key) if key else len(rows)
                state.notes.append((pointer, "find", {"found": found, "strategy": number}))
                return None
        if name is not None:
            state.scope[name] = [] if every else None
        return give_up(state)

    return run


def read_by(table: str, where: Where | None) -> RowWanted | None:
    """Return what a condition asks of a row, where that is the value of one column."""
    test = where.tests[0] if where is not None and len(where.tests) == 1 else None
    if test is None or test.operator != "eq" or test.value is None:
        return None
    return RowWanted(table, test.name, test.value)


def _wants(find: Find) -> RowWanted | None:
    return None if find.every or find.order else read_by(find.table, find.strategies[0])


def tests_of(where: Where) -> list[Test]:
    """Return the shape of a condition, which is what SQL is written from."""
    return [Test(test.name, test.operator, test.seconds) for test in where.tests]


def link_query(
    where: Where, table: RowTable, *, order: Sequence[tuple[str, bool]] = (), limit: int | None = None
) -> Callable[[PassState], list[Row]]:
    """Return the function that reads the rows that fit a condition in a pass, and remembers them."""
    query = table.query(tests_of(where), order=order, limit=limit)
    key_of = _link_key(where, table)
    if key_of is not None:
        return _link_read_by_key(query, key_of, table.name, where.tests[0].name)
    values_of = _link_values([_value_of(test) for test in where.tests if test.operator not in {"null", "present"}])
    name, key = table.name, None if table.spec.key is None else table.spec.key.name
    wanted = read_by(name, where)
    ahead = wanted.column if wanted is not None and can_read_ahead(table, wanted.column) else None

    def rows_of(state: PassState) -> list[Row]:
        values = values_of(state)
        if ahead is None:
            rows = query(state.execute, values)
        else:
            rows = state.rows_by(name, ahead, table.fit(ahead, values[0]), query)
        if key is not None:
            for row in rows:
                state.rows[name, row[key]] = row
        return rows

    return rows_of


def link_rows_to_write(where: Where, table: RowTable) -> Callable[[PassState], list[Row]]:
    """Return the function that gives the rows to be written: one named by its key is read once in a pass."""
    rows_of, key_of, name = link_query(where, table), _link_key(where, table), table.name
    if key_of is None:
        return rows_of

    def known_or_read(state: PassState) -> list[Row]:
        known = (name, key_of(state))
        if known not in state.rows:
            return rows_of(state)
        row = state.rows[known]
        return [] if row is None else [row]

    return known_or_read


def _link_key(where: Where, table: RowTable) -> Callable[[PassState], object] | None:
    """Return the function that gives the key of the one row that a condition names, or None where it names none."""
    key, test = table.spec.key, where.tests[0] if where.tests else None
    if key is None or test is None or len(where.tests) != 1 or (test.name, test.operator) != (key.name, "eq"):
        return None
    (_, fit), evaluate = table.fitters([key.name])[0], _value_of(test)
    return lambda state: fit(evaluate(state.scope, state))


def _link_read_by_key(
    query: RowQuery, key_of: Callable[[PassState], object], name: str, column: str
) -> Callable[[PassState], list[Row]]:
    def rows_of(state: PassState) -> list[Row]:
        key = key_of(state)
        rows = state.rows_by(name, column, key, query)
        state.rows[name, key] = rows[0] if rows else None
        return rows

    return rows_of


def _link_values(evaluators: list[Callable[..., object]]) -> Callable[[PassState], Sequence[object]]:
    if len(evaluators) == 1:
        only = evaluators[0]
        return lambda state: (only(state.scope, state),)
    return lambda state: [evaluate(state.scope, state) for evaluate in evaluators]


def _value_of(test: Any) -> Callable[[dict[str, Any], PassState], object]:
    if test.value is None:
        return lambda scope, state: state.now
    evaluate: Callable[[dict[str, Any], PassState], object] = test.value.evaluate
    return evaluate


SPEC = ActionSpec(
    name="find",
    title="Find one row and bind it with `as`; it stays locked until the event commits.",
    schema={
        "find": {"type": "string", "description": "The table.", "examples": ["tenants"]},
        "where": WHERE_SCHEMA,
        "order_by": {
            "description": "Columns, each with `desc` behind it for the greatest first; the first row counts.",
            "examples": ["created_at desc", ["status", "created_at desc"]],
            "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
        },
        "missing": missing_schema(park=True),
        "all": {
            "type": "boolean",
            "description": f"Bind every row that fits, as a list; more than {MOST_ROWS} fail the event.",
        },
    },
    required=("where",),
    binds=True,
    example="find: tenants\nwhere: {asaas_customer_id: $customer_id}\nas: tenant\nmissing: {finish: tenant_not_found}",
    parse=_parse,
    check=_check,
    bind=_bind,
    wants=_wants,
)

"""Conditions on rows: the `where` of steps, as data that the store turns into SQL once."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.column_fits import elements, literal_misfit, misfits, only_name
from gateway.config.diagnostics import DocumentFindings, did_you_mean
from gateway.config.document import Mapping, Scalar
from gateway.config.forgotten_dollars import forgotten_in_column
from gateway.config.scope import CheckScope
from gateway.config.scope_types import Bound
from gateway.config.steps import StepReader
from gateway.config.suspicions import Suspicion
from gateway.config.tables import Column, Table
from gateway.config.units import parse_duration
from gateway.config.values import Value, read_value
from gateway.config.wording import synonym
from gateway.expressions.types import in_words
from gateway.records import dataclass, replace

OPERATORS = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "is", "within")

OPERATOR_SCHEMA = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": False,
    "properties": {
        "eq": {"description": "Equal to the value.", "examples": ["active", "$tenant.id"]},
        "ne": {
            "description": "Not equal to the value; a null column is not equal to any value.",
            "examples": ["canceled"],
        },
        "gt": {"description": "Greater than the value.", "examples": ["$now", 0]},
        "gte": {"description": "Greater than the value, or equal.", "examples": ["$amount"]},
        "lt": {"description": "Less than the value.", "examples": ["${ add_days(now, `-30`) }"]},
        "lte": {"description": "Less than the value, or equal.", "examples": [3]},
        "in": {
            "description": "One of a list of values, or of a value that is a list.",
            "examples": [["trial", "active"], "$statuses"],
        },
        "is": {"description": "`null`: the column is empty; `present`: it is not.", "enum": [None, "null", "present"]},
        "within": {
            "type": "string",
            "description": "The column's time is no further than this from `of` (or from now).",
            "examples": ["24h"],
        },
        "of": {
            "description": "The time that `within` is measured from; now when it is left out.",
            "examples": ["$event.occurred_at"],
        },
    },
    "dependentRequired": {"of": ["within"]},
}
"""What may stand beside a column in `where` instead of a plain value."""

WHERE_SCHEMA = {
    "description": "Columns and their values, all of which must fit; or a list of such mappings, tried in order.",
    "examples": [{"asaas_customer_id": "$customer_id"}, [{"id": "$tenant_id"}, {"email": "$email"}]],
    "oneOf": [
        {"type": "object", "minProperties": 1},
        {"type": "array", "minItems": 1, "items": {"type": "object", "minProperties": 1}},
    ],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnTest:
    """One column compared with one value."""

    column: Scalar
    operator: str
    """One of OPERATORS, or `null` and `present`, which take no value."""
    value: Value | None = None
    seconds: float = 0.0
    """For `within`: how far the time may be from the value."""

    @property
    def name(self) -> str:
        """Return the column's name."""
        return str(self.column.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Tests that must all hold of a row: one strategy of a `find`."""

    tests: tuple[ColumnTest, ...]
    node: Mapping

    def check(self, table: Table | None, scope: CheckScope, *, needed: bool = False) -> None:
        """Report unknown columns and names; and null, which no row has, where a row is `needed`."""
        for test in self.tests:
            scope.value(test.value)
            if needed:
                scope.need(test.value, "`where`")
            if table is not None and scope.column(table, test.column):
                check_test(table, test, scope)


def read_where(reader: StepReader, key: str = "where") -> tuple[Where, ...]:
    """Read the strategies under `where`."""
    return tuple(_read_strategy(node, reader.findings) for node in reader.mappings(key))


def _read_strategy(node: Mapping, findings: DocumentFindings) -> Where:
    tests: list[ColumnTest] = []
    for column, item in node.entries:
        if isinstance(item, Mapping):
            tests.extend(_read_operators(column, item, findings))
        else:
            tests.append(ColumnTest(column=column, operator="eq", value=read_value(item, findings)))
    return Where(tests=tuple(tests), node=node)


def _read_operators(column: Scalar, node: Mapping, findings: DocumentFindings) -> list[ColumnTest]:
    tests: list[ColumnTest] = []
    if not node.entries:
        help = "write a value, or an operator such as `{is: present}`"
        findings.error("GW102", f"`{column.value}` is compared with nothing, so every row would fit", column, help=help)
    for key, item in node.entries:
        operator = str(key.value)
        if operator == "of":
            continue
        if operator not in OPERATORS:
            near = synonym(operator, OPERATORS) or did_you_mean(operator, OPERATORS)
            findings.error(
                "GW101",
                f"unknown operator `{operator}`",
                key,
                help=f"did you mean `{near}`?" if near else f"operators: {', '.join(OPERATORS)}",
            )
        elif operator == "is":
            test = _read_is(column, item, findings)
            tests.extend([test] if test else [])
        elif operator == "within":
            test = _read_within(column, node, item, findings)
            tests.extend([test] if test else [])
        else:
            tests.append(ColumnTest(column=column, operator=operator, value=read_value(item, findings)))
    if node.get("of") is not None and node.get("within") is None:
        findings.error(
            "GW102", "`of` needs `within` beside it", node, help="write `{within: 24h, of: $event.occurred_at}`"
        )
    return tests


def _read_is(column: Scalar, item: object, findings: DocumentFindings) -> ColumnTest | None:
    word = item.value if isinstance(item, Scalar) else item
    if word is None or word == "null":
        return ColumnTest(column=column, operator="null")
    if word == "present":
        return ColumnTest(column=column, operator="present")
    findings.error("GW104", "`is` takes `null` or `present`", item, help="compare with a value by `{eq: …}`")  # type: ignore[arg-type]
    return None


def _read_within(column: Scalar, node: Mapping, item: object, findings: DocumentFindings) -> ColumnTest | None:
    text = str(item.value) if isinstance(item, Scalar) else ""
    try:
        seconds = parse_duration(text).total_seconds()
    except ValueError as error:
        findings.error("GW106", str(error), item)  # type: ignore[arg-type]
        return None
    of = node.get("of")
    value = None if of is None else read_value(of, findings)
    return ColumnTest(column=column, operator="within", value=value, seconds=seconds)


def check_test(table: Table, test: ColumnTest, scope: CheckScope) -> None:
    """Report a value that no row can hold in the column that it is compared with."""
    column = table.column(test.name)
    if column is not None and test.operator == "within" and column.type not in {"timestamp", "date", "json"}:
        message = f"`within` asks for times, column `{column.name}` is {column.type}"
        scope.findings.error("GW308", message, test.column, help="name a column of type `timestamp`")
        return
    if column is None or test.value is None:
        return
    if test.operator == "in":
        scope.suspect(test.value.node, "in", _no_list(test.value, scope))
        check_fit(column, test.value, scope, each=True)
    elif test.operator == "within":
        scope.suspect(test.value.node, "of", _no_time(test.value, scope))
    else:
        check_fit(column, test.value, scope)


def _no_list(value: Value, scope: CheckScope) -> Iterator[Suspicion]:
    """Yield one value where `in` takes a list of them."""
    found = scope.type_of_value(value)
    if found.certain and "list" not in found.kinds:
        help = f"write `[{value.node.text}]`, or compare by `eq`" if isinstance(value.node, Scalar) else None
        message = f"`in` takes a list, this is {in_words(found)}"
        yield Suspicion(code="GW308", message=message, span=value.node.span, help=help)


def _no_time(value: Value, scope: CheckScope) -> Iterator[Suspicion]:
    """Yield what is no time where `within` measures from one."""
    found = scope.type_of_value(value)
    if value.literal:
        unfit = literal_misfit(Column(name="of", type="timestamp"), value.constant) is not None
    else:
        unfit = bool(found.certain) and found.certain.isdisjoint({"text", "timestamp", "date"})
        unfit = unfit or (found.certain == {"text"} and found.values is not None)
    if unfit:
        message = f"`of` is the time that `within` is measured from, this is {in_words(found)}"
        yield Suspicion(code="GW308", message=message, span=value.node.span, help="for example `$event.occurred_at`")


def check_fit(column: Column, value: Value, scope: CheckScope, *, each: bool = False) -> None:
    """Report a value that its column can never hold; `each` says that it may be a list of such values."""
    if not value.literal:
        _check_worked_out(column, value, scope, each=each)
        return
    scope.suspect(value.node, "dollar", forgotten_in_column(column, value.node, scope.names))
    constant = value.constant
    for item in constant if each and isinstance(constant, list) else [constant]:
        unfit = literal_misfit(column, item)
        if unfit is not None:
            scope.findings.error("GW305", unfit[0], value.node, help=unfit[1], note=_declared(column))


def _check_worked_out(column: Column, value: Value, scope: CheckScope, *, each: bool) -> None:
    known = scope.names.get(only_name(value) or "")
    aspect = f"column {column.name}"
    if known is not None and known.given is not None:
        _check_literal_given(column, known.given, scope)
    elif known is not None and known.value is not None:
        # What a `run` gives is wrong there, whatever others give.
        aspect = f"{id(value.node)} {aspect}"
        scope.suspect(known.value.node, aspect, _given_misfits(column, known, each=each))
    else:
        scope.suspect(value.node, aspect, _misfits(column, value, scope, each=each))


def _misfits(column: Column, value: Value, scope: CheckScope, *, each: bool) -> Iterator[Suspicion]:
    found = scope.type_of_value(value)
    notes = (*(place for part in value.parts for place in scope.origins(part)), *_declared(column))
    for one in misfits(column, value, elements(found) if each else found, scope.type_of):
        yield replace(one, note=notes)


def _given_misfits(column: Column, known: Bound, *, each: bool) -> Iterator[Suspicion]:
    assert known.value is not None
    found = elements(known.type) if each else known.type
    for one in misfits(column, known.value, found, known.type_of):
        yield replace(one, note=_declared(column))


def check_present(column: Column, value: Value, scope: CheckScope) -> None:
    """Report null for a column that must hold something."""
    if column.primary_key or column.required:
        scope.need(value, f"column `{column.name}`")
    if value.literal and value.constant is None and (column.primary_key or column.required):
        why = "names the row" if column.primary_key else "is `required`"
        message = f"column `{column.name}` {why}: it cannot be null"
        scope.findings.error("GW305", message, value.node, note=_declared(column))


def _declared(column: Column) -> tuple[str, ...]:
    return () if column.place is None else (f"column `{column.name}` is declared in {column.place}",)


def _check_literal_given(column: Column, given: Scalar, scope: CheckScope) -> None:
    """Report a literal that `with` gives a procedure which puts it into a column as it is."""
    wrong = literal_misfit(column, given.value)
    if wrong is not None:
        notes = _declared(column)
        if scope.running:
            notes = (f"procedure `{scope.running[-1]}` puts it into column `{column.name}`", *notes)
        scope.findings.error("GW305", wrong[0], given, help=wrong[1], note=notes)

"""Checks of consistency checks: their tables, columns and values, and whether their repair has all it needs."""

from __future__ import annotations

from gateway.config.conditions import ColumnTest, check_test
from gateway.config.consistency import ConsistencyCheck
from gateway.config.diagnostics import did_you_mean
from gateway.config.procedure_needs import OpenScope, needs_of
from gateway.config.scope import CheckScope
from gateway.config.tables import Column, Table
from gateway.config.wording import listed


def check_consistency(check: ConsistencyCheck, scope: CheckScope, repairs: OpenScope) -> None:
    """Report what is wrong with one check; `repairs` is the scope that its procedure is looked at in."""
    scope.names = {name: known for name, known in scope.names.items() if name in {"settings", "now"}}
    table = scope.table(check.table, check.node.get("find"))
    other = scope.table(check.other, check.node.get("lacks"))
    if table is not None and table.key is None and (table.columns or not table.existing):
        scope.findings.error(
            "GW306",
            f"table `{table.name}` has no key, so what is found could not be named",
            check.node.get("find") or check.node,
            help="mark one of its columns with `primary_key: true`",
        )
    if check.where is not None:
        check.where.check(table, scope)
    for test in check.by.tests:
        _check_test(check, test, table, other, scope)
    if check.notify is not None:
        scope.channel(check.notify, check.node.get("notify"))
    _check_repair(check, table, repairs)


def _check_test(
    check: ConsistencyCheck, test: ColumnTest, table: Table | None, other: Table | None, scope: CheckScope
) -> None:
    known = other is not None and scope.column(other, test.column)
    read = check.column_of(test)
    if read is not None and test.value is not None:
        _check_columns(check, test, read, table, other if known else None, scope)
    elif _reads_row(check, test):
        assert test.value is not None
        scope.findings.error(
            "GW306",
            f"`by` compares with a column of `{check.bind_as}` as it stands, or with what is the same for all rows",
            test.value.node,
            help=f"write `${check.bind_as}.column`",
        )
    else:
        scope.value(test.value)
        if other is not None and known:
            check_test(other, test, scope)


def _reads_row(check: ConsistencyCheck, test: ColumnTest) -> bool:
    parts = test.value.parts if test.value is not None else ()
    return any(reference.path[0] == check.bind_as for part in parts for reference in part.names)


def _check_columns(
    check: ConsistencyCheck, test: ColumnTest, read: str, table: Table | None, other: Table | None, scope: CheckScope
) -> None:
    assert test.value is not None
    if test.operator in {"in", "within"}:
        help = "compare by `eq`, `ne`, `gt`, `gte`, `lt` or `lte`"
        scope.findings.error("GW306", f"`{test.operator}` takes no column of another row", test.value.node, help=help)
        return
    column = None if table is None else table.column(read)
    if table is not None and column is None and (table.columns or not table.existing):
        near = did_you_mean(read, table.names)
        scope.findings.error(
            "GW202",
            f"table `{table.name}` has no column `{read}`",
            test.value.node,
            help=f"did you mean `{near}`?" if near else f"columns: {listed(table.names)}",
        )
    wanted = None if other is None else other.column(test.name)
    if column is not None and wanted is not None and not _comparable(column, wanted):
        scope.findings.error(
            "GW306",
            f"column `{check.other}.{wanted.name}` is {wanted.type}, `{check.table}.{column.name}` is {column.type}",
            test.value.node,
            help="only columns of one type can be compared",
        )


def _comparable(one: Column, other: Column) -> bool:
    return one.type == other.type and one.type != "json"


def _check_repair(check: ConsistencyCheck, table: Table | None, repairs: OpenScope) -> None:
    node = check.node.get("repair")
    if check.repair is None or node is None:
        return
    known = repairs.procedures.names()
    if check.repair not in known:
        near = did_you_mean(check.repair, known)
        rest = f"procedures: {listed(known)}" if known else "declare it under `procedures`"
        repairs.findings.error(
            "GW204",
            f"unknown procedure `{check.repair}`",
            node,
            help=f"did you mean `{near}`?" if near else rest,
        )
        return
    needed = needs_of(check.repair, repairs, {check.bind_as: repairs.row(table)})
    if needed:
        repairs.findings.error(
            "GW212",
            f"procedure `{check.repair}` needs {listed(needed)}, and a repair gives it `{check.bind_as}` alone",
            node,
            help=f"have the procedure read it from the row, as `${check.bind_as}.column`, or bind it in a step",
        )

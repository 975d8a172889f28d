"""`gateway tables`: look at the rows that rules keep, and change them by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli import Usage
from gateway.cli.opening import CannotRun, actor, config_option, json_option, now, open_project, open_store
from gateway.cli.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from gateway.config.tables import Table
    from gateway.project import Project
    from gateway.store.database import Database
    from gateway.store.rows import RowTable

_LIMIT, _MOST = 50, 10_000


@click.group("tables")
def command() -> None:
    """Look at the rows that rules keep, and change them by hand."""


@command.command("list", epilog="Example: gateway tables list tenants")
@click.argument("table", required=False)
@click.option("--limit", type=click.IntRange(1, _MOST), default=_LIMIT, show_default=True, help="Rows at the most.")
@click.option("--cursor", help="Where to go on: `next` of the page before.")
@config_option
@json_option
def list_command(table: str | None, limit: int, cursor: str | None, config: Path, as_json: bool) -> None:
    """List the rows of TABLE by their key; without TABLE, the tables."""
    project = open_project(config)
    if table is None:
        _list_tables(project, as_json=as_json)
    else:
        _list_rows(project, table, limit, cursor, as_json=as_json)


def _list_tables(project: Project, *, as_json: bool) -> None:
    from gateway.admin.project_json import tables_json

    with _linked(project) as (_, tables):
        shown = tables_json(table.spec for table in tables.values())
    if as_json:
        print_json(shown)
        return
    rows = [
        (table["name"], table["key"], ", ".join(f"{column['name']} {column['type']}" for column in table["columns"]))
        for table in shown["tables"]
    ]
    print_table(("TABLE", "KEY", "COLUMNS"), rows)


def _list_rows(project: Project, name: str, limit: int, cursor: str | None, *, as_json: bool) -> None:
    from gateway.store.operator_rows import list_rows, row_json

    with _linked(project) as (database, tables):
        table = _require_table(tables, name)
        page = list_rows(database, table, limit=limit, cursor=cursor)
    rows = [row_json(row, table.spec) for row in page.rows]
    if as_json:
        print_json({"rows": rows, "next": page.next})
        return
    print_table(table.spec.names, [[_shown(value) for value in row.values()] for row in rows])
    if page.next is not None:
        click.echo(f"more: --cursor {page.next}", err=True)


@command.command("get", epilog="Example: gateway tables get organization_balances org_01EHWNCE74X7JSDV0X3SZ3KJNY")
@click.argument("table")
@click.argument("key")
@config_option
@json_option
def get_command(table: str, key: str, config: Path, as_json: bool) -> None:
    """Print the row of TABLE with KEY."""
    from gateway.store.operator_rows import get_row

    with _linked(open_project(config)) as (database, tables):
        found = _require_table(tables, table)
        row = get_row(database, found, key)
    _print_row(row, found.spec, as_json=as_json)


@command.command("set", epilog="Example: gateway tables set tenants tenant-1 status=active canceled_at:=null")
@click.argument("table")
@click.argument("key")
@click.argument("values", nargs=-1, required=True, metavar="COLUMN=VALUE...")
@config_option
@json_option
def set_command(table: str, key: str, values: tuple[str, ...], config: Path, as_json: bool) -> None:
    """Change columns of the row of TABLE with KEY, or create it; who and when is recorded.

    COLUMN=VALUE is read as the column's type says; COLUMN:=JSON takes a JSON value, such as null.
    """
    from gateway.store.operator_rows import put_row

    with _linked(open_project(config), write=True) as (database, tables):
        found = _require_table(tables, table)
        given = dict(_assignment(text, found.spec) for text in values)
        put = put_row(database, found, key, given, actor=actor(), now=now())
    _print_row(put.row, found.spec, as_json=as_json)
    if not as_json:
        done = "created" if put.created else f"changed {', '.join(put.changed)}" if put.changed else "nothing to change"
        click.echo(done, err=True)


def _assignment(text: str, table: Table) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Usage(f"`{text}` is not COLUMN=VALUE", "`COLUMN:=JSON` takes a JSON value, such as null")
    column = table.column(name.removesuffix(":"))
    if name.endswith(":") or (column is not None and column.type == "json"):
        return name.removesuffix(":"), _json_value(text, value)
    return name, value


def _json_value(text: str, value: str) -> object:
    try:
        return json.loads(value, parse_float=Decimal)
    except ValueError as error:
        raise Usage(f"`{text}`: the value is not JSON: {error}") from None


@contextmanager
def _linked(project: Project, *, write: bool = False) -> Iterator[tuple[Database, Mapping[str, RowTable]]]:
    from gateway.engine.program import link_tables
    from gateway.store.reflection import reflect_existing

    with open_store(project.settings, write=write) as database:
        yield database, link_tables(reflect_existing(database, project.tables), database.dialect)


def _require_table(tables: Mapping[str, RowTable], name: str) -> RowTable:
    if name not in tables:
        from gateway.config.diagnostics import did_you_mean

        near = did_you_mean(name, tables)
        raise CannotRun(
            f"the rules have no table `{name}`",
            help=f"did you mean `{near}`?" if near else f"tables: {', '.join(sorted(tables)) or 'none'}",
        )
    return tables[name]


def _print_row(row: Mapping[str, object], table: Table, *, as_json: bool) -> None:
    from gateway.store.operator_rows import row_json

    shown = row_json(row, table)
    if as_json:
        print_json({"row": shown})
        return
    width = max(map(len, shown))
    for name, value in shown.items():
        print_line(f"{name:<{width}}  {_shown(value)}".rstrip())


def _shown(value: Any) -> str:
    from gateway.expressions import to_text

    return to_text(value)

"""Operators' rows over HTTP: listed, read, written by hand."""

from __future__ import annotations

from typing import Any

from gateway.admin.parameters import DEFAULT_LIMIT, LIMIT, ROW_CURSOR
from gateway.admin.project_json import tables_json
from gateway.admin.routes import Call, Calls, Route, Running
from gateway.admin.schemas import ROW, TABLE, list_of, page_of, record, ref
from gateway.config.diagnostics import did_you_mean
from gateway.errors import NotFound
from gateway.store.operator_rows import get_row, list_rows, put_row, row_json
from gateway.store.rows import RowTable

_TABLE = {"table": "A table of the rules."}
_KEY = {**_TABLE, "key": "The row's key, percent-encoded."}
_ONE_ROW = record({"row": ref(ROW)})


class TableRoutes:
    """What can be asked of operators' tables, and done to their rows."""

    def __init__(self, running: Running, reader: Calls, writer: Calls) -> None:
        """Take the gateway, a connection that only reads, and the one that writes."""
        self._running = running
        self._reader = reader
        self._writer = writer

    def routes(self) -> tuple[Route, ...]:
        """Return the addresses."""
        return (
            Route(
                method="GET",
                path="/api/tables",
                summary="List the tables of the rules, with their columns.",
                run=self._tables,
                answer=record({"tables": list_of(ref(TABLE))}),
            ),
            Route(
                method="GET",
                path="/api/tables/{table}",
                summary="List rows by their key.",
                run=self._list,
                query=(LIMIT, ROW_CURSOR),
                answer=page_of("rows", ROW),
                refusals=("invalid_row", "not_found", "conflict"),
                open_parts=_TABLE,
            ),
            Route(
                method="GET",
                path="/api/tables/{table}/{key}",
                summary="Read one row.",
                run=self._get,
                answer=_ONE_ROW,
                refusals=("invalid_row", "not_found", "conflict"),
                open_parts=_KEY,
            ),
            Route(
                method="PUT",
                path="/api/tables/{table}/{key}",
                summary="Create a row by hand, or change the columns given; who and when is recorded.",
                run=self._put,
                body={"type": "object", "description": "Columns and their values.", "additionalProperties": True},
                body_required=True,
                answer=_ONE_ROW,
                refusals=("invalid_row", "not_found", "conflict"),
                open_parts=_KEY,
            ),
        )

    def _table(self, call: Call) -> RowTable:
        tables, name = self._running.program.tables, call.names["table"]
        table = tables.get(name)
        if table is None:
            near = did_you_mean(name, tables)
            raise NotFound(f"the rules have no table `{name}`" + (f", did you mean `{near}`?" if near else ""))
        return table

    async def _tables(self, _call: Call) -> dict[str, Any]:
        return tables_json(table.spec for table in self._running.program.tables.values())

    async def _list(self, call: Call) -> dict[str, Any]:
        table, limit = self._table(call), call.query.get("limit", DEFAULT_LIMIT)
        cursor = call.query.get("cursor")
        page = await self._reader.call(lambda database: list_rows(database, table, limit=limit, cursor=cursor))
        return {"rows": [row_json(row, table.spec) for row in page.rows], "next": page.next}

    async def _get(self, call: Call) -> dict[str, Any]:
        table, key = self._table(call), call.names["key"]
        row = await self._reader.call(lambda database: get_row(database, table, key))
        return {"row": row_json(row, table.spec)}

    async def _put(self, call: Call) -> dict[str, Any]:
        table, key, values = self._table(call), call.names["key"], call.body
        put = await self._writer.call(
            lambda database: put_row(database, table, key, values, actor=call.actor, now=call.now)
        )
        return {"row": row_json(put.row, table.spec)}

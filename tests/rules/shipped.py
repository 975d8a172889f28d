"""The shipped rules on an engine of their own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from gateway.building import build_program, build_source
from gateway.config.diagnostics import Findings
from gateway.engine.loop import Engine
from gateway.engine.program import Program
from gateway.project import Project, load_project
from gateway.receiving.deliveries import read_delivery
from gateway.store.database import Database, open_database, parse_address
from gateway.store.inbox import append_deliveries, outcome_of
from gateway.store.migrations import migrate

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 21, tzinfo=UTC)

Rows = dict[str, list[tuple[Any, ...]]]


@cache
def project() -> Project:
    environ = {
        "ASAAS_WEBHOOK_TOKEN": "token-0123456789",
        "STRIPE_WEBHOOK_SECRET": "whsec_0123456789",
        "STRIPE_INVOICES_WEBHOOK_SECRET": "whsec_0123456789",
        "PAYPAL_WEBHOOK_ID": "40L71081MK3756722",
        "WORKOS_WEBHOOK_SECRET": "secret-0123456789",
    }
    findings = Findings()
    found = load_project(ROOT / "gateway.yaml", findings, environ)
    assert found is not None
    assert not findings.has_errors, findings.diagnostics
    return found


@cache
def program() -> Program:
    with closing(fresh_database()) as database:
        return build_program(project(), database)


def fresh_database() -> Database:
    database = open_database(parse_address("sqlite://", ROOT))
    migrate(database, project().tables.values())
    return database


def store(database: Database, table: str, rows: Iterable[Mapping[str, object]]) -> None:
    row_table = program().tables[table]
    for row in rows:
        fitted = {name: row_table.fit(name, value) for name, value in row.items()}
        assert row_table.inserter(tuple(fitted))(database.execute, fitted)


def deliver(database: Database, source: str, *payloads: bytes | dict[str, Any], slice_of: int = 64) -> list[int]:
    """Store deliveries at once, run all, and return the events' numbers."""
    settings = project().settings.source(source)
    assert settings is not None
    receiving = build_source(replace(settings, verify=None), project(), program())
    bodies = [body if isinstance(body, bytes) else json.dumps(body).encode() for body in payloads]
    at = NOW.timestamp()
    receipts = append_deliveries(
        database, [read_delivery(receiving, body, {}, request_id="r", now=at) for body in bodies]
    )
    engine = Engine(database, program(), clock=lambda: int(at * 1_000_000), chance=lambda: 0.5)
    while engine.run_slice(slice_of).ended:
        continue
    return [receipt.id for receipt in receipts]


def status(database: Database, event: int) -> tuple[str, str | None]:
    outcome = outcome_of(database, event)
    assert outcome is not None
    return outcome.status, outcome.result


def rows(database: Database, *tables: str) -> Rows:
    return {name: database.execute(f"SELECT * FROM {name} ORDER BY 1", ()).fetchall() for name in tables}


def rows_of(database: Database, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """Return some columns of all rows of a table, in the order of the first."""
    query = f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1"
    found: list[tuple[Any, ...]] = database.execute(query, ()).fetchall()
    return found

"""Events put into the inbox without HTTP: by the store's own functions, a batch a transaction."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.deliveries import TENANTS, Event, tenant_customer, tenant_name
from bench.servers import gateway_environment
from gateway.config.diagnostics import Findings
from gateway.config.reporters import report
from gateway.project import Project, load_project
from gateway.store.claiming import Finish, TraceRow, finish_events
from gateway.store.database import Database, open_database, parse_address
from gateway.store.inbox import Delivery, Receipt, append_deliveries
from gateway.store.migrations import migrate

_BATCH = 1_000

# What a provider's delivery brings beside its body, and what the shipped rules leave of a simple event.
_HEADERS = json.dumps(
    {
        "host": "127.0.0.1",
        "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "accept": "*/*; q=0.5, application/xml",
        "content-type": "application/json; charset=utf-8",
    }
)
_TRACE = json.dumps({"rule": "subscription changed", "steps": [{"find": 1}, {"upsert": 1}, {"update": 1}]})


class BacklogFailure(Exception):
    """The events could not be put into the inbox."""


def prepare_database(config: Path) -> None:
    """Make the gateway's database with the rows that the events refer to."""
    database = _open(config)
    with database.transaction():
        database.execute_many(
            "INSERT INTO accounts (id, status, plan) VALUES (?, 'new', 'free')",
            [(tenant_name(number),) for number in range(TENANTS)],
        )
        database.execute_many(
            "INSERT INTO tenants (id, status, asaas_customer_id) VALUES (?, 'trial', ?)",
            [(tenant_name(number), tenant_customer(number)) for number in range(TENANTS)],
        )
    database.close()


def store_ready(config: Path, source: str, events: Iterable[Event]) -> None:
    """Store events that wait to be processed."""
    _store(config, source, events, done=False)


def store_done(config: Path, source: str, events: Iterable[Event]) -> None:
    """Store events that were processed long ago, each with a trace."""
    _store(config, source, events, done=True)


def _store(config: Path, source: str, events: Iterable[Event], *, done: bool) -> None:
    database = _open(config)
    stream = iter(events)
    while batch := list(itertools.islice(stream, _BATCH)):
        receipts = append_deliveries(database, [_delivery(source, event) for event in batch])
        if any(receipt.duplicate for receipt in receipts):
            raise BacklogFailure(f"an event of `{source}` was stored already")
        if done:
            _finish(database, receipts)
    database.close()


def _open(config: Path) -> Database:
    project = _project(config)
    database = open_database(parse_address(project.settings.database, config.parent))
    migrate(database, project.tables.values())
    return database


def _project(config: Path) -> Project:
    findings = Findings()
    project = load_project(config, findings, gateway_environment())
    if project is None or findings.has_errors:
        raise BacklogFailure(report(findings, "full"))
    return project


def _delivery(source: str, event: Event) -> Delivery:
    return Delivery(
        source=source,
        event_id=event.id,
        event_second=event.second,
        type=event.type,
        key=event.key,
        occurred_at=event.second * 1_000_000,
        received_at=_now(),
        headers=_HEADERS,
        body=event.body,
        status="ready",
        error=None,
        verified_by="bench#0",
        request_id=f"req_{event.id[-16:]}",
    )


def _finish(database: Database, receipts: Sequence[Receipt]) -> None:
    now = _now()
    with database.transaction():
        finish_events(
            database,
            [
                Finish(
                    status="done",
                    attempts=1,
                    next_attempt_at=None,
                    finished_at=now,
                    rule="subscription changed",
                    result="subscription_stored",
                    error=None,
                    response=None,
                    seq=receipt.id,
                )
                for receipt in receipts
            ],
            [TraceRow(receipt.id, 1, now, 100, "done", _TRACE) for receipt in receipts],
        )


def _now() -> int:
    return time.time_ns() // 1_000

"""An engine on a database of its own, with rules from a text: for tests of what rules do."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from gateway.actions import ACTIONS_BY_NAME
from gateway.config.checks import check_rules, merge_tables
from gateway.config.declarations import Targets
from gateway.config.diagnostics import Findings
from gateway.config.rules import read_rules
from gateway.engine.ending import Ended
from gateway.engine.loop import Engine
from gateway.engine.program import Program, link_lookups, link_source, link_tables
from gateway.engine.retry import RetryPolicy
from gateway.store.ahead import may_read_ahead
from gateway.store.codecs import dump_json, encode_decimal, encode_timestamp
from gateway.store.database import Database, open_database, parse_address
from gateway.store.inbox import Delivery, Receipt, append_deliveries
from gateway.store.leases import Settled, lease, settle
from gateway.store.migrations import migrate

TARGETS = Targets(
    destinations={"app": "http://127.0.0.1:9000", "events": "nats://127.0.0.1"}, channels=("admins", "clerks")
)
NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


class Sent(NamedTuple):
    """A row of the outbox."""

    kind: str
    action: str
    target: str
    position: str
    message_id: str
    request: str
    status: str


def new_database() -> str:
    """Return the address of an empty database; `on_each_database` has it made where a test is to run."""
    return "sqlite:///test.db"


opened: list[Database] = []
"""What is to be closed when a test has ended."""


def open_new(folder: Path, url: str | None = None) -> Database:
    """Open a database, a new one unless its address is given; it is closed when the test has ended."""
    database = open_database(parse_address(url or new_database(), folder))
    opened.append(database)
    return database


@dataclass
class Bench:
    """Rules, an engine, and a clock that stands still until it is moved."""

    folder: Path
    rules: str
    unmatched: str = "ignore"
    url: str | None = None
    now: datetime = NOON
    source: str = "shop"
    strict: bool = False
    targets: Targets = TARGETS
    database: Database = field(init=False)
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.database = open_new(self.folder, self.url)
        self.load(self.rules)

    def load(self, rules: str) -> None:
        """Read the rules, migrate, and make an engine that runs them."""
        path = self.folder / "rules.yaml"
        path.write_text(rules)
        findings = Findings()
        file = read_rules(path, "rules.yaml", findings, ACTIONS_BY_NAME)
        assert file is not None, findings.diagnostics
        tables = merge_tables([file], findings)
        check_rules(file, tables, findings, self.targets)
        assert not findings.has_errors, findings.diagnostics
        migrate(self.database, tables.values())
        row_tables = link_tables(tables, self.database.dialect)
        source = link_source(self.source, [file], row_tables, {}, unmatched=self.unmatched, strict=self.strict)
        program = Program(
            sources={self.source: source},
            tables=row_tables,
            retry=RetryPolicy(first=5, factor=3, most=3600, jitter=0, give_up_after=86400),
            by_key=link_lookups(row_tables),
            reads_ahead=may_read_ahead(self.database, list(tables)),
        )
        self.engine = Engine(self.database, program, clock=lambda: microseconds(self.now), chance=lambda: 0.5)

    def delivery(
        self,
        event: dict[str, Any] | bytes,
        *,
        at: datetime | None = None,
        id: str | None = None,
        key: str | None = None,
    ) -> Delivery:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        fields = event if isinstance(event, dict) else {}
        return Delivery(
            source=self.source,
            event_id=id or str(fields.get("id", "evt_1")),
            event_second=0 if at is None else microseconds(at) // 1_000_000,
            type=str(fields.get("type", "order")),
            key=key,
            occurred_at=None if at is None else microseconds(at),
            received_at=microseconds(self.now),
            headers="{}",
            body=body,
            status="ready",
            error=None,
            verified_by="token#0",
            request_id="r1",
        )

    def send(self, *deliveries: Delivery) -> list[Receipt]:
        return append_deliveries(self.database, deliveries)

    def run(self, limit: int = 64) -> list[Ended]:
        """Run slices until nothing is ready or due."""
        ended: list[Ended] = []
        while True:
            done = self.engine.run_slice(limit)
            ended.extend(done.ended)
            if not done.more:
                return ended

    def process(self, event: dict[str, Any] | bytes, **more: Any) -> dict[str, Any]:
        """Send one event, run it, and return how it stands."""
        [receipt] = self.send(self.delivery(event, **more))
        self.run()
        return self.event(receipt.id)

    def event(self, seq: int) -> dict[str, Any]:
        names = ("status", "result", "rule", "error", "attempts", "next_attempt_at", "finished_at", "duplicates")
        row = self.database.execute(f"SELECT {', '.join(names)} FROM gateway_events WHERE seq = ?", (seq,)).fetchone()
        return dict(zip(names, row, strict=True))

    def trace(self, seq: int, attempt: int = 1) -> dict[str, Any]:
        statement = "SELECT trace FROM gateway_traces WHERE event = ? AND attempt = ?"
        return json.loads(self.database.execute(statement, (seq, attempt)).fetchone()[0])  # type: ignore[no-any-return]

    def outbox(self) -> list[Sent]:
        """Return messages and calls, in the order in which they were written."""
        names = ", ".join(Sent._fields)
        found = self.database.execute(f"SELECT {names} FROM gateway_outbox ORDER BY seq", ()).fetchall()
        return [Sent(*row) for row in found]

    def answer(self, value: object = None, *, code: str | None = None, error: str | None = None) -> Sent:
        """Answer the one call that is open, as a courier does, and run its event again; return the call."""
        [call] = [one for one in self.outbox() if one.kind == "call" and one.status == "ready"]
        now = microseconds(self.now)
        [row] = lease(self.database, {(call.action, call.target): 1}, now=now, until=now + 1_000_000, owner="test")
        status, text = ("done", dump_json(value)) if code is None else ("dead", None)
        settled = Settled(row.seq, row.event, row.kind, status, 1, None, now, text, code, error)
        assert settle(self.database, [settled], "test")
        self.run()
        return call

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """Return all rows by the first column, decimals and times as texts."""
        found = self.database.execute(f"SELECT * FROM {table} ORDER BY 1", ()).fetchall()
        return [tuple(map(as_text, row)) for row in found]


def as_text(value: object) -> object:
    """Return a value as SQLite keeps it: decimals, times and JSON as texts."""
    if isinstance(value, dict | list):
        return dump_json(value)
    if isinstance(value, Decimal):
        return encode_decimal(value)
    return encode_timestamp(value) if isinstance(value, datetime) else value

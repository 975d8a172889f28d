"""The engine's ceiling: the ASAAS rule for a received payment as plain `sqlite3` calls, 64 events a transaction.

It works on the gateway's own tables and leaves the same rows, but there is no rule: no matching, no checks of types,
no retries, and a trace that is a constant.
Run as `python -m bench.peers.plain_drain DATABASE`; prints events a second.
"""

from __future__ import annotations

import gc
import json
import sqlite3
import sys
import time
from contextlib import closing

_SLICE = 64
_TRACE = json.dumps(
    {"rule": "payment made", "steps": [{"find": "tenants"}, {"upsert": "asaas_payments"}, {"update": "tenants"}]}
)

_CLAIM = f"""
SELECT e.seq, e.received_at, b.body FROM gateway_events AS e JOIN gateway_bodies AS b ON b.event = e.seq
WHERE e.finished_at IS NULL AND e.status = 'ready' AND e.next_attempt_at IS NULL ORDER BY e.seq LIMIT {_SLICE}
"""
_FIND_TENANT = "SELECT id, status, last_event_at FROM tenants WHERE asaas_customer_id = ?"
_UPSERT_PAYMENT = """
INSERT INTO asaas_payments (id, tenant_id, value, due_date, status, last_event_at) VALUES (?, ?, ?, ?, 'paid', ?)
ON CONFLICT (id) DO UPDATE SET value = excluded.value, due_date = excluded.due_date, status = excluded.status,
                               last_event_at = excluded.last_event_at
"""
_UPDATE_TENANT = "UPDATE tenants SET status = 'active', last_event_at = ? WHERE id = ?"
_FINISH = """
UPDATE gateway_events SET status = 'done', attempts = 1, finished_at = ?, rule = 'payment made',
                          result = 'tenant_activated' WHERE seq = ?
"""
_INSERT_TRACE = """
INSERT INTO gateway_traces (event, attempt, started_at, microseconds, status, trace) VALUES (?, 1, ?, 50, 'done', ?)
"""


def drain(path: str) -> int:
    """Process every ready event; return how many there were."""
    done = 0
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("synchronous = FULL", "wal_autocheckpoint = 250", "temp_store = MEMORY", "cache_size = -32768"):
            connection.execute(f"PRAGMA {pragma}")
        while count := drain_slice(connection):
            done += count
    return done


def drain_slice(connection: sqlite3.Connection) -> int:
    """Process one slice in one transaction; return how many events it had."""
    execute = connection.execute
    execute("BEGIN IMMEDIATE")
    rows = execute(_CLAIM).fetchall()
    now = time.time_ns() // 1_000
    for _, _, body in rows:
        event = json.loads(body)
        payment, at = event["payment"], event["dateCreated"]
        tenant = execute(_FIND_TENANT, (payment["customer"],)).fetchone()
        execute(_UPSERT_PAYMENT, (payment["id"], tenant[0], str(payment["value"]), payment["dueDate"], at))
        execute(_UPDATE_TENANT, (at, tenant[0]))
    connection.executemany(_FINISH, [(now, seq) for seq, _, _ in rows])
    connection.executemany(_INSERT_TRACE, [(seq, now, _TRACE) for seq, _, _ in rows])
    execute("COMMIT")
    return len(rows)


def main() -> None:
    gc.freeze()
    started = time.perf_counter()
    done = drain(sys.argv[1])
    print(done / (time.perf_counter() - started))


if __name__ == "__main__":
    main()

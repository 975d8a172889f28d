"""Hot statements read little on PostgreSQL: whatever it knows of the tables, and however long ago it planned."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from servers import PostgresServer

from gateway.store import arrivals, claiming, depths, holding, inbox, leases, outbox, retention, stripes
from gateway.store.database import open_database, parse_address
from gateway.store.dialects import in_postgresql
from gateway.store.migrations import migrate
from gateway.store.postgres import SESSION

DONE, READY, WAITING, HELD, SENT, UNSENT = 12_000, 6_000, 500, 3_000, 6_000, 3_000
MOST_ROWS = 1_500
"""Far fewer than are ready, than are done, and than have been sent; a slice and what it needs."""

HELD_KEY = "held"
OWNER = "host/1/1"
_ALL = list(range(stripes.STRIPES))
_LATE = 10**16
_SLICE = list(range(DONE + 1, DONE + 257))
_KNOWN = range(1, 201)

STATEMENTS: dict[str, tuple[str, Sequence[object]]] = {
    "take what is ready": (stripes._TAKE_READY, [_ALL, 64]),
    "take what is due": (stripes._TAKE_DUE, [_ALL, _LATE, 64]),
    "take all that is ready": (stripes._TAKE_ALL_READY, [_ALL]),
    "take all that is due": (stripes._TAKE_ALL_DUE, [_ALL, _LATE]),
    "claim what is ready": (claiming._CLAIM_READY_STRIPES, [_ALL, 4]),
    "claim what is due": (claiming._CLAIM_DUE_STRIPES, [_ALL, _LATE, 4]),
    "next due": (claiming._NEXT_DUE, []),
    "any parked": (claiming._ANY_PARKED, []),
    "any held": (holding._ANY_WAITING, []),
    "unpark": (claiming._UNPARK, ["shop", "key-7"]),
    "holders": (holding._ALL_HOLDERS, [["shop"] * 4, [f"key-{n}" for n in range(3)] + [HELD_KEY]]),
    "hold": (holding._HOLD_ALL, [[1] * 256, ["behind"] * 256, _SLICE]),
    "release": (holding._RELEASE_ALL, [["shop"] * 2, [HELD_KEY, "key-7"], [2, 2]]),
    "event at": (claiming._EVENT_AT, ["shop", 1_700_000_000, 1_700_000_000_000_000]),
    "finish": (
        claiming._FINISH_ALL,
        [*([value] * 256 for value in ("done", 1, None, 1, "r", "x", None, None)), _SLICE],
    ),
    "trace": (claiming._INSERT_TRACES, [_SLICE, *([value] * 256 for value in (1, 1, 1, "done", "{}"))]),
    "arrive": (
        arrivals._ARRIVE,
        [
            ["shop"] * 200, [1_700_000_000] * 200, [f"new-{n}" for n in range(200)],
            *([value] * 200 for value in ("order", "key", "ready", 1, 1, None, None, "t#0", "r", 1, "{}", "{}")), _ALL,
        ],
    ),
    "arrive again": (
        arrivals._COUNT_DUPLICATES,
        [["shop"] * 200, [1_700_000_000 + n // 20 for n in _KNOWN], [f"evt-{n}" for n in _KNOWN], [1] * 200],
    ),
    "outcome": (inbox._OUTCOME, [5]),
    "answers": (outbox._ANSWERS, [7]),
    "any to send": (leases._ANY_DUE, ["send", "app", _LATE]),
    "to send": (leases._DUE, ["send", "app", _LATE, 100]),
    "next to send": (leases._NEXT_DUE, ["send", "app"]),
    "next target": (leases._NEXT_TARGET, ["", ""]),
    "longest parked": (depths._LONGEST_PARKED, ["shop", 5]),
    "last notice": (depths._LAST_NOTICE, ["alert", "alert~"]),
    "old": (retention._OLD, [500, 200]),
    "not left yet": (retention._OPEN, [1, 500]),
    "notices": (retention._NOTICES, ["", 500]),
    "later notice": (retention._LATER_NOTICE, ["alert", "alert~", 5]),
    "owners": (leases._OWNERS, []),
    "give back": (leases._RELEASE, [1, OWNER]),
}  # fmt: skip

_FILL_EVENTS = """
INSERT INTO gateway_events (source, event_second, event_id, type, key, status, occurred_at, received_at, finished_at,
                            next_attempt_at, stripe)
SELECT 'shop', 1700000000 + n / 20, 'evt-' || n, 'order', 'key-' || n % 1000, '{status}', 1700000000000000, 1,
       {finished}, {due}, n % 1000 % 64
FROM generate_series({first}, {last}) AS n
"""
_FILL_OUTBOX = """
INSERT INTO gateway_outbox (event, kind, action, target, position, message_id, request, status, created_at,
                            next_attempt_at, leased_by)
SELECT n, 'message', 'send', 'app', 'p', 'msg-' || n, '{{}}', CASE WHEN n <= {sent} THEN 'done' ELSE 'ready' END, n, n,
       CASE WHEN n > {sent} AND n % 100 = 0 THEN '{owner}' END
FROM generate_series(1, {sent} + {unsent}) AS n
"""
_HOLD_KEY = """
INSERT INTO gateway_events (source, event_second, event_id, type, key, status, received_at, behind, calls)
SELECT 'shop', 0, 'held-' || n, 'order', '{key}', 'waiting', 1, CASE WHEN n > 0 THEN {first} END, (n = 0)::integer
FROM generate_series(0, {held}) AS n
"""


class Planned:
    """A connection like the gateway's own, which plans each statement once, for any values."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def prepare(self) -> None:
        """Have every statement planned as the tables are now."""
        for number, (statement, values) in enumerate(STATEMENTS.values()):
            self._run(f"PREPARE q{number} AS {in_postgresql(statement)}")
            self._run("BEGIN")
            self._run(f"EXECUTE q{number}{_literals(values)}")
            self._run("ROLLBACK")

    def forget(self) -> None:
        self._run("DEALLOCATE ALL")

    def nodes(self, name: str) -> list[dict[str, Any]]:
        """Run a statement; return what it did with the gateway's tables, and undo it."""
        number = list(STATEMENTS).index(name)
        self._run("BEGIN")
        explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE q{number}{_literals(STATEMENTS[name][1])}"
        plan = self._run(explain).fetchone()[0]
        self._run("ROLLBACK")
        return [node for node in _walk(plan[0]["Plan"]) if node.get("Relation Name", "").startswith("gateway_")]

    def _run(self, statement: str) -> Any:
        return self._connection.execute(statement.encode())


def _walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _walk(below)


def _literals(values: Sequence[object]) -> str:
    return f"({', '.join(map(_literal, values))})" if values else ""


def _literal(value: object) -> str:
    if isinstance(value, list):
        return f"'{{{','.join('NULL' if one is None else json.dumps(str(one)) for one in value)}}}'"
    return str(value) if isinstance(value, int) else f"'{value}'"


def _fill(connection: psycopg.Connection[Any]) -> None:
    first = 1
    for status, count, finished, due in (
        ("done", DONE, "1", "NULL"),
        ("ready", READY, "NULL", "NULL"),
        ("waiting", WAITING, "NULL", "1700000000000000 + n"),
        ("parked", WAITING, "NULL", "1700000000000000 + n"),
    ):
        fill = _FILL_EVENTS.format(status=status, finished=finished, due=due, first=first, last=first + count - 1)
        connection.execute(fill.encode())
        first += count
    connection.execute(_HOLD_KEY.format(key=HELD_KEY, first=first, held=HELD).encode())
    connection.execute(b"INSERT INTO gateway_bodies SELECT seq, '{}', '{}' FROM gateway_events")
    connection.execute(_FILL_OUTBOX.format(sent=SENT, unsent=UNSENT, owner=OWNER).encode())


@pytest.fixture(scope="module", params=["planned when empty", "never analyzed", "analyzed"])
def planned(request: pytest.FixtureRequest, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory):
    url = postgres.create()
    database = open_database(parse_address(url, Path()))
    migrate(database, [])
    database.close()
    with psycopg.connect(url, autocommit=True) as connection:
        for table in ("gateway_events", "gateway_bodies", "gateway_outbox"):
            # What the server finds out by itself would make a plan anew.
            connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)".encode())
        connection.execute(SESSION.encode())
        connection.execute(b"SET plan_cache_mode = force_generic_plan")
        planned = Planned(connection)
        if request.param == "planned when empty":
            planned.prepare()
        _fill(connection)
        if request.param == "analyzed":
            connection.execute(b"ANALYZE")
        if request.param != "planned when empty":
            planned.prepare()
        yield planned


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_hot_statement_reads_no_more_than_it_needs(planned: Planned, name: str) -> None:
    for node in planned.nodes(name):
        assert node["Node Type"] != "Seq Scan", node
        read = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        assert read <= MOST_ROWS, node

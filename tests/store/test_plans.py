"""What is looked for among thousands that wait is found by the index that holds only such, on SQLite."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from engines import open_new

from gateway.store import claiming, depths, holding, leases, retention
from gateway.store.migrations import migrate

ONE_KEY = "(source=? AND key=?)"

PLANS: dict[str, tuple[str, Sequence[object], list[str]]] = {
    "holders": (
        holding._HOLDERS,
        ("shop", "k"),
        [
            f"a USING INDEX gateway_events_holding {ONE_KEY}",
            f"h USING INDEX gateway_events_held {ONE_KEY}",
            f"r USING INDEX gateway_events_holding {ONE_KEY}",
        ],
    ),
    "release": (holding._RELEASE, ("shop", "k", 2), [f"e USING INDEX gateway_events_held {ONE_KEY}"]),
    "any held": (
        holding._ANY_WAITING,
        (),
        ["gateway_events USING INDEX gateway_events_open (status=? AND next_attempt_at=?)"],
    ),
    "next due": (
        claiming._NEXT_DUE,
        (),
        ["gateway_events USING INDEX gateway_events_open (status=? AND next_attempt_at>?)"] * 2,
    ),
    "owners": (leases._OWNERS, (), ["gateway_outbox USING COVERING INDEX gateway_outbox_leased (leased_by>?)"]),
    "give back": (leases._RELEASE, (1, "host/1/1"), ["gateway_outbox USING INDEX gateway_outbox_leased (leased_by=?)"]),
    "to send": (
        leases._DUE,
        ("send", "app", 1, 100),
        ["o USING INDEX gateway_outbox_open (action=? AND target=? AND next_attempt_at<?)"],
    ),
    "not left yet": (
        retention._OPEN,
        (1, 500),
        ["gateway_outbox USING INDEX sqlite_autoindex_gateway_outbox_1 (event>? AND event<?)"],
    ),
    "notices": (
        retention._NOTICES,
        ("", 500),
        ["gateway_outbox USING INDEX sqlite_autoindex_gateway_outbox_1 (event=? AND position>?)"],
    ),
    "last notice": (
        depths._LAST_NOTICE,
        ("alert", "alert~"),
        ["gateway_outbox USING INDEX sqlite_autoindex_gateway_outbox_1 (event=? AND position>? AND position<?)"],
    ),
}


_TABLE = re.compile(r"(SEARCH|SCAN) (gateway_|[a-z] )")


@pytest.mark.sqlite
@pytest.mark.parametrize("name", PLANS)
def test_a_statement_finds_what_it_needs_by_an_index(tmp_path: Path, name: str) -> None:
    database = open_new(tmp_path)
    migrate(database, [])
    statement, values, expected = PLANS[name]
    plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()]
    # What was found is then changed by its number.
    ways = [step for step in plan if _TABLE.match(step) and "INTEGER PRIMARY KEY" not in step]
    assert [way.partition(" ")[2] for way in ways] == expected, plan

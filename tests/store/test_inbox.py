"""The inbox: each event once, whatever is sent twice, early or late."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from engines import open_new
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import StorageUnavailable
from gateway.store.claiming import Claimed, claim_ready
from gateway.store.database import Database
from gateway.store.inbox import Delivery, append_deliveries, outcome_of
from gateway.store.migrations import migrate
from gateway.store.stripes import take_stripes


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return prepared(tmp_path)


def prepared(folder: Path, url: str | None = None) -> Database:
    database = open_new(folder, url)
    migrate(database, [])
    return database


def claim(database: Database, limit: int) -> list[Claimed]:
    """Take what is ready, as the engine does."""
    with database.transaction():
        return claim_ready(database, limit) if take_stripes(database, None) else []


def delivery(event_id: str, *, second: int = 0, source: str = "shop", received_at: int = 1) -> Delivery:
    return Delivery(
        source=source,
        event_id=event_id,
        event_second=second,
        type="order",
        key=None,
        occurred_at=None,
        received_at=received_at,
        headers="{}",
        body=event_id.encode(),
        status="ready",
        error=None,
        verified_by=None,
        request_id="r",
    )


def test_deliveries_are_stored_in_the_order_received(database: Database) -> None:
    receipts = append_deliveries(database, [delivery("a"), delivery("b")])
    assert [(r.id, r.duplicate) for r in receipts] == [(1, False), (2, False)]
    assert [(c.seq, c.event_id, c.body) for c in claim(database, 10)] == [(1, "a", b"a"), (2, "b", b"b")]


def test_a_duplicate_names_the_event_that_was_there(database: Database) -> None:
    [first] = append_deliveries(database, [delivery("a")])
    receipts = append_deliveries(database, [delivery("b"), delivery("a"), delivery("b")])
    assert [r.duplicate for r in receipts] == [False, True, True]
    assert receipts[1].id == first.id
    assert receipts[2].id == receipts[0].id
    assert database.execute("SELECT event_id, duplicates FROM gateway_events ORDER BY seq", ()).fetchall() == [
        ("a", 1),
        ("b", 1),
    ]
    assert database.execute("SELECT count(*) FROM gateway_bodies", ()).fetchone() == (2,)


def test_sources_do_not_share_ids(database: Database) -> None:
    receipts = append_deliveries(database, [delivery("a"), delivery("a", source="other")])
    assert [r.duplicate for r in receipts] == [False, False]


def test_an_identity_derived_from_the_body_counts_within_its_window(database: Database) -> None:
    first, again, next_window, later = (
        append_deliveries(database, [delivery("sha256:x", second=-number)])[0] for number in (10, 10, 11, 13)
    )
    assert [r.duplicate for r in (first, again, next_window, later)] == [False, True, True, False]


def test_a_dead_delivery_is_stored_and_not_claimed(database: Database) -> None:
    [receipt] = append_deliveries(database, [delivery("a")._replace(status="dead", error="not JSON")])
    assert claim(database, 10) == []
    outcome = outcome_of(database, receipt.id)
    assert outcome is not None
    assert (outcome.status, outcome.error) == ("dead", "not JSON")


@pytest.mark.sqlite
def test_nothing_of_a_batch_is_stored_when_it_cannot_be_committed(tmp_path: Path) -> None:
    database = prepared(tmp_path)
    page_count = database.execute("PRAGMA page_count", ()).fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {page_count + 2}", ())
    large = delivery("large")._replace(body=b"x" * 100_000)
    with pytest.raises(StorageUnavailable, match="full"):
        append_deliveries(database, [delivery("small"), large])
    assert database.execute("SELECT count(*) FROM gateway_events", ()).fetchone() == (0,)
    database.execute("PRAGMA max_page_count = 1000000", ())
    assert [r.duplicate for r in append_deliveries(database, [delivery("small"), large])] == [False, False]


@pytest.mark.sqlite
@settings(max_examples=60)
@given(ids=st.lists(st.sampled_from("abcdef"), max_size=30), cuts=st.lists(st.integers(0, 30), max_size=5))
def test_any_split_into_batches_stores_each_event_once(ids: list[str], cuts: list[int]) -> None:
    database = prepared(Path(), "sqlite://")
    edges = sorted({0, len(ids), *(cut for cut in cuts if cut <= len(ids))})
    receipts = []
    for start, end in pairwise(edges):
        receipts += append_deliveries(database, [delivery(name) for name in ids[start:end]])
    assert [r.duplicate for r in receipts] == [name in ids[:index] for index, name in enumerate(ids)]
    stored = database.execute("SELECT seq, event_id FROM gateway_events", ()).fetchall()
    assert sorted(name for _, name in stored) == sorted(set(ids))
    by_id = dict(stored)
    assert all(by_id[receipt.id] == name for receipt, name in zip(receipts, ids, strict=True))

"""Whether another slice follows at once, on PostgreSQL: only where more was seen, or others are at what is ready."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from engines import Bench, microseconds, open_new

from gateway.engine.worker import LOOK_AGAIN, EngineWork
from gateway.store.postgres import PostgresDatabase
from gateway.store.stripes import STRIPES, take_stripes

pytestmark = pytest.mark.postgresql

RULES = """
version: 1
rules:
  - {name: seen, on: seen, do: [{log: "${event.id}"}]}
"""


_numbers = count()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, RULES)


@pytest.fixture
def other(bench: Bench, tmp_path: Path) -> PostgresDatabase:
    """Another worker's connection."""
    database = open_new(tmp_path, bench.database.address.url)
    assert isinstance(database, PostgresDatabase)
    return database


def store(bench: Bench, *keys: str) -> None:
    for key in keys:
        bench.send(bench.delivery({"id": str(next(_numbers)), "type": "seen"}, key=key))


def work_of(bench: Bench) -> EngineWork:
    return EngineWork(
        bench.engine,
        clock=lambda: microseconds(bench.now),
        report=lambda ended: None,
        deliver=lambda outcomes: None,
        # Every time it is asked, enough has gone by for anything to have gathered.
        monotonic=lambda: float(next(_numbers)),
    )


def test_no_slice_follows_one_that_took_all_there_was(bench: Bench) -> None:
    store(bench, *(f"key-{number}" for number in range(20)))
    done = bench.engine.run_slice(64)
    assert len(done.ended) == 20
    assert not done.more
    assert not done.passes_over


def test_one_follows_where_a_stripe_may_hold_more_than_its_share(bench: Bench) -> None:
    store(bench, *["one"] * 5, *(f"key-{number}" for number in range(20)))
    done = bench.engine.run_slice(32)
    assert len(done.ended) < 25
    assert done.more
    assert len(bench.run(32)) == 25 - len(done.ended)


def test_what_others_have_is_looked_at_again_soon_and_ever_later(bench: Bench, other: PostgresDatabase) -> None:
    store(bench, "a")
    other.begin()
    assert take_stripes(other, None)
    work = work_of(bench)
    pauses = [work(0) for _ in range(12)]
    assert pauses[0] < 0.05
    assert pauses == sorted(pauses)
    assert pauses[-1] == LOOK_AGAIN
    other.rollback()
    work(0)
    assert bench.event(1)["status"] == "done"


def test_an_event_that_came_when_its_stripe_was_taken_is_looked_for_again(
    bench: Bench, other: PostgresDatabase
) -> None:
    """Whoever has the stripe has looked before the event came; whoever is told of it does not get the stripe."""
    store(bench, "a", "b")
    other.begin()
    assert take_stripes(other, None)
    store(bench, "a")
    assert bench.engine.run_slice(64).passes_over
    other.commit()
    assert len(bench.engine.run_slice(64).ended) == 3


@pytest.mark.parametrize("reach", [1, STRIPES])
def test_it_is_noticed_however_few_stripes_are_asked_for(bench: Bench, other: PostgresDatabase, reach: int) -> None:
    store(bench, "a")
    other.begin()
    assert take_stripes(other, None)
    assert isinstance(bench.database, PostgresDatabase)
    bench.database.reach = reach
    assert bench.engine.run_slice(64).passes_over
    other.rollback()

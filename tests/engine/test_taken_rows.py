"""A row that another adds between a pass's look for it and its insert: the pass is run again and sees it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from engines import Bench, open_new
from running import eventually

from gateway.engine.loop import CAREFUL_SLICES, Engine
from gateway.store.database import Database
from gateway.store.stripes import stripe_of

pytestmark = pytest.mark.postgresql

RULES = """
version: 1
tables:
  customers:
    columns:
      id: {type: text, primary_key: true}
      email: {type: text, unique: true}
      orders: {type: integer, default: 0}
rules:
  - name: order
    on: order
    do:
      - {find: customers, where: {email: $event.payload.email}, as: customer, missing: null}
      - insert: customers
        values: {id: $event.payload.customer, email: $event.payload.email, orders: 1}
        when: customer == `null`
      - {update: customers, where: {id: $customer.id}, increment: {orders: 1}, when: customer}
    result: "${ customer && 'known' || 'new' }"
  - name: new
    on: new
    do:
      - {insert: customers, values: {id: $event.payload.customer, email: $event.payload.email}}
"""


class Slow:
    """An engine on a connection of its own that does not commit its slice before it is told to."""

    def __init__(self, bench: Bench) -> None:
        self.database = open_new(bench.folder, bench.database.address.url)
        self._may_commit, self._at_commit = threading.Event(), threading.Event()
        commit = self.database.commit

        def commit_later() -> None:
            self.database.settle()
            self._at_commit.set()
            assert self._may_commit.wait(30)
            commit()

        self.database.commit = commit_later  # type: ignore[method-assign]  # it is held up, not replaced
        own = bench.engine
        self._engine = Engine(self.database, own.program, clock=lambda: 1_800_000_000_000_000, chance=lambda: 0.5)
        self._thread = threading.Thread(target=self._engine.run_slice, args=(64,))

    def begin(self) -> None:
        """Run a slice up to its commit."""
        self._thread.start()
        assert self._at_commit.wait(30)

    def end(self) -> None:
        """Commit it."""
        self._may_commit.set()
        self._thread.join()


def race(bench: Bench, second: dict[str, str], *, careful: bool) -> dict[str, object]:
    """Have one engine add a customer, and another one run an event that has looked before; return how that stands."""
    assert stripe_of("shop", "first", "") != stripe_of("shop", "second", "")
    slow = Slow(bench)
    bench.send(bench.delivery({"id": "a", "type": "order", "customer": "cus_a", "email": "x@example.com"}, key="first"))
    slow.begin()
    [receipt] = bench.send(bench.delivery({"id": "b", **second}, key="second"))
    bench.engine._careful = CAREFUL_SLICES if careful else 0
    running = threading.Thread(target=bench.run)
    running.start()
    looking = open_new(bench.folder, bench.database.address.url)
    eventually(lambda: waits_for_another(looking))
    slow.end()
    running.join()
    return bench.event(receipt.id)


def waits_for_another(database: Database) -> bool:
    statement = "SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"
    return bool(database.execute(statement, ()).fetchone()[0])


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize("customer", ["cus_a", "cus_b"], ids=["its key", "a unique value"])
def test_an_insert_that_another_engine_was_ahead_of_is_done_as_if_the_row_had_been_there(
    tmp_path: Path, customer: str, careful: bool
) -> None:
    bench = Bench(tmp_path, RULES)
    event = race(bench, {"type": "order", "customer": customer, "email": "x@example.com"}, careful=careful)
    assert (event["status"], event["result"], event["attempts"]) == ("done", "known", 1)
    assert bench.rows("customers") == [("cus_a", "x@example.com", 2)]


def test_where_the_rule_does_not_look_it_is_the_mistake_that_it_always_is(tmp_path: Path) -> None:
    bench = Bench(tmp_path, RULES)
    event = race(bench, {"type": "new", "customer": "cus_a", "email": "x@example.com"}, careful=True)
    assert event["status"] == "dead"
    assert event["error"] == "a row of `customers` with id `cus_a`, email `x@example.com` exists"
    assert event["attempts"] == 1

"""Whatever the split, the order and the repetition of a set of deliveries: the rows are the same."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from engines import NOON, Bench
from hypothesis import given, settings
from hypothesis import strategies as st

RULES = """
version: 1
tables:
  subscriptions:
    columns:
      id: {type: text, primary_key: true}
      status: {type: text}
      changed_at: {type: timestamp}
  payments:
    columns:
      id: {type: text, primary_key: true}
      subscription: {type: text}
      amount: {type: decimal}
  totals:
    columns:
      id: {type: text, primary_key: true}
      paid: {type: decimal, default: 0}
      count: {type: integer, default: 0}
extract:
  subscription: subscription
  amount: {path: amount, as: decimal}
rules:
  - name: subscription
    on: "subscription.*"
    do:
      - {upsert: subscriptions, key: {id: $subscription}, set: {status: $event.payload.status}, as_of: changed_at}
  - name: payment
    on: payment
    do:
      - upsert: totals
        key: {id: $subscription}
      - insert: payments
        values: {id: $event.payload.payment, subscription: $subscription, amount: $amount}
        on_conflict: {finish: already booked}
      - {update: totals, where: {id: $subscription}, increment: {paid: $amount, count: 1}}
    result: booked
  - name: broken
    on: broken
    do:
      - {insert: payments, values: {id: $event.id, amount: 1}}
      - {fail: it is broken}
"""

EVENTS: list[dict[str, Any]] = [
    *(
        {"id": f"s{n}", "type": f"subscription.{n}", "subscription": f"sub_{n % 2}", "status": f"state {n}", "at": n}
        for n in range(6)
    ),
    *(
        # Two events of one payment, as Stripe sometimes makes them, are one booking.
        {
            "id": f"p{n}",
            "type": "payment",
            "subscription": f"sub_{n % 2}",
            "payment": f"pay_{n // 2}",
            "amount": f"0.{n // 2 + 1}",
        }
        for n in range(8)
    ),
    {"id": "b1", "type": "broken", "at": 1},
]

# Which of the two events of a payment comes first decides whose subscription is credited, so they must agree.
for one in EVENTS:
    if one["type"] == "payment":
        one["subscription"] = f"sub_{int(one['payment'][4:]) % 2}"


def rows_after(batches: list[list[dict[str, Any]]], limit: int) -> dict[str, list[tuple[Any, ...]]]:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), RULES, url="sqlite://")
        for batch in batches:
            bench.send(
                *(
                    bench.delivery(e, id=e["id"], at=NOON + timedelta(seconds=e["at"]) if "at" in e else None)
                    for e in batch
                )
            )
            bench.run(limit)
        found = {table: bench.rows(table) for table in ("subscriptions", "payments", "totals")}
        bench.database.close()
        return found


EXPECTED = rows_after([EVENTS], 64)


@pytest.mark.sqlite
@settings(max_examples=80)
@given(data=st.data())
def test_the_rows_are_the_same_in_any_order_split_and_repetition(data: st.DataObject) -> None:
    deliveries = data.draw(st.permutations(EVENTS + data.draw(st.lists(st.sampled_from(EVENTS), max_size=10))))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(deliveries)), max_size=6)))
    edges = [0, *cuts, len(deliveries)]
    batches = [deliveries[a:b] for a, b in pairwise(edges)]
    assert rows_after(batches, data.draw(st.integers(1, 20))) == EXPECTED


def test_the_expected_rows_are_right() -> None:
    assert EXPECTED["subscriptions"] == [
        ("sub_0", "state 4", "2026-01-15T12:00:04.000000Z"),
        ("sub_1", "state 5", "2026-01-15T12:00:05.000000Z"),
    ]
    assert EXPECTED["totals"] == [("sub_0", "0.4", 2), ("sub_1", "0.6", 2)]
    assert len(EXPECTED["payments"]) == 4

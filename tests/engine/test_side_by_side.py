"""Several engines on one PostgreSQL: a key's events one at a time and in the order received, every event once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from engines import Bench

from gateway.engine.loop import Engine
from gateway.store.database import open_database
from gateway.store.inbox import append_deliveries

# An event that comes before the one before it fails for good. Two rows that all keys share make transactions wait for
# each other, and now and then in a circle.
RULES = """
version: 1
tables:
  lines:
    columns:
      id: {type: text, primary_key: true}
      last: {type: integer, default: 0}
  shared:
    columns:
      id: {type: text, primary_key: true}
      count: {type: integer, default: 0}
extract:
  line: line
  number: {path: number, as: integer}
  first: first
  second: second
rules:
  - name: next of its line
    on: step
    do:
      - {upsert: lines, key: {id: $line}, as: found}
      - {require: "add(found.last, `1`) == number", message: "${number} came after ${found.last}"}
      - {update: lines, where: {id: $line}, set: {last: $number}}
      - {upsert: shared, key: {id: $first}}
      - {update: shared, where: {id: $first}, increment: {count: 1}}
      - {upsert: shared, key: {id: $second}}
      - {update: shared, where: {id: $second}, increment: {count: 1}}
"""

LINES, LENGTH, ENGINES, RECEIVERS = 24, 60, 3, 3


pytestmark = pytest.mark.postgresql


@pytest.mark.parametrize("shared", [1, 5], ids=["one row for all", "rows in a circle"])
def test_no_event_overtakes_another_of_its_key(tmp_path: Path, shared: int) -> None:
    bench = Bench(tmp_path, RULES)
    side = SideBySide(bench, shared)
    side.run()
    assert side.errors == []
    dead = bench.database.execute("SELECT event_id, error FROM gateway_events WHERE status <> 'done'", ()).fetchall()
    assert dead == []
    assert bench.rows("lines") == sorted((f"line{number}", LENGTH) for number in range(LINES))
    assert sum(count for _, count in bench.rows("shared")) == 2 * LINES * LENGTH
    attempts = bench.database.execute("SELECT max(attempts), count(*) FROM gateway_events", ()).fetchone()
    assert tuple(attempts) == (1, LINES * LENGTH), "each in one pass: what was in another's way was undone, not counted"
    assert len([ran for ran in side.slices if ran]) == ENGINES, "all of them had work"


class SideBySide:
    """Threads that receive and threads that run events, each on a connection of its own."""

    def __init__(self, bench: Bench, shared: int) -> None:
        self.bench = bench
        self.errors: list[BaseException] = []
        self.slices = [0] * ENGINES
        self._shared = shared
        self._received = threading.Event()
        self._ends = time.monotonic() + 90

    def run(self) -> None:
        receivers = [self._thread(self._receive, number) for number in range(RECEIVERS)]
        working = [self._thread(self._work, number) for number in range(ENGINES)]
        for thread in receivers:
            thread.join()
        self._received.set()
        for thread in working:
            thread.join()

    def _thread(self, target: Callable[[int], None], number: int) -> threading.Thread:
        thread = threading.Thread(target=self._guard, args=(target, number))
        thread.start()
        return thread

    def _guard(self, target: Callable[[int], None], number: int) -> None:
        try:
            target(number)
        except BaseException as error:  # noqa: BLE001 - asserted on by the test
            self.errors.append(error)

    def _receive(self, number: int) -> None:
        """Store the steps of some lines, several at once; the next of a line when the one before is on disk."""
        own, chance = range(number, LINES, RECEIVERS), random.Random(number)
        with Closing(self.bench) as database:
            for step in range(1, LENGTH + 1):
                batch = [self._step(f"line{line}", step, chance) for line in own]
                append_deliveries(database, chance.sample(batch, len(batch)))

    def _step(self, line: str, number: int, chance: random.Random) -> Any:
        first, second = chance.randrange(self._shared), chance.randrange(self._shared)
        event = {"line": line, "number": number, "first": f"row{first}", "second": f"row{second}", "type": "step"}
        return self.bench.delivery(event, id=f"{line}-{number}", key=line)

    def _work(self, number: int) -> None:
        with Closing(self.bench) as database:
            own = self.bench.engine
            engine = Engine(database, own.program, clock=lambda: 1_800_000_000_000_000, chance=random.random)
            while time.monotonic() < self._ends:
                last_look = self._received.is_set()
                done = engine.run_slice(16)
                self.slices[number] += bool(done.ended)
                if not done.more and last_look and self._none_ready():
                    return

    def _none_ready(self) -> bool:
        with Closing(self.bench) as database:
            found = database.execute("SELECT count(*) FROM gateway_events WHERE status = 'ready'", ()).fetchone()
        return bool(found[0] == 0)


class Closing:
    """One more connection to a bench's database."""

    def __init__(self, bench: Bench) -> None:
        self._database = open_database(bench.database.address)

    def __enter__(self) -> Any:
        return self._database

    def __exit__(self, *error: object) -> None:
        self._database.close()

"""When the engine runs a slice at once, when it lets deliveries gather first, and how many it takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from engines import Bench, microseconds

from gateway.engine.ending import Ended
from gateway.engine.worker import GATHER, LONG, EngineWork

# How large a slice is, and whether another follows at once, is PostgreSQL's own matter: see `sees_part`.
pytestmark = pytest.mark.sqlite

RULES = """
version: 1
rules:
  - name: seen
    on: seen
    do:
      - {log: "${event.id}"}
    result: seen
"""

LARGEST = 4


class Gathering:
    """An engine's work, with a timer set by hand."""

    def __init__(self, bench: Bench) -> None:
        self.now = 100.0
        self.done = 0
        self.seconds_a_slice = 0.0
        self._bench = bench
        self._stored = 0
        self.work = EngineWork(
            bench.engine,
            clock=lambda: microseconds(bench.now),
            report=self._count,
            deliver=lambda outcomes: None,
            largest=LARGEST,
            monotonic=lambda: self.now,
        )

    def _count(self, ended: object) -> None:
        assert isinstance(ended, list)
        self.done += len([one for one in ended if isinstance(one, Ended)])
        self.now += self.seconds_a_slice

    def store(self, count: int = 1) -> None:
        for _ in range(count):
            self._stored += 1
            self._bench.send(self._bench.delivery({"id": f"evt_{self._stored}", "type": "seen"}))
        self.work.stored(count)


@pytest.fixture
def gathering(tmp_path: Path) -> Gathering:
    return Gathering(Bench(tmp_path, RULES))


def test_a_delivery_after_a_silence_is_processed_at_once(gathering: Gathering) -> None:
    gathering.work(0)
    gathering.now += 1
    gathering.store()
    gathering.work(0)
    assert gathering.done == 1


def test_those_that_come_right_after_are_gathered(gathering: Gathering) -> None:
    gathering.store()
    gathering.work(0)
    for _ in range(3):
        gathering.now += GATHER / 4
        gathering.store()
        assert gathering.work(0) <= GATHER
        assert gathering.done == 1
    gathering.now += GATHER / 4
    gathering.work(0)
    assert gathering.done == 4


def test_nothing_gathers_while_somebody_waits_for_an_outcome(gathering: Gathering) -> None:
    gathering.store()
    gathering.work(0)
    gathering.store()
    gathering.work.hurry()
    gathering.work(0)
    assert gathering.done == 2
    gathering.store()
    gathering.work(0)
    assert gathering.done == 2


def test_a_backlog_is_worked_off_without_a_pause(gathering: Gathering) -> None:
    gathering.store(3 * LARGEST)
    for slices in range(1, 4):
        assert gathering.work(0) == 0
        assert gathering.done == slices * LARGEST


def test_a_slice_that_took_long_makes_the_next_smaller(gathering: Gathering) -> None:
    gathering.seconds_a_slice = 2 * LONG
    sizes = []
    for _ in range(4):
        gathering.store(LARGEST)
        before = gathering.done
        gathering.work(0)
        sizes.append(gathering.done - before)
    assert sizes == [LARGEST, LARGEST // 2, 1, 1]
    gathering.seconds_a_slice = 0
    gathering.work(0)
    before = gathering.done
    gathering.work(0)
    assert gathering.done - before == 2


def test_they_gather_for_as_long_as_a_long_slice_took(gathering: Gathering) -> None:
    gathering.seconds_a_slice = 10 * GATHER
    gathering.store()
    gathering.work(0)
    gathering.store()
    gathering.now += 9 * GATHER
    gathering.work(0)
    assert gathering.done == 1
    gathering.now += GATHER
    gathering.work(0)
    assert gathering.done == 2

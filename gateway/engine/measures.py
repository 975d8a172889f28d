"""What the engine's passes came to, source by source, over stretches of time.

Each stretch is a ring of slots, so that what is kept does not grow with the number of events. Names and meanings of
the measures: gateway.config.measures.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from gateway.engine.ending import Ended, due_at
from gateway.engine.holding import CALLING
from gateway.store.codecs import dump_json
from gateway.store.depths import Depth

SLOTS = 60
"""How many parts a stretch of time has: it is measured to a sixtieth."""

MOST_FAILING = 5
"""How many of a source's last failures are remembered."""

_GROWTH = 1.25
BOUNDS = tuple(0.001 * _GROWTH**power for power in range(90))
"""Seconds: the upper bounds of the sizes that durations are counted by, from a millisecond to five days."""


class Failing(NamedTuple):
    """A pass that failed, to be named in a message."""

    at: int
    """Microseconds."""
    seq: int
    event_id: str
    type: str
    rule: str | None
    error: str | None


_COUNTS = ("passes", "well", "failures", "dead", "events", "retries", "timed")


class Tally:
    """What passes came to."""

    __slots__ = ("dead", "events", "failures", "passes", "retries", "seconds", "sizes", "timed", "well")

    def __init__(self) -> None:
        self.passes = self.well = self.failures = self.dead = self.events = self.retries = self.timed = 0
        self.seconds = 0.0
        self.sizes: Counter[int] = Counter()

    def note(self, ended: Ended) -> None:
        """Count a pass that came to an end."""
        finish = ended.finish
        self.passes += 1
        self.well += finish.status in {"done", "ignored"}
        self.failures += finish.status in {"waiting", "dead"}
        self.dead += finish.status == "dead"
        self.retries += finish.attempts > 1
        if finish.finished_at is None:
            return
        self.events += 1
        if finish.attempts == 1:
            seconds = max(0, finish.finished_at - due_at(ended.event)) / 1_000_000
            self.timed += 1
            self.seconds += seconds
            self.sizes[bisect_left(BOUNDS, seconds)] += 1

    def add(self, other: Tally) -> None:
        """Count what another has counted."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.seconds += other.seconds
        self.sizes.update(other.sizes)

    def as_json(self) -> dict[str, object]:
        """Return the counts as JSON values."""
        counts = {name: getattr(self, name) for name in _COUNTS}
        return {**counts, "seconds": self.seconds, "sizes": list(self.sizes.items())}

    @staticmethod
    def of_json(values: Mapping[str, Any]) -> Tally:
        """Return what `as_json` of another process has said."""
        tally = Tally()
        for name in _COUNTS:
            setattr(tally, name, values[name])
        tally.seconds, tally.sizes = values["seconds"], Counter(dict(values["sizes"]))
        return tally

    def measures(self) -> dict[str, object]:
        """Return the measures over time."""
        judged = self.well + self.failures
        return {
            "passes": self.passes,
            "events": self.events,
            "failures": self.failures,
            "dead": self.dead,
            "retries": self.retries,
            "retries_per_event": _ratio(self.retries, self.events),
            "success_rate": _ratio(self.well, judged),
            "processing_seconds": _ratio(self.seconds, self.timed),
            "processing_seconds_p95": self._quantile(0.95),
        }

    def _quantile(self, share: float) -> Decimal | None:
        """Return the duration that this share does not exceed, taken evenly within its size; None without any."""
        wanted, seen = share * self.timed, 0
        for size in sorted(self.sizes):
            count = self.sizes[size]
            if seen + count >= wanted:
                low = BOUNDS[size - 1] if size else 0.0
                high = BOUNDS[min(size, len(BOUNDS) - 1)]
                return _exact(low + (high - low) * (wanted - seen) / count)
            seen += count
        return None


class Count:
    """What some passes came to, source by source, with the last that failed."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}
        self.failing: dict[str, deque[Failing]] = {}

    def note(self, ended: Iterable[Ended]) -> None:
        """Count what a slice has ended."""
        for one in ended:
            event, finish = one.event, one.finish
            if finish.status == CALLING:
                continue
            tally = self.tallies.get(event.source)
            if tally is None:
                tally = self.tallies[event.source] = Tally()
            tally.note(one)
            if finish.status in {"waiting", "dead"}:
                failing = self.failing.setdefault(event.source, deque(maxlen=MOST_FAILING))
                failing.append(
                    Failing(one.started_at, event.seq, event.event_id, event.type, finish.rule, finish.error)
                )

    def add(self, other: Count) -> None:
        """Count what another has counted later."""
        for source, tally in other.tallies.items():
            self.tallies.setdefault(source, Tally()).add(tally)
        for source, failing in other.failing.items():
            self.failing.setdefault(source, deque(maxlen=MOST_FAILING)).extend(failing)

    def dump(self) -> str:
        """Return it as JSON, for another process."""
        return dump_json(
            {
                "tallies": {source: tally.as_json() for source, tally in self.tallies.items()},
                "failing": {source: [list(one) for one in failing] for source, failing in self.failing.items()},
            }
        )

    @staticmethod
    def load(text: str) -> Count:
        """Return what another process has dumped."""
        count, values = Count(), orjson.loads(text)
        count.tallies = {source: Tally.of_json(tally) for source, tally in values["tallies"].items()}
        count.failing = {
            source: deque((Failing(*one) for one in failing), MOST_FAILING)
            for source, failing in values["failing"].items()
        }
        return count


class Stretch:
    """What one source's passes came to in the last so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._step = seconds / SLOTS
        self._slots: deque[tuple[int, Tally]] = deque(maxlen=SLOTS + 1)

    def add(self, tally: Tally, now: float) -> None:
        """Count what was counted at a moment (seconds)."""
        number = int(now / self._step)
        if not self._slots or self._slots[-1][0] != number:
            self._slots.append((number, Tally()))
        self._slots[-1][1].add(tally)

    def total(self, now: float) -> Tally:
        """Return what was counted in the stretch that ends now (seconds)."""
        oldest = int(now / self._step) - SLOTS
        whole = Tally()
        for number, tally in self._slots:
            if number > oldest:
                whole.add(tally)
        return whole


class Measures:
    """Counts passes by source, over each stretch of time that somebody asks about."""

    def __init__(self, stretches: Iterable[float]) -> None:
        """Take the stretches, in seconds."""
        self._seconds = frozenset(stretches)
        self._sources: dict[str, dict[float, Stretch]] = {}
        self._failing: dict[str, deque[Failing]] = {}

    def add(self, count: Count, now: float) -> None:
        """Add what was counted up to a moment (seconds)."""
        for source, tally in count.tallies.items():
            for stretch in self._stretches(source).values():
                stretch.add(tally, now)
        for source, failing in count.failing.items():
            self._failing.setdefault(source, deque(maxlen=MOST_FAILING)).extend(failing)

    def over(self, source: str, seconds: float, now: float) -> dict[str, object]:
        """Return a source's measures over one of the stretches, up to a moment (seconds)."""
        return self._stretches(source)[seconds].total(now).measures()

    def failing(self, source: str, since: int) -> list[Failing]:
        """Return a source's last failures since a moment (microseconds), the latest first."""
        return [one for one in reversed(self._failing.get(source, ())) if one.at >= since]

    def _stretches(self, source: str) -> dict[float, Stretch]:
        found = self._sources.get(source)
        if found is None:
            found = self._sources[source] = {seconds: Stretch(seconds) for seconds in self._seconds}
        return found


def measures_at_once(depth: Depth | None, now: int) -> Mapping[str, object]:
    """Return the measures that are true at a moment (microseconds); without a depth nothing waits."""
    if depth is None:
        return _NOTHING_WAITS
    waiting = depth.waiting_for_retry + depth.waiting_for_answer + depth.waiting_behind
    oldest = 0 if depth.oldest_ready_at is None else max(0, now - depth.oldest_ready_at)
    return {
        "queue_depth": depth.ready,
        "oldest_ready_seconds": _exact(oldest / 1_000_000),
        "waiting": waiting,
        "waiting_for_retry": depth.waiting_for_retry,
        "waiting_for_answer": depth.waiting_for_answer,
        "parked": depth.parked,
        "parked_too_long": depth.parked_too_long,
        "scheduled": depth.scheduled,
    }


_NOTHING_WAITS: Mapping[str, object] = {
    "queue_depth": 0,
    "oldest_ready_seconds": Decimal(0),
    "waiting": 0,
    "waiting_for_retry": 0,
    "waiting_for_answer": 0,
    "parked": 0,
    "parked_too_long": 0,
    "scheduled": 0,
}


def _ratio(part: float, whole: int) -> Decimal | None:
    return _exact(part / whole) if whole else None


def _exact(number: float) -> Decimal:
    """Return a measured number as the language has numbers, to six digits."""
    return Decimal(f"{number:.6g}")

"""Where metrics are registered, and durations that are counted by the thousand."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector


def new_registry() -> CollectorRegistry:
    """Return a registry of metrics that already has those of the process, the interpreter and its garbage collector."""
    registry = CollectorRegistry(auto_describe=True)
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return registry


class Durations(Collector):
    """A histogram of seconds that one thread counts into: prometheus' own takes two locks for every value."""

    def __init__(
        self,
        name: str,
        documentation: str,
        bounds: Sequence[float],
        labels: Sequence[str] = (),
        *,
        registry: CollectorRegistry,
    ) -> None:
        """Take a name, what it is, the upper bounds of its buckets, and the labels' names."""
        self._name, self._documentation, self._labels = name, documentation, labels
        self._bounds = tuple(bounds)
        self._counted: dict[tuple[str, ...], tuple[list[int], list[float]]] = {}
        self._noting: dict[tuple[str, ...], Callable[[float], None]] = {}
        registry.register(self)

    def of(self, *values: str) -> Callable[[float], None]:
        """Return the function that counts a duration under these values of the labels."""
        note = self._noting.get(values)
        if note is None:
            note = self._noting[values] = self._link(values)
        return note

    def _link(self, values: tuple[str, ...]) -> Callable[[float], None]:
        bounds = self._bounds
        counts, total = self._counted[values] = [0] * (len(bounds) + 1), [0.0]

        def note(seconds: float) -> None:
            counts[bisect_left(bounds, seconds)] += 1
            total[0] += seconds

        return note

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield the histogram; another thread may be counting."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._labels)
        names = [*map(str, map(float, self._bounds)), "+Inf"]
        for values, (counts, total) in list(self._counted.items()):
            family.add_metric(values, list(zip(names, accumulate(counts), strict=True)), total[0])
        yield family

"""What the receiving side counts, in Prometheus' terms.

Plain numbers, turned into metrics when they are asked for: everything here is counted by the event loop alone, and
the client library's own counters, each with a lock, take as long as reading an event's envelope.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

SECONDS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)


class Distribution:
    """Counts values by size: a histogram."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        """Take the upper bounds of the buckets, in order; what is larger than all is counted too."""
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def add_to(self, family: HistogramMetricFamily, labels: Sequence[str]) -> None:
        """Add the counts so far to a metric."""
        bounds = [*map(str, self._bounds), "+Inf"]
        family.add_metric(labels, list(zip(bounds, accumulate(self._counts), strict=True)), self._sum)


class SourceMetrics:
    """One source's deliveries, by what became of them."""

    __slots__ = ("accepted", "dead", "duplicate", "last_at", "refusals", "schema_violations", "seconds", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self.accepted = self.duplicate = self.dead = 0
        self.refusals: Counter[str] = Counter()
        """Refused deliveries by error code."""
        self.schema_violations = 0
        """Verified deliveries whose payload broke its schema, refused or not."""
        self.seconds = Distribution(SECONDS)
        """From the request's head to its durable acknowledgement."""
        self.last_at = time.time()
        """When the last delivery was taken, or counting began: seconds since the epoch."""

    def outcomes(self) -> Iterable[tuple[str, int]]:
        """Return the numbers of deliveries by outcome."""
        refused = self.refusals.total()
        return (
            ("accepted", self.accepted),
            ("duplicate", self.duplicate),
            ("dead", self.dead),
            ("refused", refused),
        )


class ReceivingMetrics(Collector):
    """The receiving side's metrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._sources: dict[str, SourceMetrics] = {}
        self.unrouted: Counter[str] = Counter()
        """Refused requests that belong to no source, by error code."""
        self.connections: Callable[[], int] = int
        registry.register(self)

    def source(self, name: str) -> SourceMetrics:
        """Return the counters of a source, from now on part of these metrics."""
        return self._sources.setdefault(name, SourceMetrics(name))

    def collect(self) -> Iterable[Metric]:
        """Return the metrics as they stand (called by the registry)."""
        deliveries = CounterMetricFamily(
            "gateway_deliveries",
            "Deliveries answered: accepted, duplicate, dead (kept, but cannot be read) or refused",
            labels=["source", "outcome"],
        )
        refusals = CounterMetricFamily(
            "gateway_refusals", "Requests refused, by error code", labels=["source", "reason"]
        )
        seconds = HistogramMetricFamily(
            "gateway_ack_seconds", "From a request's head to its durable acknowledgement", labels=["source"]
        )
        violations = CounterMetricFamily(
            "gateway_schema_violations", "Verified deliveries whose payload breaks its schema", labels=["source"]
        )
        for reason, count in self.unrouted.items():
            refusals.add_metric(["", reason], count)
        for source in self._sources.values():
            source.seconds.add_to(seconds, [source.source])
            for outcome, count in source.outcomes():
                deliveries.add_metric([source.source, outcome], count)
            violations.add_metric([source.source], source.schema_violations)
            for reason, count in source.refusals.items():
                refusals.add_metric([source.source, reason], count)
        connections = GaugeMetricFamily("gateway_connections", "Open connections", value=self.connections())
        return deliveries, refusals, violations, seconds, connections


class WriterMetrics(Collector):
    """The batches that deliveries are stored in."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.batches = Distribution(SIZES)
        self.failures = 0
        self.queued: Callable[[], int] = int
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """Return the metrics as they stand (called by the registry)."""
        batches = HistogramMetricFamily("gateway_batch_deliveries", "Deliveries stored by one commit", labels=[])
        self.batches.add_to(batches, [])
        failures = CounterMetricFamily("gateway_storage_failures", "Commits that failed", value=self.failures)
        queued = GaugeMetricFamily("gateway_inbox_queue", "Deliveries waiting to be stored", value=self.queued())
        return batches, failures, queued

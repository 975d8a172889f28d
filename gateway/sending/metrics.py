"""What the courier counts, in Prometheus' terms."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateway.sending.circuit import Circuit
from gateway.store.leases import Target, Waiting

_SECONDS = (0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30)


class SendMetrics:
    """What the courier counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Take where they are registered."""
        labels = ["action", "target"]
        self.tries = Counter(
            "gateway_sends_total", "Tries by what came of them", [*labels, "outcome"], registry=registry
        )
        self.seconds = Histogram(
            "gateway_send_seconds", "How long one try took", labels, buckets=_SECONDS, registry=registry
        )
        self.open = Gauge("gateway_circuit_open", "1 while a target is left alone", labels, registry=registry)
        self.waiting = Gauge("gateway_outbox_open", "Messages and calls not sent yet", labels, registry=registry)
        self.oldest = Gauge(
            "gateway_outbox_oldest_seconds", "How long the first of them has waited", labels, registry=registry
        )

    def show_circuit(self, target: Target, circuit: Circuit) -> None:
        """Show whether a target is left alone."""
        self.open.labels(*target).set(circuit.open_until is not None)

    def show(self, waiting: Mapping[Target, Waiting], now: int) -> None:
        """Show what waits, and nothing for targets for which nothing does any more."""
        for gauge in (self.waiting, self.oldest):
            gauge.clear()
        for target, one in waiting.items():
            self.waiting.labels(*target).set(one.rows)
            self.oldest.labels(*target).set(max(0, now - one.since) / 1_000_000)

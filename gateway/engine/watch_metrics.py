"""What the watch sees, in Prometheus' terms. It is read as the last look left it, by whichever thread asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.engine.measures import measures_at_once
from gateway.engine.watching import Look

_OVER = {
    "success_rate": ("gateway_success_ratio", "Share of passes of the last 15 minutes that went well"),
    "processing_seconds": (
        "gateway_processing_seconds_average",
        "From receipt to the end, events of the last 15 minutes that needed no second try",
    ),
    "processing_seconds_p95": (
        "gateway_processing_seconds_p95",
        "So long or shorter for 95 of 100 events of the last 15 minutes that needed no second try",
    ),
    "failures": ("gateway_recent_failures", "Passes of the last 15 minutes that failed"),
    "retries_per_event": ("gateway_retries_per_event", "Retries for each event that ended in the last 15 minutes"),
}


class WatchMetrics(Collector):
    """What waits, how it went lately, and which alerts are on."""

    def __init__(self, registry: CollectorRegistry, last: Callable[[], Look]) -> None:
        """Take what returns the last look."""
        self._last = last
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """Return the metrics as they stand (called by the registry)."""
        look = self._last()
        depth = GaugeMetricFamily(
            "gateway_queue_depth", "Events that are not finished, by what they wait for", labels=["source", "status"]
        )
        oldest = GaugeMetricFamily(
            "gateway_oldest_ready_seconds", "How long the first event that is ready has been so", labels=["source"]
        )
        for one in look.depths:
            for status in ("ready", "waiting_for_retry", "waiting_for_answer", "waiting_behind", "scheduled", "parked"):
                depth.add_metric([one.source, status], getattr(one, status))
            oldest.add_metric([one.source], _number(measures_at_once(one, look.at)["oldest_ready_seconds"]))
        active = GaugeMetricFamily("gateway_alert_active", "Whether an alert is on", labels=["alert", "source"])
        for alert in look.alerts:
            active.add_metric([alert.name, alert.source], alert.since is not None)
        return (depth, oldest, active, *_lately(look))


def _lately(look: Look) -> Iterable[Metric]:
    for name, (metric, text) in _OVER.items():
        family = GaugeMetricFamily(metric, text, labels=["source"])
        for source, measures in look.over.items():
            if measures[name] is not None:
                family.add_metric([source], _number(measures[name]))
        yield family


def _number(value: object) -> float:
    assert isinstance(value, int | Decimal)
    return float(value)

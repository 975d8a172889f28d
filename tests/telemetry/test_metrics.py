"""Durations: what is scraped is what prometheus' own histogram would say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from gateway.telemetry import Durations

_BOUNDS = (0.005, 0.01, 1, 30)


@given(st.lists(st.tuples(st.sampled_from(["asaas", "stripe"]), st.sampled_from([*_BOUNDS, 0, 0.006, 29.9, 31, -1]))))
def test_durations_are_scraped_like_a_histogram(noted: list[tuple[str, float]]) -> None:
    ours, theirs = CollectorRegistry(auto_describe=True), CollectorRegistry()
    durations = Durations("gateway_done_seconds", "From receipt to the end", _BOUNDS, ["source"], registry=ours)
    histogram = Histogram(
        "gateway_done_seconds", "From receipt to the end", ["source"], buckets=_BOUNDS, registry=theirs
    )
    for source, seconds in noted:
        durations.of(source)(seconds)
        histogram.labels(source).observe(seconds)
    assert _scraped(ours) == _scraped(theirs)


def test_durations_without_labels_are_there_before_the_first() -> None:
    registry = CollectorRegistry()
    Durations("gateway_pass_seconds", "How long one pass took", _BOUNDS, registry=registry).of()
    assert b"gateway_pass_seconds_count 0.0" in generate_latest(registry)


def _scraped(registry: CollectorRegistry) -> list[str]:
    """Return the lines, without the moment at which a histogram was made."""
    return [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]

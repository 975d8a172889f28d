"""What is measured, a scenario a module: each takes the run's sizes and yields rows of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench.scenarios import acks, commands, done_soon, draining, end_to_end, hosts, latency, postgresql
from bench.sizes import Run
from bench.table import Row

SCENARIOS: dict[str, Callable[[Run], Iterator[Row]]] = {
    "acks": acks.measure,
    "latency": latency.measure,
    "end-to-end": end_to_end.measure,
    "draining": draining.measure,
    "done-soon": done_soon.measure,
    "postgresql": postgresql.measure,
    "hosts": hosts.measure,
    "commands": commands.measure,
}
"""In the order of the table."""

"""Durable acknowledgements on one core, beside a server that stores nothing.

The gateway only receives here (`engine: {workers: 0}`): what is measured is verifying, storing and answering.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from statistics import median

from bench.backlog import prepare_database
from bench.load import Report, closed_loop
from bench.machine import HAS_TWO_CORES, LOAD_CORE, SERVER_CORE, running_on
from bench.progress import require_results
from bench.servers import Server, ceiling, database_of, gateway, write_configuration
from bench.sizes import Run
from bench.table import Row, at_least

LEAST_OF_CEILING = 0.60
NO_WORSE = 0.95
"""Two runs of the same thing differ by some hundredths."""


def measure(run: Run) -> Iterator[Row]:
    """Measure in turn, so that what slows the machine slows all; a ratio is the median of its rounds."""
    rounds = [(ceiling_report(run), _gateway(run, 64), _gateway(run, 256)) for _ in range(run.sizes.rounds)]
    yield Row(
        what="peer: verifies, stores nothing (the ceiling), 64 connections", measured=_rate([r[0] for r in rounds])
    )
    yield at_least(
        LEAST_OF_CEILING,
        median(few.rate / most.rate for most, few, _ in rounds),
        what="durable acks, 64 connections, one core",
        measured=_rate([r[1] for r in rounds]),
        of="of the ceiling",
    )
    yield at_least(
        NO_WORSE,
        median(many.rate / few.rate for _, few, many in rounds),
        what="durable acks, 256 connections, one core",
        measured=_rate([r[2] for r in rounds]),
        of="of 64 connections",
    )


def ceiling_report(run: Run) -> Report:
    """Return what the server that verifies and stores nothing does."""
    return _load(run, 64, lambda: ceiling(run.new_folder(), SERVER_CORE))


def _gateway(run: Run, connections: int) -> Report:
    folder = run.new_folder()
    prepare_database(write_configuration(folder))
    report = _load(run, connections, lambda: gateway(folder, SERVER_CORE, workers=0))
    require_results(database_of(folder), {("ready", None): run.sizes.acks})
    return report


def _load(run: Run, connections: int, start: Callable[[], AbstractContextManager[Server]]) -> Report:
    requests = run.requests(run.sizes.acks)
    with start() as server, running_on(LOAD_CORE):
        return closed_loop(server.port, requests, connections=connections, own_core=HAS_TWO_CORES).require_accepted()


def _rate(reports: list[Report]) -> str:
    return f"{median(report.rate for report in reports):,.0f}/s"

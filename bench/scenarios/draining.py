"""A backlog of ASAAS payments, run through the shipped rules on one core."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.backlog import prepare_database, store_ready
from bench.deliveries import asaas_events
from bench.machine import LOAD_CORE, SERVER_CORE, peak_memory, running_on
from bench.progress import Sample, require_results, watch_draining
from bench.scenarios.acks import ceiling_report
from bench.servers import ROOT, ServerFailure, database_of, gateway, write_configuration
from bench.sizes import Run
from bench.table import Row, at_least, under

LEAST_OF_CEILING = 10_000 / 26_600
"""Where the target was set, 10,000 events a second, the ceiling answers 26,600 requests."""
LEAST_OF_FIRST = 0.9
MOST_MEMORY = 150.0
"""Megabytes."""


PLAIN_PART = 5
"""The peer drains a fifth of the events before the gateway and a fifth after it."""


def measure(run: Run) -> Iterator[Row]:
    """Fill the inbox while nothing runs, start the gateway, watch it drain; and the same work without rules."""
    count = run.sizes.backlog
    ceiling = ceiling_report(run).rate
    before = _drain_plainly(run, count // PLAIN_PART)
    folder = _backlog(run, count)
    with gateway(folder, SERVER_CORE) as server, running_on(LOAD_CORE):
        samples = watch_draining(database_of(folder), count)
        memory = peak_memory(server.pid) / 2**20
    require_results(database_of(folder), {("done", "tenant_activated"): count})
    plain = (before + _drain_plainly(run, count // PLAIN_PART)) / 2
    rate = rate_between(samples, samples[0].done, count)
    part = count // 10
    first, last = rate_between(samples, samples[0].done, part), rate_between(samples, count - part, count)
    yield Row(what="peer: the same work as plain sqlite3 calls, no rules", measured=f"{plain:,.0f}/s")
    yield Row(what="peer: verifies, stores nothing (the ceiling)", measured=f"{ceiling:,.0f}/s")
    what = f"draining {count:,} events, shipped ASAAS rules, one core"
    yield at_least(LEAST_OF_CEILING, rate / ceiling, what=what, measured=f"{rate:,.0f}/s", of="of the ceiling")
    yield Row(what="   beside plain sqlite3 calls", measured="", ratio=rate / plain)
    yield at_least(
        LEAST_OF_FIRST, last / first, what="the last tenth of it", measured=f"{last:,.0f}/s", of="of the first"
    )
    yield under(MOST_MEMORY, memory, "MB", what="most memory while draining")


def _backlog(run: Run, count: int) -> Path:
    folder = run.new_folder()
    config = write_configuration(folder)
    prepare_database(config)
    store_ready(config, "payments", asaas_events(count, seed=-2, newest=int(time.time()) - 60))
    return folder


def _drain_plainly(run: Run, count: int) -> float:
    folder = _backlog(run, count)
    command = [sys.executable, "-m", "bench.peers.plain_drain", str(database_of(folder))]
    with running_on(SERVER_CORE):
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise ServerFailure(f"the plain drain ended with {ended.returncode}: {ended.stderr}")
    require_results(database_of(folder), {("done", "tenant_activated"): count})
    return float(ended.stdout)


def rate_between(samples: Sequence[Sample], low: int, high: int) -> float:
    """Return events a second between the moments at which `low` and `high` events were done."""
    start = next(sample for sample in samples if sample.done >= low)
    end = next(sample for sample in samples if sample.done >= high)
    return (end.done - start.done) / (end.at - start.at)

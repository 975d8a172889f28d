"""How long an acknowledgement takes at a steady rate, with many events stored and the engine at work."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.backlog import prepare_database, store_done
from bench.deliveries import stripe_events
from bench.load import open_loop
from bench.machine import LOAD_CORE, SERVER_CORE, running_on
from bench.progress import require_results, wait_until_done
from bench.servers import database_of, gateway, write_configuration
from bench.sizes import Run
from bench.table import Row, under

RATE = 1_000
"""Events a second."""

MOST_P50 = 2.0
MOST_P99 = 15.0
"""Milliseconds."""

_STORED_A_SECOND = 20


def measure(run: Run) -> Iterator[Row]:
    """Fill a database, then send at a fixed rate; latency counts from when a request was due."""
    folder, stored = run.new_folder(), run.sizes.stored
    config = write_configuration(folder)
    prepare_database(config)
    # Older than any event that the load sends, as they would be.
    events = stripe_events(stored, seed=-1, newest=int(time.time()) - 3600, a_second=_STORED_A_SECOND)
    store_done(config, "subscriptions", events)
    count = RATE * run.sizes.seconds
    requests = run.requests(count)
    with gateway(folder, SERVER_CORE) as server:
        with running_on(LOAD_CORE):
            report = open_loop(server.port, requests, connections=64, rate=RATE).require_accepted()
        wait_until_done(database_of(folder))
    require_results(database_of(folder), {("done", "subscription_stored"): stored + count})
    what = f"ack at {RATE:,}/s, {stored:,} events stored, one core"
    yield under(MOST_P50, report.percentile(0.50) * 1000, "ms", what=f"{what}: p50")
    yield under(MOST_P99, report.percentile(0.99) * 1000, "ms", what=f"{what}: p99")
    yield Row(what=f"{what}: slowest", measured=f"{report.percentile(1) * 1000:.3g} ms")

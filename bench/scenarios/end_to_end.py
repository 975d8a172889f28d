"""Accepted and processed, on two cores that the load shares, beside a handler written by hand for the same work."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from time import perf_counter

from bench.backlog import prepare_database
from bench.load import closed_loop
from bench.machine import BOTH_CORES, HAS_TWO_CORES, LOAD_CORE, SERVER_CORE, running_on
from bench.progress import require_results, wait_until_done
from bench.servers import database_of, gateway, handwritten, write_configuration
from bench.sizes import Run
from bench.table import Row, at_least

TIMES_BY_HAND = 5.0
CONNECTIONS = 64


def measure(run: Run) -> Iterator[Row]:
    """Measure both in turn: events that are done, divided by the time from the first request to the last done."""
    rounds = [(_by_hand(run), _by_gateway(run)) for _ in range(run.sizes.rounds)]
    yield Row(
        what="peer: written by hand, one transaction an event, a core of its own",
        measured=f"{median(by_hand for by_hand, _ in rounds):,.0f}/s",
    )
    yield at_least(
        TIMES_BY_HAND,
        median(by_gateway / by_hand for by_hand, by_gateway in rounds),
        what="accepted and processed, 64 connections, two cores",
        measured=f"{median(by_gateway for _, by_gateway in rounds):,.0f}/s",
        of="times by hand",
    )


def _by_hand(run: Run) -> float:
    requests = run.requests(run.sizes.by_hand)
    # A core of its own: spread over two it is slower, its threads then hand the interpreter to and fro.
    with handwritten(run.new_folder(), SERVER_CORE) as server, running_on(LOAD_CORE):
        report = closed_loop(server.port, requests, connections=CONNECTIONS, own_core=HAS_TWO_CORES)
    return report.require_accepted().rate


def _by_gateway(run: Run) -> float:
    folder, count = run.new_folder(), run.sizes.end_to_end
    prepare_database(write_configuration(folder))
    requests = run.requests(count)
    with gateway(folder, BOTH_CORES) as server, running_on(BOTH_CORES):
        started = perf_counter()
        closed_loop(server.port, requests, connections=CONNECTIONS, own_core=False).require_accepted()
        seconds = wait_until_done(database_of(folder)) - started
    require_results(database_of(folder), {("done", "subscription_stored"): count})
    return count / seconds

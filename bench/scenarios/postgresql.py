"""Gateways that share a PostgreSQL server, beside a handler written by hand and a job queue on the same server.

All of it, the server and the load included, shares the two cores: what the processor's time goes into is printed too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter
from typing import NamedTuple

from bench.backlog import prepare_database
from bench.load import closed_loop, open_loop
from bench.machine import BOTH_CORES, LOAD_CORE, SERVER_CORE, family_seconds, own_seconds, running_on
from bench.postgres_server import Cluster, postgres_server
from bench.progress import Location, ProgressFailure, require_results, require_rows, wait_until_done
from bench.scenarios.done_soon import GRACE, start_watcher
from bench.servers import (
    Server,
    ceiling,
    database_of,
    gateway,
    handwritten_postgresql,
    job_queue,
    write_configuration,
)
from bench.sizes import Run
from bench.table import Row, at_least

LEAST_OF_CEILING = 0.60
TIMES_BY_HAND = 5.0
CONNECTIONS = 64
RATE = 100
"""Events a second, for latencies: well below what the slowest of them can do."""
_STORED = ("done", "subscription_stored")


class Used(NamedTuple):
    """What one measurement came to."""

    rate: float
    """Events a second."""
    server: float
    """Processor time an event, microseconds: of what is measured, of PostgreSQL, of the load."""
    postgres: float
    load: float

    def __str__(self) -> str:
        return f"{self.rate:,.0f}/s"

    @property
    def shares(self) -> str:
        """Say where the processor's time went."""
        return f"{self.server:.0f} + {self.postgres:.0f} + {self.load:.0f} µs"


def measure(run: Run) -> Iterator[Row]:
    """Measure each in turn, several rounds; a ratio is the median of its rounds."""
    with postgres_server(BOTH_CORES) as cluster:
        yield from _acks(run, cluster)
        yield from _end_to_end(run, cluster)
        yield from _latency(run, cluster)


def _acks(run: Run, cluster: Cluster) -> Iterator[Row]:
    rounds = [(_ceiling(run), _stored(run, cluster, None), _stored(run, cluster, cluster.create())) for _ in range(3)]
    of = "of the ceiling, its core to itself"
    yield Row(what="peer: verifies, stores nothing, beside a load that sleeps", measured=_rate([r[0] for r in rounds]))
    for number, name in ((1, "SQLite"), (2, "PostgreSQL, which shares the load's core")):
        ratio = median(one[number] / one[0] for one in rounds)
        yield at_least(
            LEAST_OF_CEILING, ratio, what=f"durable acks on {name}", measured=_rate([r[number] for r in rounds]), of=of
        )


def _ceiling(run: Run) -> float:
    with ceiling(run.new_folder(), SERVER_CORE) as server:
        return _accepted(run, server, run.sizes.shared)


def _stored(run: Run, cluster: Cluster, url: str | None) -> float:
    folder, count = run.new_folder(), run.sizes.shared
    prepare_database(write_configuration(folder, url))
    with gateway(folder, SERVER_CORE, workers=0) as server:
        rate = _accepted(run, server, count)
    require_results(url or database_of(folder), {("ready", None): count})
    return rate


def _accepted(run: Run, server: Server, count: int) -> float:
    requests = run.requests(count)
    with running_on(LOAD_CORE):
        return closed_loop(server.port, requests, connections=CONNECTIONS, own_core=False).require_accepted().rate


def _end_to_end(run: Run, cluster: Cluster) -> Iterator[Row]:
    rounds = [
        (
            _by_hand(run, cluster),
            _by_jobs(run, cluster),
            _by_gateway(run, cluster, None, 1),
            *(_by_gateway(run, cluster, cluster.create(), processes) for processes in (1, 2, 4)),
        )
        for _ in range(run.sizes.rounds)
    ]
    by_hand, jobs, on_file, one, two, four = ([entry[number] for entry in rounds] for number in range(6))
    own = "its own + PostgreSQL's + the load's time an event"
    yield Row(what="peer: by hand on PostgreSQL, a pool, one transaction an event", measured=str(_middle(by_hand)))
    yield Row(what=f"   {own}", measured=_middle(by_hand).shares)
    yield Row(what="peer: procrastinate, a job a webhook, one worker", measured=str(_middle(jobs)))
    yield Row(what=f"   {own}", measured=_middle(jobs).shares)
    yield Row(what="accepted and processed on SQLite, one gateway", measured=str(_middle(on_file)))
    yield at_least(
        TIMES_BY_HAND,
        _ratio(one, by_hand),
        what="accepted and processed on PostgreSQL, one gateway",
        measured=str(_middle(one)),
        of="times by hand",
    )
    yield Row(what=f"   {own}", measured=_middle(one).shares)
    for processes, used in ((2, two), (4, four)):
        what = f"the same, {processes} processes (the ratio: to one)"
        yield Row(what=what, measured=str(_middle(used)), ratio=_ratio(used, one))
        yield Row(what=f"   {own}", measured=_middle(used).shares)


def _by_hand(run: Run, cluster: Cluster) -> Used:
    url, count = cluster.create(), run.sizes.by_hand
    with handwritten_postgresql(run.new_folder(), BOTH_CORES, url) as server:
        used = _measure(run, cluster, server, count, perf_counter)
    _require_peer(url, count)
    return used


def _by_jobs(run: Run, cluster: Cluster) -> Used:
    url, count = cluster.create(), run.sizes.by_hand
    unfinished = "SELECT 1 FROM procrastinate_jobs WHERE status IN ('todo', 'doing') LIMIT 1"
    with job_queue(run.new_folder(), BOTH_CORES, url) as server:
        used = _measure(run, cluster, server, count, lambda: wait_until_done(url, any_open=unfinished))
    _require_peer(url, count)
    return used


def _require_peer(url: str, count: int) -> None:
    require_results(url, {_STORED: count}, table="events")
    require_rows(url, {"subscriptions": count})


def _by_gateway(run: Run, cluster: Cluster, url: str | None, processes: int) -> Used:
    folder, count = run.new_folder(), run.sizes.shared
    prepare_database(write_configuration(folder, url))
    database: Location = url or database_of(folder)
    with gateway(folder, BOTH_CORES, workers=2, processes=processes) as server:
        used = _measure(run, cluster, server, count, lambda: wait_until_done(database))
    require_results(database, {_STORED: count})
    require_rows(database, {"subscriptions": count, "gateway_traces": count})
    return used


def _measure(run: Run, cluster: Cluster, server: Server, count: int, done: Callable[[], float]) -> Used:
    requests = run.requests(count)
    before = _seconds(server, cluster)
    with running_on(BOTH_CORES):
        started = perf_counter()
        closed_loop(server.port, requests, connections=CONNECTIONS, own_core=False).require_accepted()
        seconds = done() - started
    after = _seconds(server, cluster)
    return Used(count / seconds, *((late - early) / count * 1e6 for late, early in zip(after, before, strict=True)))


def _seconds(server: Server, cluster: Cluster) -> tuple[float, float, float]:
    return sum(map(family_seconds, (server.pid, *server.beside))), family_seconds(cluster.pid), own_seconds()


def _latency(run: Run, cluster: Cluster) -> Iterator[Row]:
    """Send at a rate that everybody can keep up with."""
    hand, queue = cluster.create(), cluster.create()
    with handwritten_postgresql(run.new_folder(), BOTH_CORES, hand) as server:
        yield _from_request_to_done(run, server, hand, "peer", "peer: by hand")
    with job_queue(run.new_folder(), BOTH_CORES, queue) as server:
        yield _from_request_to_done(run, server, queue, "peer", "peer: procrastinate")
    for processes in (1, 2):
        folder, url = run.new_folder(), cluster.create()
        prepare_database(write_configuration(folder, url))
        with gateway(folder, BOTH_CORES, workers=2, processes=processes) as server:
            yield _from_request_to_done(run, server, url, "gateway", f"gateway, {processes} on PostgreSQL")


def _from_request_to_done(run: Run, server: Server, url: str, kind: str, who: str) -> Row:
    count = RATE * run.sizes.seconds
    requests = run.requests(count)
    watcher = start_watcher(url, count, run.sizes.seconds + GRACE, kind)
    try:
        with running_on(BOTH_CORES):
            report = open_loop(server.port, requests, connections=CONNECTIONS, rate=RATE).require_accepted()
        seen = json.loads(watcher.communicate(timeout=2 * GRACE)[0])
    finally:
        watcher.kill()
        watcher.wait()
    if len(seen) != count:
        raise ProgressFailure(f"{who}: {count - len(seen)} events were not seen done")
    waits = sorted(seen[event_id] - due for event_id, due in report.due_at.items())
    measured = f"{waits[count // 2] * 1000:.3g}, {waits[int(0.99 * count)] * 1000:.3g} ms"
    return Row(what=f"from request to done at {RATE}/s, p50 and p99, {who}", measured=measured)


def _middle(used: list[Used]) -> Used:
    return sorted(used)[len(used) // 2]


def _ratio(used: list[Used], to: list[Used]) -> float:
    return median(one.rate / other.rate for one, other in zip(used, to, strict=True))


def _rate(rates: list[float]) -> str:
    return f"{median(rates):,.0f}/s"

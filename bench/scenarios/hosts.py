"""Small machines that share a PostgreSQL server: what a second one adds.

Each gateway may use a part of a core only, so that the server, the load and a second gateway find room on two cores.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median
from time import perf_counter

from bench.backlog import prepare_database
from bench.load import closed_loop
from bench.machine import BOTH_CORES, running_on, share_of_a_core
from bench.postgres_server import Cluster, postgres_server
from bench.progress import require_results, require_rows, wait_until_done
from bench.servers import gateway, write_configuration
from bench.sizes import Run
from bench.table import Row, at_least

SHARE = 0.25
"""Of a core, for each gateway."""
TIMES_ONE = 1.7
CONNECTIONS = 64


def measure(run: Run) -> Iterator[Row]:
    """Measure one and two of them in turn, several rounds; a ratio is the median of its rounds."""
    with share_of_a_core(SHARE) as share:
        limited = share is not None
    what = f"accepted and processed on PostgreSQL, gateways of {SHARE:g} cores"
    if not limited:
        yield Row(what=what, measured="no groups here")
        return
    with postgres_server(BOTH_CORES) as cluster:
        rounds = [[_rate(run, cluster, hosts) for hosts in (1, 2)] for _ in range(run.sizes.rounds)]
    one, two = (median(rates) for rates in zip(*rounds, strict=True))
    yield Row(what=f"{what}: one", measured=f"{one:,.0f}/s")
    ratio = median(more / less for less, more in rounds)
    yield at_least(TIMES_ONE, ratio, what=f"{what}: two", measured=f"{two:,.0f}/s", of="times one")


def _rate(run: Run, cluster: Cluster, hosts: int) -> float:
    url, count = cluster.create(), run.sizes.by_hand // 2 * hosts
    requests = run.requests(count)
    folders = [run.new_folder() for _ in range(hosts)]
    configurations = [write_configuration(folder, url) for folder in folders]
    prepare_database(configurations[0])
    with ExitStack() as stack:
        shares = [stack.enter_context(share_of_a_core(SHARE)) for _ in folders]
        servers = [gateway(folder, BOTH_CORES, share=share) for folder, share in zip(folders, shares, strict=True)]
        ports = [stack.enter_context(server).port for server in servers]
        with running_on(BOTH_CORES):
            started = perf_counter()
            closed_loop(ports, requests, connections=CONNECTIONS, own_core=False).require_accepted()
            seconds = wait_until_done(url) - started
    require_results(url, {("done", "subscription_stored"): count})
    require_rows(url, {"subscriptions": count, "gateway_traces": count})
    return count / seconds

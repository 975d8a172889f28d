"""How soon after its acknowledgement an event is done, at a steady rate, as another program sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

from bench.backlog import prepare_database
from bench.load import open_loop
from bench.machine import LOAD_CORE, SERVER_CORE, running_on
from bench.progress import Location, ProgressFailure, require_results
from bench.servers import ROOT, database_of, gateway, write_configuration
from bench.sizes import Run
from bench.table import Row, under

RATE = 1_000
"""Events a second."""
MOST_P99 = 50.0
"""Milliseconds."""

GRACE = 30.0
"""Seconds after the last request in which everything must be done."""


def measure(run: Run) -> Iterator[Row]:
    """Send at a fixed rate while another process watches the database."""
    folder, count = run.new_folder(), RATE * run.sizes.seconds
    prepare_database(write_configuration(folder))
    requests = run.requests(count)
    with gateway(folder, SERVER_CORE) as server, running_on(LOAD_CORE):
        watcher = start_watcher(database_of(folder), count, run.sizes.seconds + GRACE)
        try:
            report = open_loop(server.port, requests, connections=64, rate=RATE).require_accepted()
            seen = json.loads(watcher.communicate(timeout=2 * GRACE)[0])
        finally:
            watcher.kill()
            watcher.wait()
    require_results(database_of(folder), {("done", "subscription_stored"): count})
    if len(seen) != count:
        raise ProgressFailure(f"{count - len(seen)} events were not seen done")
    waits = sorted(seen[event_id] - at for event_id, at in report.answered_at.items())
    what = f"from the answer to done at {RATE:,}/s, one core"
    yield Row(what=f"{what}: p50", measured=f"{max(0.0, waits[count // 2]) * 1000:.3g} ms")
    yield under(MOST_P99, waits[int(0.99 * count)] * 1000, "ms", what=f"{what}: p99")


def start_watcher(database: Location, count: int, limit: float, kind: str = "gateway") -> subprocess.Popen[bytes]:
    """Have another process note when each event is done. Raises ProgressFailure when it does not start."""
    watcher = subprocess.Popen(
        [sys.executable, "-m", "bench.watch", str(database), str(count), str(limit), kind],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert watcher.stderr is not None
    if watcher.stderr.readline() != b"watching\n":
        raise ProgressFailure("the watcher did not start")
    return watcher

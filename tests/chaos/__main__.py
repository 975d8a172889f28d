"""`make chaos`: every scenario for as long as is said, and the table of docs/reliability.md.

CHAOS_SECONDS (60) is how long each breaks things, CHAOS_SEED (today's date) what chance begins with; CHAOS_DATABASE is
`sqlite` (default) or `postgresql`; CHAOS_ONLY names scenarios, as their functions are called, to play those alone.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos.postgresql import POSTGRESQL, on_server
from chaos.scenarios import ANY_DATABASE, SQLITE, Played, Scenario, on_file, play
from servers import PostgresServer

HEADINGS = ("what was broken", "times", "acknowledged", "applied", "messages", "calls", "sent again", "broken promises")


def main() -> int:
    """Play, print a row for each, and return 1 when anything was not as promised."""
    seconds = float(os.environ.get("CHAOS_SECONDS", "60"))
    seed = int(os.environ.get("CHAOS_SEED", time.strftime("%Y%m%d")))
    database = os.environ.get("CHAOS_DATABASE", "sqlite")
    assert database in {"sqlite", "postgresql"}, "CHAOS_DATABASE is `sqlite` or `postgresql`"
    names = os.environ.get("CHAOS_ONLY", "").split()
    known = {one.breaks.__name__: one for one in (*ANY_DATABASE, *(SQLITE if database == "sqlite" else POSTGRESQL))}
    assert known.keys() >= set(names), f"scenarios: {', '.join(known)}"
    print(f"{database}, {seconds:g} s each, seed {seed}\n")
    print(f"| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}")
    faults = 0
    with _server(database) as server:
        for name in names or known:
            played = _play(known[name], seed, seconds, server)
            print(_row(played), flush=True)
            for fault in played.verdict.faults[:20]:
                print(f"  {fault.kind}: {fault.about}", file=sys.stderr)
            faults += len(played.verdict.faults)
    return int(faults > 0)


@contextmanager
def _server(database: str) -> Iterator[PostgresServer | None]:
    if database == "sqlite":
        yield None
        return
    server = PostgresServer(safe=True).start()
    try:
        yield server
    finally:
        server.remove()


def _play(scenario: Scenario, seed: int, seconds: float, server: PostgresServer | None) -> Played:
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        folder = Path(name)
        ground = on_file(scenario, folder, seed) if server is None else on_server(scenario, folder, seed, server)
        with ground as found:
            assert found is not None, "a file system cannot be mounted here: be root, or name other scenarios"
            return asyncio.run(play(scenario, found, seconds))


def _row(played: Played) -> str:
    verdict = played.verdict
    cells = (
        played.scenario.name, played.breaks, verdict.acknowledged, verdict.applied, verdict.messages, verdict.calls,
        verdict.repeated, len(verdict.faults),
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    # Whoever ends it wants all that it started to end with it.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(main())

"""A process that notes when each event becomes done, as another program sees it.

Run as `python -m bench.watch DATABASE COUNT LIMIT [KIND]`, with a SQLite file or the address of a database on
PostgreSQL, and `peer` for what a peer has done; prints a JSON object of event id to `perf_counter()`, a clock
that all processes of the machine share. It looks every two milliseconds.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from bench.progress import Location, reading

_PAUSE = 0.002
_DONE_AFTER = {
    "gateway": "SELECT seq, event_id FROM gateway_events WHERE seq > {0} AND finished_at IS NOT NULL ORDER BY seq",
    "peer": "SELECT id, event_id FROM events WHERE id > {0} AND status = 'done' ORDER BY id",
}
_LAST = {
    "gateway": "SELECT coalesce(max(seq), 0) FROM gateway_events",
    "peer": "SELECT coalesce(max(id), 0) FROM events",
}


def watch(database: Location, count: int, limit: float, kind: str) -> dict[str, float]:
    """Return when each of the next `count` events was first seen done; fewer when `limit` seconds go by."""
    seen: dict[str, float] = {}
    with reading(database) as reader:
        mark = reader.execute(_LAST[kind]).fetchone()[0]
        print("watching", file=sys.stderr, flush=True)
        deadline = time.perf_counter() + limit
        while len(seen) < count and time.perf_counter() < deadline:
            rows = reader.execute(_DONE_AFTER[kind].format(mark) + " LIMIT 4096").fetchall()
            now = time.perf_counter()
            for seq, event_id in rows:
                seen.setdefault(event_id, now)
                # An event that is still open must not be passed by.
                mark += seq == mark + 1
            time.sleep(_PAUSE)
    return seen


def main() -> None:
    place, kind = sys.argv[1], sys.argv[4] if len(sys.argv) > 4 else "gateway"
    database = place if place.startswith("postgresql:") else Path(place)
    print(json.dumps(watch(database, int(sys.argv[2]), float(sys.argv[3]), kind)))


if __name__ == "__main__":
    main()

"""A process that notes when each event becomes done, as another program sees it.

Run as `python -m bench.watch DATABASE COUNT LIMIT`; prints a JSON object of event id to `perf_counter()`, a clock
that all processes of the machine share. It looks every two milliseconds.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

_PAUSE = 0.002
_DONE_AFTER = """
SELECT seq, event_id FROM gateway_events WHERE seq > ? AND finished_at IS NOT NULL ORDER BY seq LIMIT 4096
"""


def watch(database: Path, count: int, limit: float) -> dict[str, float]:
    """Return when each of the next `count` events was first seen done; fewer when `limit` seconds go by."""
    seen: dict[str, float] = {}
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)) as reader:
        mark = reader.execute("SELECT coalesce(max(seq), 0) FROM gateway_events").fetchone()[0]
        print("watching", file=sys.stderr, flush=True)
        deadline = time.perf_counter() + limit
        while len(seen) < count and time.perf_counter() < deadline:
            rows = reader.execute(_DONE_AFTER, (mark,)).fetchall()
            now = time.perf_counter()
            for seq, event_id in rows:
                seen.setdefault(event_id, now)
                # An event that is still open must not be passed by.
                mark += seq == mark + 1
            time.sleep(_PAUSE)
    return seen


def main() -> None:
    print(json.dumps(watch(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))))


if __name__ == "__main__":
    main()

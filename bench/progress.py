"""How far the gateway is with its events, seen from outside: by reading its database as any other program could."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

_FIRST_OPEN = """
SELECT seq FROM gateway_events
WHERE finished_at IS NULL AND status = 'ready' AND next_attempt_at IS NULL ORDER BY seq LIMIT 1
"""
_ANY_OPEN = "SELECT 1 FROM gateway_events WHERE finished_at IS NULL LIMIT 1"


class ProgressFailure(Exception):
    """Events were not processed in time, or not as they should be."""


class Sample(NamedTuple):
    """A moment (`perf_counter`, seconds) and how many events were done."""

    at: float
    done: int


def wait_until_done(database: Path, *, limit: float = 600) -> float:
    """Wait until no event is open; return the moment (`perf_counter`). Raises ProgressFailure after `limit` seconds."""
    with _reading(database) as connection:
        deadline = time.perf_counter() + limit
        while connection.execute(_ANY_OPEN).fetchone() is not None:
            if time.perf_counter() > deadline:
                raise ProgressFailure(f"events are still open after {limit:.0f} s")
            time.sleep(0.01)
        return time.perf_counter()


def watch_draining(database: Path, events: int, *, limit: float = 1800) -> list[Sample]:
    """Sample how many of `events` events are done until all are. Raises ProgressFailure after `limit` seconds."""
    with _reading(database) as connection:
        return list(_samples(connection, events, limit))


def _samples(connection: sqlite3.Connection, events: int, limit: float) -> Iterator[Sample]:
    deadline = time.perf_counter() + limit
    done = 0
    while done < events:
        row = connection.execute(_FIRST_OPEN).fetchone()
        done = events if row is None else int(row[0]) - 1
        yield Sample(time.perf_counter(), done)
        if time.perf_counter() > deadline:
            raise ProgressFailure(f"{events - done} events are still open after {limit:.0f} s")
        time.sleep(0.02)


def require_results(database: Path, expected: dict[tuple[str, str | None], int]) -> None:
    """Check how many events ended with which (status, result). Raises ProgressFailure: a wrong answer has no speed."""
    with _reading(database) as connection:
        rows = connection.execute("SELECT status, result, count(*) FROM gateway_events GROUP BY status, result")
        found = {(status, result): count for status, result, count in rows}
    if found != expected:
        raise ProgressFailure(f"expected events {expected}, found {found}")


@contextmanager
def _reading(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(
        sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    ) as connection:
        yield connection

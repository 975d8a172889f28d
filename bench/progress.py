"""How far the gateway is with its events, seen from outside: by reading its database as any other program could."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

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


Location = Path | str
"""A SQLite file, or the address of a database on PostgreSQL."""


def wait_until_done(database: Location, *, any_open: str = _ANY_OPEN, limit: float = 600) -> float:
    """Wait until no event is open; return the moment (`perf_counter`). Raises ProgressFailure after `limit` seconds."""
    with reading(database) as connection:
        deadline = time.perf_counter() + limit
        while connection.execute(any_open).fetchone() is not None:
            if time.perf_counter() > deadline:
                raise ProgressFailure(f"events are still open after {limit:.0f} s")
            time.sleep(0.01)
        return time.perf_counter()


def watch_draining(database: Path, events: int, *, limit: float = 1800) -> list[Sample]:
    """Sample how many of `events` events are done until all are. Raises ProgressFailure after `limit` seconds."""
    with reading(database) as connection:
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


def require_results(
    database: Location, expected: dict[tuple[str, str | None], int], *, table: str = "gateway_events"
) -> None:
    """Check how many events ended with which (status, result). Raises ProgressFailure: a wrong answer has no speed."""
    with reading(database) as connection:
        rows = connection.execute(f"SELECT status, result, count(*) FROM {table} GROUP BY status, result")
        found = {(status, result): count for status, result, count in rows}
    if found != expected:
        raise ProgressFailure(f"expected events {expected}, found {found}")


def require_rows(database: Location, expected: dict[str, int]) -> None:
    """Check how many rows tables hold. Raises ProgressFailure."""
    with reading(database) as connection:
        found = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in expected}
    if found != expected:
        raise ProgressFailure(f"expected rows {expected}, found {found}")


@contextmanager
def reading(database: Location) -> Iterator[Any]:
    """Look into a database, as any other program could."""
    if isinstance(database, str):
        import psycopg

        with psycopg.connect(database, autocommit=True) as there:
            yield there
        return
    with closing(
        sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    ) as connection:
        yield connection

"""Reading the evidence out of a database, by its address: a SQLite file or a PostgreSQL server."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from chaos.checker import Arrived, Booking, Evidence, Left, Sent, Stored

Query = Callable[[str], list[tuple[Any, ...]]]

OPEN = """
SELECT (SELECT count(*) FROM gateway_events WHERE status IN ('ready', 'waiting', 'parked'))
     + (SELECT count(*) FROM gateway_outbox WHERE status = 'ready')
"""
_EVENTS = "SELECT seq, event_id, key, status, attempts FROM gateway_events WHERE source = 'shop'"
_OUTBOX = """
SELECT seq, event, kind, message_id, status, leased_by, position LIKE '%~%' FROM gateway_outbox WHERE event IS NOT NULL
"""


def sqlite_file(url: str) -> Path | None:
    """Return the file of a SQLite address, None for a server."""
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


@contextmanager
def reading(url: str) -> Iterator[Query]:
    """Open a database to look into, as another program would."""
    file = sqlite_file(url)
    if file is not None:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
            yield lambda statement: connection.execute(statement).fetchall()
    else:
        import psycopg

        with psycopg.connect(url, autocommit=True) as server:
            yield lambda statement: server.execute(statement).fetchall()


def count_open(url: str) -> int:
    """Return how many events and messages have not come to an end."""
    with reading(url) as query:
        return int(query(OPEN)[0][0])


def last_event(url: str) -> int:
    """Return the number of the last event that is there."""
    with reading(url) as query:
        return int(query("SELECT coalesce(max(seq), 0) FROM gateway_events")[0][0])


def count_open_before(url: str, last: int) -> int:
    """Return how many events up to one have not come to an end."""
    with reading(url) as query:
        return int(query(f"SELECT count(*) FROM gateway_events WHERE finished_at IS NULL AND seq <= {last}")[0][0])


def gather(url: str, sent: Sequence[Sent], arrived: Sequence[Arrived]) -> Evidence:
    """Read what the checker judges by."""
    with reading(url) as query:
        return Evidence(
            sent=sent,
            stored=[
                Stored(seq=seq, event=event, account=key, status=status, attempts=attempts)
                for seq, event, key, status, attempts in query(_EVENTS)
            ],
            balances=dict(query("SELECT id, count FROM accounts")),
            bookings=[
                Booking(account=account, position=position, event=event)
                for account, position, event in query("SELECT account, position, event FROM bookings")
            ],
            outbox=[
                Left(
                    seq=seq,
                    event=event,
                    kind=kind,
                    message_id=message,
                    status=status,
                    owner=owner,
                    superseded=bool(superseded),
                )
                for seq, event, kind, message, status, owner, superseded in query(_OUTBOX)
            ],
            arrived=arrived,
        )

"""What processes have counted, as JSON texts: on its way to the one that leads, and what that one keeps of it.

Each function is one statement.
"""

from __future__ import annotations

from gateway.store.database import Database, storage_errors
from gateway.store.postgres import PostgresDatabase

_LEAVE = "INSERT INTO gateway_tallies (at, tally) VALUES (?, ?)"

# A process that has died while it led leaves nothing undone: whoever leads next reads the rest.
_COLLECT = "DELETE FROM gateway_tallies RETURNING tally"


def leave_tally(database: Database, tally: str, now: int) -> None:
    """Leave what was counted for the leader to collect."""
    with storage_errors():
        database.execute(_LEAVE, (now, tally))


def collect_tallies(database: Database) -> list[str]:
    """Return what others have left, and forget it. On SQLite there are no others."""
    if not isinstance(database, PostgresDatabase):
        return []
    with storage_errors():
        return [row[0] for row in database.execute(_COLLECT, ()).fetchall()]


_KEEP = "INSERT INTO gateway_counts (at, counts) VALUES (?, ?) RETURNING seq"
_KEEP_MORE = "UPDATE gateway_counts SET at = ?, counts = ? WHERE seq = ?"
_FORGET = "DELETE FROM gateway_counts WHERE at < ?"
_KEPT = "SELECT at, counts FROM gateway_counts WHERE at >= ? ORDER BY at, seq"


def keep_counts(database: Database, row: int | None, counts: str, at: int) -> int:
    """Keep what was counted up to a moment (microseconds) for who leads next, in a row of before or a new one."""
    with storage_errors():
        if row is None:
            return int(database.execute(_KEEP, (at, counts)).fetchone()[0])
        database.execute(_KEEP_MORE, (at, counts, row))
        return row


def forget_counts(database: Database, before: int) -> None:
    """Forget what was kept before a moment (microseconds)."""
    with storage_errors():
        database.execute(_FORGET, (before,))


def kept_counts(database: Database, since: int) -> list[tuple[int, str]]:
    """Return what was kept since a moment (microseconds), with the moments, in their order."""
    with storage_errors():
        return [(at, counts) for at, counts in database.execute(_KEPT, (since,)).fetchall()]

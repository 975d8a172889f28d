"""What processes that do not lead have counted, on its way to the one that does: JSON texts, each read once.

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

"""The payloads of stored events, as they were received."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.store.database import Database, storage_errors

_TYPES = """
SELECT DISTINCT type FROM gateway_events
WHERE source = ? AND type NOT LIKE 'run.%' AND type NOT LIKE 'schedule.%' ORDER BY type
"""

_NEWEST = "SELECT seq FROM gateway_events WHERE source = ? AND type = ? ORDER BY seq DESC LIMIT ?"

_BODY = "SELECT body FROM gateway_bodies WHERE event = ?"


def received_types(database: Database, source: str) -> list[str]:
    """Return the types of a source's stored events, without the gateway's own. One statement."""
    with storage_errors():
        return [name for (name,) in database.execute(_TYPES, (source,)).fetchall()]


def newest_bodies(database: Database, source: str, event_type: str, limit: int) -> Iterator[bytes]:
    """Yield the bodies of the newest events of a type. One statement, and one for each."""
    with storage_errors():
        events = database.execute(_NEWEST, (source, event_type, limit)).fetchall()
    for (event,) in events:
        with storage_errors():
            row = database.execute(_BODY, (event,)).fetchone()
        if row is not None:
            yield bytes(row[0])

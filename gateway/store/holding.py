"""Order within a key: which events wait behind an earlier one of their key, and until when.

Each function is one statement; those of many keys or events are one for each of them on SQLite, which is asked nothing
over a network.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from gateway.store.database import Database
from gateway.store.postgres import PostgresDatabase

Key = tuple[str, str]
"""A source and an ordering key."""


class Holders(NamedTuple):
    """The first events of a key, by their numbers, that can hold up others of it."""

    asking: int | None = None
    """Waits for an answer."""
    held: int | None = None
    """Waits behind another one."""
    retried: int | None = None
    """Has failed and will be tried again."""


_ANY_WAITING = """
SELECT 1 FROM gateway_events WHERE finished_at IS NULL AND status = 'waiting' AND next_attempt_at IS NULL LIMIT 1
"""

# An event that waits for an answer, or behind another one, has no time at which it is tried again. Each is the first
# by an index that holds only such: a key may have thousands behind one.
_OF_KEY = """
SELECT (SELECT a.seq FROM gateway_events AS a {holding}
        WHERE a.finished_at IS NULL AND a.status = 'waiting' AND a.behind IS NULL AND a.next_attempt_at IS NULL
          AND a.source = {source} AND a.key = {key} ORDER BY a.source, a.key, a.seq LIMIT 1),
       (SELECT h.seq FROM gateway_events AS h {held}
        WHERE h.finished_at IS NULL AND h.status = 'waiting' AND h.behind IS NOT NULL
          AND h.source = {source} AND h.key = {key} ORDER BY h.source, h.key, h.seq LIMIT 1),
       (SELECT r.seq FROM gateway_events AS r {holding}
        WHERE r.finished_at IS NULL AND r.status = 'waiting' AND r.behind IS NULL AND r.attempts > 0
          AND r.source = {source} AND r.key = {key} ORDER BY r.source, r.key, r.seq LIMIT 1)
"""
# SQLite would take an index of all that wait, which it thinks as good.
_BY_HOLDING, _BY_HELD = "INDEXED BY gateway_events_holding", "INDEXED BY gateway_events_held"
_HOLDERS = _OF_KEY.format(source="?1", key="?2", holding=_BY_HOLDING, held=_BY_HELD)
_ALL_HOLDERS = (
    "SELECT k.source, k.key, found.*\nFROM unnest(CAST(? AS text[]), CAST(? AS text[])) AS k (source, key)"
    f" CROSS JOIN LATERAL ({_OF_KEY.format(source='k.source', key='k.key', holding='', held='')}) AS found"
)

_HOLD = """
UPDATE gateway_events SET status = 'waiting', next_attempt_at = NULL, behind = ?, error = ? WHERE seq = ?
"""
_HOLD_ALL = """
UPDATE gateway_events AS e SET status = 'waiting', next_attempt_at = NULL, behind = h.behind, error = h.error
FROM unnest(CAST(? AS bigint[]), CAST(? AS text[]), CAST(? AS bigint[])) AS h (behind, error, seq)
WHERE e.seq = h.seq
"""

_NEXT_HELD = """
SELECT e.seq FROM gateway_events AS e {held}
WHERE e.finished_at IS NULL AND e.status = 'waiting' AND e.behind IS NOT NULL AND e.source = {source} AND e.key = {key}
ORDER BY e.source, e.key, e.seq LIMIT {most}
"""
_RELEASE_THESE = "UPDATE gateway_events SET status = 'ready', behind = NULL, error = NULL WHERE seq IN ({these})"
_RELEASE = _RELEASE_THESE.format(these=_NEXT_HELD.format(source="?", key="?", most="?", held=_BY_HELD))
_RELEASE_ALL = _RELEASE_THESE.format(
    these="SELECT h.seq FROM unnest(CAST(? AS text[]), CAST(? AS text[]), CAST(? AS bigint[])) AS k (source, key, most)"
    f" CROSS JOIN LATERAL ({_NEXT_HELD.format(source='k.source', key='k.key', most='k.most', held='')}) AS h"
)


def any_held(database: Database) -> bool:
    """Say whether any event waits for an answer, or behind another one. One statement."""
    return database.execute(_ANY_WAITING, ()).fetchone() is not None


def holders_of(database: Database, keys: Collection[Key]) -> dict[Key, Holders]:
    """Return what can hold up events of each of the keys. One statement; on SQLite one for each key."""
    if not isinstance(database, PostgresDatabase):
        return {key: Holders(*database.execute(_HOLDERS, key).fetchone()) for key in keys}
    if not keys:
        return {}
    found = database.execute(_ALL_HOLDERS, list(zip(*keys, strict=True))).fetchall()
    return {(source, key): Holders(*holders) for source, key, *holders in found}


def hold(database: Database, held: Collection[tuple[int, int]]) -> None:
    """Have events wait until an earlier one of their key has ended: pairs of both numbers, the latter's first."""
    if not held:
        return
    rows = [(behind, f"waits behind event {behind} of the same key", seq) for behind, seq in held]
    if isinstance(database, PostgresDatabase):
        database.execute(_HOLD_ALL, list(zip(*rows, strict=True)))
    else:
        database.execute_many(_HOLD, rows)


def release(database: Database, keys: Mapping[Key, int]) -> int:
    """Make the next events ready that wait behind one of their key: of each key so many; return how many in all."""
    if not keys:
        return 0
    rows = [(*key, most) for key, most in keys.items()]
    if isinstance(database, PostgresDatabase):
        released: int = database.execute(_RELEASE_ALL, list(zip(*rows, strict=True))).rowcount
        return released
    return sum(database.execute(_RELEASE, row).rowcount for row in rows)

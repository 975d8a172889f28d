"""Times that were written while the machine's clock was ahead, and that nobody would wait for if it had not been.

A clock that is set back by hours would else keep for hours what was to be sent or tried again within moments. Events
that rules have scheduled keep their times: those mean what they say.
"""

from __future__ import annotations

from gateway.store.database import Database, storage_errors
from gateway.store.stripes import hold_all_stripes

# What is leased may be under way at this moment in another process: it is left to its owner for one more lease.
_OUTBOX = """
UPDATE gateway_outbox
SET next_attempt_at = CASE WHEN leased_by IS NULL THEN CAST(? AS bigint) ELSE CAST(? AS bigint) END
WHERE status = 'ready' AND (next_attempt_at > ? OR (attempts = 0 AND next_attempt_at > ?))
"""

_EVENTS = """
UPDATE gateway_events SET status = 'ready', next_attempt_at = NULL
WHERE finished_at IS NULL AND status IN ('waiting', 'parked') AND next_attempt_at > ? AND type NOT LIKE 'schedule.%'
"""


TRIMMED = 1_000_000
"""Microseconds by which clocks of several machines may differ, or one be read before another: no reason to speak of."""


def bring_forward(database: Database, *, now: int, latest: int, lease_ends: int) -> int:
    """Make due what waits for a later time than any retry or lease can have set, and what was never tried at all.

    `now`, `latest` and when a lease that begins now ends are microseconds. Returns how many events, messages and
    calls. One transaction. Raises StorageUnavailable.
    """
    with storage_errors(), database.transaction():
        hold_all_stripes(database)
        sends: int = database.execute(_OUTBOX, (now, lease_ends, latest, now + TRIMMED)).rowcount
        events: int = database.execute(_EVENTS, (latest,)).rowcount
    return sends + events

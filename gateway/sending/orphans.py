"""What waits in the outbox for a target that is configured no more."""

from __future__ import annotations

from collections.abc import Container

import structlog

from gateway.store.database import Database
from gateway.store.leases import Target, abandon, open_targets

_log = structlog.get_logger("gateway.sending")


def drop_orphans(database: Database, targets: Container[Target], now: int) -> bool:
    """Make what waits for any other target than these dead letters; say whether that answered a call.

    `now` is in microseconds. One transaction for each target that is gone. Raises StorageUnavailable.
    """
    answered = False
    for target in open_targets(database):
        if target not in targets:
            answered |= _drop(database, target, now)
    return answered


def _drop(database: Database, target: Target, now: int) -> bool:
    action, name = target
    error = f"no target `{name}` for `{action}` is configured any more"
    _log.error("what waits for a target that is gone becomes dead letters", action=action, target=name)
    return abandon(database, target, error, now=now)

"""Checks that look by themselves: when each is due, what its round found, and what is told of it.

A round reads with a connection and a thread of its own, so that a long one holds up no event.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from gateway.engine.consistency import LinkedCheck
from gateway.errors import StorageUnavailable
from gateway.expressions import CoercionError, EvaluationError
from gateway.store.codecs import moment_of
from gateway.store.database import DRIVER_ERROR, Database, DatabaseAddress, open_database
from gateway.store.shapes import ValueDoesNotFit

MOST_NAMED = 10
"""How many findings a message names."""

NONE_FOUND = "none"
"""Stands for the digest of no findings."""


class Round(NamedTuple):
    """What one look of a check came to."""

    check: LinkedCheck
    found: int
    """How many rows."""
    first: tuple[str, ...]
    """The first keys."""
    digest: str
    """The same for the same findings."""
    error: str | None


class Rounds:
    """Runs the checks that are due, one at a time."""

    def __init__(self, database: Database) -> None:
        """Take the engine's connection, which a database in memory is looked at through."""
        self._database = database
        self._checks: dict[tuple[str, str], LinkedCheck] = {}
        self._due: dict[tuple[str, str], float] = {}
        self._threads: ThreadPoolExecutor | None = None
        self._running: Future[Round] | None = None

    def load(self, checks: Iterable[LinkedCheck], now: float) -> None:
        """Look by these checks from now on (seconds); one that is new is due at once."""
        self._checks = {(check.file, check.name): check for check in checks if check.every is not None}
        self._due = {name: self._due.get(name, now) for name in self._checks}

    @property
    def due(self) -> float | None:
        """Return when something is to be done next (seconds), or None for never."""
        if self._running is not None:
            return 0.0 if self._running.done() else time.monotonic() + _POLL
        return min(self._due.values(), default=None)

    def turn(self, now: float, at: int) -> Round | None:
        """Begin a round that is due, or return one that has ended; `now` is seconds, `at` microseconds."""
        if self._running is not None:
            if not self._running.done():
                return None
            done, self._running = self._running.result(), None
            return done
        name = next((name for name, due in self._due.items() if due <= now), None)
        if name is None:
            return None
        check = self._checks[name]
        assert check.every is not None
        self._due[name] = now + check.every.total_seconds()
        address = self._database.address
        if address.in_memory:
            return look(self._database, check, at)
        if self._threads is None:
            self._threads = ThreadPoolExecutor(1, thread_name_prefix="checks")
        self._running = self._threads.submit(_look_apart, address, check, at)
        return None

    def close(self) -> None:
        """Wait for a round under way."""
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)


_POLL = 0.2


def _look_apart(address: DatabaseAddress, check: LinkedCheck, at: int) -> Round:
    try:
        database = open_database(address, read_only=True)
    except StorageUnavailable as error:
        return Round(check, 0, (), "", error.message)
    try:
        return look(database, check, at)
    finally:
        database.close()


def look(database: Database, check: LinkedCheck, at: int) -> Round:
    """Run one round of a check; what keeps it from looking is told in the round."""
    count, first, digest = 0, list[str](), hashlib.sha256()
    try:
        for rows in check.pages(database.execute, moment_of(at)):
            keys = list(map(check.key_of, rows))
            count += len(keys)
            first += keys[: MOST_NAMED - len(first)]
            digest.update("".join(f"{len(key)}:{key}" for key in keys).encode())
    except (EvaluationError, ValueDoesNotFit, CoercionError, *DRIVER_ERROR) as error:
        return Round(check, count, tuple(first), "", str(error))
    return Round(check, count, tuple(first), digest.hexdigest()[:12] if count else NONE_FOUND, None)


def round_text(found: Round) -> Mapping[str, object]:
    """Return the request of the message that tells of a round."""
    check = found.check
    rows, lack = ("row", "lacks its") if found.found == 1 else ("rows", "lack their")
    if not found.found:
        title = f"{check.name}: no row of {check.spec.table} lacks its row of {check.spec.other} any more"
        return {"title": title, "body": "what was found before is mended", "level": "success"}
    named = ", ".join(found.first) + (", …" if found.found > len(found.first) else "")
    lines = [f"keys: {named}"]
    if check.spec.repair is not None:
        lines.append(f"`gateway check {check.name} --repair` mends them by `{check.spec.repair}`")
    title = f"{check.name}: {found.found} {rows} of {check.spec.table} {lack} row of {check.spec.other}"
    return {"title": title, "body": "\n".join(lines), "level": "warning"}

"""An end to waiting for a server that says nothing: frozen, or behind something that takes and passes nothing on.

What the kernel notices is noticed by the connection itself. The rest is left to a thread that looks at all connections
once a second and hangs up where an answer has been waited for too long: the call that waits then fails, and the next
transaction opens another connection.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from weakref import WeakSet

import structlog

_log = structlog.get_logger("gateway.store")

ANSWER_SECONDS = 30.0
"""How long an answer may take. No statement takes as long, but for changes of tables."""

LOOK_AGAIN = 1.0
"""Seconds between two looks."""


class Answering:
    """Whether a connection waits for an answer, and since when: it does while a `with` block of this runs."""

    def __init__(self, socket_number: int, *, unlimited: bool = False) -> None:
        """Take the number of the connection's socket."""
        self._socket = socket_number
        self._since: float | None = None
        self.unlimited = unlimited
        """Whether an answer may take as long as it likes."""
        _watch(self)

    def __enter__(self) -> None:
        """Begin to wait."""
        self._since = time.monotonic()

    def __exit__(self, *error: object) -> None:
        """Wait no longer."""
        self._since = None

    def hang_up_late(self, now: float) -> None:
        """Hang up when the answer is overdue (`now`: seconds of the monotonic clock)."""
        since = self._since
        if since is None or self.unlimited or now - since < ANSWER_SECONDS:
            return
        _log.error("the database does not answer: the connection is given up", seconds=int(now - since))
        try:
            with socket.socket(fileno=os.dup(self._socket)) as own:
                own.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            _log.info("the connection was closed already", error=str(error))


_watched: WeakSet[Answering] = WeakSet()
_lock = threading.Lock()
_watcher: threading.Thread | None = None


def _watch(answering: Answering) -> None:
    global _watcher  # noqa: PLW0603 - one thread for all connections of the process
    with _lock:
        _watched.add(answering)
        if _watcher is None or not _watcher.is_alive():
            _watcher = threading.Thread(target=_look_on, name="patience", daemon=True)
            _watcher.start()


def _look_on() -> None:
    while True:
        time.sleep(LOOK_AGAIN)
        with _lock:
            watched = list(_watched)
        now = time.monotonic()
        for answering in watched:
            answering.hang_up_late(now)

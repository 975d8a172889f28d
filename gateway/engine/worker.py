"""The engine's work on the database's thread: slices as large as the moment allows, pauses when there is nothing.

While deliveries press, a slice is small and the engine takes a tenth of the time, so that acknowledgements come first;
what waits is on disk, and is processed when the press is over. When nothing presses, a slice is large, because a commit
costs the same for many events as for one. Between the two, when deliveries come one by one, a few are gathered: a slice
after each commit would have the next delivery wait for it, every time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import structlog

from gateway.engine.ending import Ended
from gateway.engine.loop import Engine, Slice
from gateway.errors import StorageUnavailable
from gateway.store.inbox import Outcome

_log = structlog.get_logger("gateway.engine")

BUSY_SLICE = 32
"""Events in a slice while deliveries come in."""
PRESS = 16
"""So many deliveries in one commit mean that more are waiting than one thread can take."""
PRESS_SECONDS = 0.02
"""For so long after such a commit deliveries are taken to press."""
REST = 9.0
"""While they do, the engine rests for so many times as long as its last slice took."""

LONG = 0.25
"""Seconds that a slice should take at the most: it holds its rows and, on SQLite, keeps all others from writing.

One that takes longer, or fails with the database, makes the next half as large.
"""

GATHER = 0.005
"""For so many seconds after it has caught up the engine lets deliveries gather, unless somebody waits for one.

It does for as long as its last slice took, where that is longer: many workers then run few slices that are large.
"""

LOOK_AGAIN = 0.5
"""Seconds after which an idle engine looks for events that another process has made ready."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
_ASK_FIRST = 0.005

Report = Callable[[Sequence[Ended]], None]
Deliver = Callable[[Sequence[Outcome]], None]


class EngineWork:
    """What the database's thread does between jobs."""

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Callable[[], int],
        report: Report,
        deliver: Deliver,
        largest: int = 256,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the engine, its clock (microseconds), who is told after each slice, in this thread, and a timer.

        A slice holds at most `largest` events when no deliveries come in.
        """
        self._largest = self._most = largest
        self._monotonic = monotonic
        self._engine = engine
        self._clock = clock
        self._report = report
        self._deliver = deliver
        self.wrote_outbox: Callable[[], None] = _nobody
        """Called, in this thread, when there is something new to send."""
        self.ran: Report = _uncounted
        """Called, in this thread, with what each slice has ended."""
        self.full = False
        """Whether the last slice left more behind, so that others can help."""
        self._pause = 0.0
        self._ask_again = _ASK_FIRST
        self._pressed_until = self._rest_until = self._gather_until = 0.0
        self._hurried = False
        self.trouble: str | None = None
        """Why events cannot be processed at the moment, or None."""

    def stored(self, deliveries: int) -> None:
        """Note that one commit has stored so many deliveries, in this thread."""
        if deliveries >= PRESS:
            self._pressed_until = self._monotonic() + PRESS_SECONDS

    def hurry(self) -> None:
        """Let nothing gather before the next slice: somebody waits for its outcome. Any thread may say so."""
        self._hurried = True

    def __call__(self, waiting: int) -> float:
        """Run one slice; `waiting` jobs are queued behind it. Return the seconds until the next is worth running."""
        started = self._monotonic()
        pressed = started < self._pressed_until
        until = self._rest_until if pressed else 0.0 if self._hurried else self._gather_until
        if started < until:
            return until - started
        self._hurried = False
        pause = self._slice(min(BUSY_SLICE, self._most) if waiting or pressed else self._most)
        ended = self._monotonic()
        self._adapt(ended - started)
        self._rest_until = ended + REST * (ended - started)
        self._gather_until = ended + max(GATHER, ended - started) if pause > 0 else 0.0
        return pause

    def _adapt(self, seconds: float) -> None:
        if seconds > LONG or self.trouble is not None:
            self._most = max(1, self._most // 2)
        elif seconds < LONG / 4:
            self._most = min(self._largest, self._most * 2)

    def _slice(self, limit: int) -> float:
        try:
            done = self._engine.run_slice(limit)
        except StorageUnavailable as error:
            return self._wait_out(error.message)
        except Exception:  # noqa: BLE001 - the loop itself: it must go on, and says in the log what broke
            # A bug of ours, outside any one pass: nothing was committed, so trying again loses nothing.
            _log.exception("the engine failed")
            return self._wait_out("the engine failed: see the log")
        self._recovered()
        self.full = len(done.ended) >= limit
        self._tell(done)
        return 0.0 if done.more else min(self._until_due(), self._until_free(done.passes_over))

    def _until_free(self, passed_over: bool) -> float:
        """Return the seconds until what others had is looked at again, longer each time."""
        self._ask_again = min(self._ask_again * 2, LOOK_AGAIN) if passed_over else _ASK_FIRST
        return self._ask_again if passed_over else LOOK_AGAIN

    def _tell(self, done: Slice) -> None:
        if done.outcomes:
            self._deliver(done.outcomes)
        if done.sends:
            self.wrote_outbox()
        if done.ended:
            self._report(done.ended)
            self.ran(done.ended)

    def _until_due(self) -> float:
        due = self._engine.due
        if due is None:
            return LOOK_AGAIN
        return min(LOOK_AGAIN, max(0.001, (due - self._clock()) / 1_000_000))

    def _wait_out(self, reason: str) -> float:
        if self.trouble is None:
            _log.error("events cannot be processed: they wait in the database", error=reason)
        self.trouble = reason
        self._pause = min(max(self._pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
        return self._pause

    def _recovered(self) -> None:
        if self.trouble is not None:
            _log.info("events are processed again")
            self.trouble, self._pause = None, 0.0


def _uncounted(ended: Sequence[Ended]) -> None:
    """Leave it uncounted."""


def _nobody() -> None:
    """Do nothing: nobody wants to be told."""

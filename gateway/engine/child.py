"""The engine in a process of its own: what it is told on standard input, and what it tells on standard output.

Commands are lines: `stored` (deliveries were), `wake` (look at once), `reload`, `metrics`. Answers are JSON objects,
one a line; binary metrics travel as text. When standard input ends the running slice is committed and the process ends,
so that it never outlives the one that receives.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Sequence

import orjson

from gateway.engine.watching import AlertNow, WatchedWork
from gateway.engine.workers import Workers
from gateway.errors import GatewayError
from gateway.store.inbox import Outcome

COMMANDS_IN = 0
ANSWERS_OUT = 1

RECEIVING_SECONDS = 0.05
"""For so long after some were stored deliveries are taken to be coming in."""

# SQLite has no queue of writers: between two slices the receiving process gets a chance to take the lock.
TURN_SECONDS = 0.0003


_TELLING = threading.Lock()


def tell(answer: dict[str, object]) -> None:
    """Write one answer; any thread may."""
    line = orjson.dumps(answer) + b"\n"
    with _TELLING:
        while line:
            line = line[os.write(ANSWERS_OUT, line) :]


def tell_outcomes(outcomes: Sequence[Outcome]) -> None:
    """Say how events of sources that answer with the outcome have ended."""
    tell({"outcomes": [[*o[:4], None if o.response is None else o.response.decode()] for o in outcomes]})


def tell_outbox() -> None:
    """Say that there is something new to send."""
    tell({"outbox": True})


class EngineChild:
    """Runs slices, and listens for commands between them."""

    def __init__(
        self,
        work: WatchedWork,
        workers: Workers,
        *,
        reload: Callable[[], None],
        metrics: Callable[[], str],
        takes_turns: bool,
    ) -> None:
        """Take the work of the first worker, those beside it, what reads the rules again, what renders the metrics.

        `reload` raises GatewayError. Where only one can write at a time, this process `takes_turns` with the one
        that receives.
        """
        self._work, self._workers = work, workers
        self._takes_turns = takes_turns
        self._reload = reload
        self._metrics = metrics
        self._stored_at = 0.0
        self._trouble: str | None = None
        self._alerts: Sequence[AlertNow] = ()
        self._partial = b""

    def run(self) -> None:
        """Work until standard input ends."""
        tell({"ready": True})
        self._workers.start()
        poller = select.poll()
        poller.register(COMMANDS_IN, select.POLLIN | select.POLLHUP)
        pause = 0.0
        while True:
            if poller.poll(pause * 1000) and not self._listen():
                self._workers.stop()
                return
            receiving = self._takes_turns and time.monotonic() - self._stored_at < RECEIVING_SECONDS
            pause = self._work(1 if receiving else 0)
            if pause == 0 and self._work.full:
                self._workers.wake()
            self._tell_trouble()
            self._tell_alerts()
            if receiving and pause == 0:
                time.sleep(TURN_SECONDS)

    def _listen(self) -> bool:
        """Read what was said and do it; false when nobody will say anything any more."""
        said = os.read(COMMANDS_IN, 65536)
        if not said:
            return False
        *lines, self._partial = (self._partial + said).split(b"\n")
        for line in dict.fromkeys(lines):
            self._obey(line)
        return True

    def _obey(self, command: bytes) -> None:
        if command == b"stored":
            self._stored_at = time.monotonic()
        elif command == b"wake":
            self._work.hurry()
        elif command == b"metrics":
            tell({"metrics": self._metrics()})
        elif command == b"reload":
            try:
                self._reload()
            except GatewayError as error:
                tell({"reloaded": error.message})
            else:
                tell({"reloaded": None})

    def _tell_alerts(self) -> None:
        alerts = self._work.alerts
        if alerts != self._alerts:
            self._alerts = alerts
            tell({"alerts": [list(alert) for alert in alerts]})

    def _tell_trouble(self) -> None:
        trouble = self._work.trouble or self._workers.trouble
        if trouble != self._trouble:
            self._trouble = trouble
            tell({"trouble": self._trouble})

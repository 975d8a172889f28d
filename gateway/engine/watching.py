"""Watching the engine's work: alerts and checks that look by themselves, between two slices.

What is to be told becomes a message of the outbox that belongs to no event. How an alert stood before a restart is
read from there too, so that nobody is told twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import structlog

from gateway.engine.alerts import ENDS, Alert, AlertState, alert_text
from gateway.engine.consistency import LinkedCheck
from gateway.engine.ending import Ended
from gateway.engine.history import History
from gateway.engine.measures import MOST_FAILING, Count, Failing, Measures, measures_at_once
from gateway.engine.retention import Retention
from gateway.engine.rounds import NONE_FOUND, Round, Rounds, round_text
from gateway.engine.worker import EngineWork
from gateway.errors import StorageUnavailable
from gateway.expressions import EvaluationError
from gateway.store.codecs import dump_json
from gateway.store.database import Database
from gateway.store.depths import Depth, OpenEvent, add_notice, depths, last_notice, longest_parked
from gateway.store.outbox import Outgoing, message_id
from gateway.store.tallies import collect_tallies, leave_tally

_log = structlog.get_logger("gateway.alerts")

SHOWN_OVER = 900.0
"""Seconds: the stretch that metrics show."""

_SOON, _LATER = 1.0, 5.0
"""Seconds between two looks: after passes, and when there were none."""
_SHARE = 50
_REST = 60.0
"""Looking takes a fiftieth of the time at the most."""


class AlertNow(NamedTuple):
    """An alert about one source, as it stands."""

    name: str
    source: str
    since: int | None
    """Microseconds; None while it is off."""


class Look(NamedTuple):
    """What the last look saw."""

    at: int
    depths: Sequence[Depth]
    over: Mapping[str, Mapping[str, object]]
    """The measures of each source over the stretch that metrics show."""
    alerts: Sequence[AlertNow]


def always() -> bool:
    """Lead: nobody else does."""
    return True


class Watch:
    """Looks at what the engine has done and at what waits, and tells whoever is to know. Not for several threads."""

    def __init__(self, database: Database, *, clock: Callable[[], int], leads: Callable[[], bool] = always) -> None:
        """Take the engine's connection, its clock (microseconds), and what says whether this process leads.

        Of several processes one alerts and lets checks look; the others leave it what they have counted.
        """
        self._database = database
        self._clock = clock
        self._leads, self._led = leads, False
        self._noting = threading.Lock()
        self._noted, self._shared = Count(), Count()
        self.told: Callable[[], None] = _nobody
        """Called when there is something to send."""
        self._sources: tuple[str, ...] = ()
        self._alerts: list[Alert] = []
        self._park_seconds = 0.0
        self._states: dict[tuple[str, str], AlertState] = {}
        self._broken: set[str] = set()
        self._digests: dict[str, str] = {}
        self._rounds = Rounds(database)
        self._measures, self._history = Measures([SHOWN_OVER]), History(database)
        self._began = time.monotonic()
        self._looked_at, self._took = float("-inf"), 0.0
        self._dirty = True
        self.last = Look(0, (), {}, ())
        """What the last look saw; replaced as a whole, so that other threads may read it."""

    def load(
        self, sources: Iterable[str], alerts: list[Alert], checks: Iterable[LinkedCheck], *, park_seconds: float
    ) -> None:
        """Watch by these from now on; how alerts of the same names stand is kept."""
        before = {(alert.name, alert.over) for alert in self._alerts}
        self._sources, self._alerts, self._park_seconds = tuple(sources), alerts, park_seconds
        if {(alert.name, alert.over) for alert in alerts} != before:
            self._measures, self._began = Measures({SHOWN_OVER, *(alert.over for alert in alerts)}), time.monotonic()
        self._rounds.load(checks, time.monotonic())
        names = {alert.name for alert in alerts}
        self._states = {about: state for about, state in self._states.items() if about[0] in names}
        self._broken.clear()
        self._dirty = True

    def note(self, ended: Sequence[Ended]) -> None:
        """Count what a slice has ended; any thread may say it."""
        with self._noting:
            self._noted.note(ended)
        self._dirty = True

    def turn(self) -> float:
        """Look, if it is time to; return the seconds until the next look."""
        now = time.monotonic()
        self._count(now)
        try:
            if now >= self._due():
                self._look(now)
            found = self._rounds.turn(now, self._clock()) if self._led else None
            if found is not None:
                self._tell_round(found)
        except StorageUnavailable:
            # The engine says so itself; whatever was to be told is told by a later look.
            self._looked_at = now
        due = min(self._due(), _or_later(self._rounds.due)) if self._led else self._due()
        return max(0.0, due - time.monotonic())

    def close(self) -> None:
        """Wait for a check that is looking."""
        self._rounds.close()

    def _due(self) -> float:
        return self._looked_at + max(_SOON if self._dirty else _LATER, self._took * _SHARE)

    def _look(self, now: float) -> None:
        self._dirty, at = False, self._clock()
        self._take_lead(now, at)
        self._share(now, at)
        if self._led:
            self._history.write(at, self._longest)
        found = depths(self._database, parked_before=at - int(self._park_seconds * 1_000_000))
        by_source = {depth.source: depth for depth in found}
        sources = dict.fromkeys([*self._sources, *by_source])
        at_once = {source: measures_at_once(by_source.get(source), at) for source in sources}
        for alert in self._alerts if self._led else ():
            for source in sources if alert.source is None else (alert.source,):
                self._judge(alert, source, at_once.get(source, measures_at_once(None, at)), now, at)
        self.last = Look(
            at=at,
            depths=found,
            over={source: self._measures.over(source, SHOWN_OVER, now) for source in sources},
            alerts=tuple(AlertNow(name, source, state.since) for (name, source), state in self._states.items()),
        )
        self._looked_at, self._took = now, time.monotonic() - now

    @property
    def _longest(self) -> float:
        """Return the longest stretch that anybody asks about (seconds)."""
        return max([SHOWN_OVER, *(alert.over for alert in self._alerts)])

    def _take_lead(self, now: float, at: int) -> None:
        before, self._led = self._led, self._leads()
        if self._led == before:
            return
        # Whoever led before may have told something; it stands in the outbox.
        self._states.clear()
        self._digests.clear()
        self._began = now
        if self._led:
            self._recall(now, at)

    def _recall(self, now: float, at: int) -> None:
        """Go on from what whoever led before has kept; what was counted here is among it, or not yet collected."""
        self._measures = Measures({SHOWN_OVER, *(alert.over for alert in self._alerts)})
        for ago, count in self._history.begin(at, self._longest):
            self._measures.add(count, now - ago)
        self._add(self._shared, now)

    def _add(self, count: Count, now: float) -> None:
        self._measures.add(count, now)
        self._history.add(count)

    def _count(self, now: float) -> None:
        with self._noting:
            count, self._noted = self._noted, Count()
        if self._led:
            self._add(count, now)
            return
        self._measures.add(count, now)
        self._shared.add(count)

    def _share(self, now: float, at: int) -> None:
        """Collect what others have counted, or leave them what was counted here."""
        if self._led:
            for text in collect_tallies(self._database):
                self._add(Count.load(text), now)
        elif self._shared.tallies:
            leave_tally(self._database, self._shared.dump(), at)
        self._shared = Count()

    def _judge(self, alert: Alert, source: str, at_once: Mapping[str, object], now: float, at: int) -> None:
        measures = {**self._measures.over(source, alert.over, now), **at_once}
        holds = self._holds(alert, measures)
        before = self._state(alert, source)
        if holds is None and now - self._began >= alert.over:
            holds = False  # a whole stretch has gone by in which nothing was measured
        after = replace(before)
        word = after.turn(holds, at, alert.repeat_after)
        if word is not None:
            self._tell_alert(alert, source, word, measures, at - (before.since or at), at)
        self._states[alert.name, source] = after

    def _holds(self, alert: Alert, measures: Mapping[str, object]) -> bool | None:
        try:
            return alert.holds(measures)
        except EvaluationError as error:
            if alert.name not in self._broken:
                self._broken.add(alert.name)
                _log.error("an alert cannot be looked at", alert=alert.name, error=str(error))
            return None

    def _state(self, alert: Alert, source: str) -> AlertState:
        state = self._states.get((alert.name, source))
        if state is None:
            state = AlertState()
            told = last_notice(self._database, _about("alert", alert.name, source)) if alert.notify else None
            if told is not None:
                state.resume(told[0].partition(" ")[0], told[1])
        return state

    def _tell_alert(
        self, alert: Alert, source: str, word: str, measures: Mapping[str, object], lasted: int, at: int
    ) -> None:
        text = alert_text(alert, source, word, measures, self._failing(alert, source, at), lasted)
        if alert.notify is not None:
            self._send(alert.notify, _about("alert", alert.name, source) + f"{word} {at}", text, at)
        log = _log.info if word == ENDS else _log.error
        log(f"alert {word}", alert=alert.name, source=source, title=text["title"], body=text["body"])

    def _failing(self, alert: Alert, source: str, at: int) -> Sequence[Failing | OpenEvent]:
        if any(name.startswith("parked") for name in alert.names):
            return longest_parked(self._database, source, MOST_FAILING)
        return self._measures.failing(source, at - int(alert.over * 1_000_000))

    def _tell_round(self, found: Round) -> None:
        check = found.check
        about = _about("check", check.name, check.source)
        if found.error is not None:
            _log.error("a check cannot look", check=check.name, source=check.source, error=found.error)
            return
        if self._digest(check, about) == found.digest:
            return
        text, at = round_text(found), self._clock()
        if check.spec.notify is not None:
            self._send(check.spec.notify, f"{about}{found.digest} {at}", text, at)
        self._digests[about] = found.digest
        log = _log.warning if found.found else _log.info
        log("a check finds otherwise", check=check.name, source=check.source, count=found.found, title=text["title"])

    def _digest(self, check: LinkedCheck, about: str) -> str:
        """Return the digest of what was last told of a check."""
        if about not in self._digests:
            told = last_notice(self._database, about) if check.spec.notify is not None else None
            self._digests[about] = NONE_FOUND if told is None else told[0].partition(" ")[0]
        return self._digests[about]

    def _send(self, channel: str, position: str, request: Mapping[str, object], at: int) -> None:
        identity = message_id("gateway", at // 1_000_000, channel, position)
        notice = Outgoing("message", "notify", channel, position, identity, dump_json(request))
        add_notice(self._database, notice, at)
        self.told()


class WatchedWork(EngineWork):
    """The engine's work, watched between its slices."""

    watch: Watch | None = None
    retention: Retention | None = None
    _leads: Callable[[], bool] = staticmethod(always)
    _watch_again_at = 0.0

    def watch_by(self, watch: Watch, retention: Retention, leads: Callable[[], bool] = always) -> None:
        """Have the work watched, and old events deleted while this process leads."""
        self.watch, self.retention, self._leads, self.ran = watch, retention, leads, watch.note

    def __call__(self, waiting: int) -> float:
        """Run one slice, look if it is time to, and return the seconds until the next call is worth it."""
        pause = super().__call__(waiting)
        if pause > 0 and self.retention is not None and self._leads():
            pause = min(pause, self.retention.turn())
        watch = self.watch
        if watch is None or time.monotonic() < self._watch_again_at:
            return pause
        try:
            return min(pause, watch.turn())
        except Exception:  # noqa: BLE001 - watching must not keep the engine from working, and says what broke
            _log.exception("watching the engine failed")
            self._watch_again_at = time.monotonic() + _REST
            return pause

    @property
    def alerts(self) -> Sequence[AlertNow]:
        """Return how the alerts stood at the last look."""
        return () if self.watch is None else self.watch.last.alerts


def _nobody() -> None:
    """Leave it to be found in the outbox."""


def _about(kind: str, name: str, source: str) -> str:
    return f"{kind} {name} of {source}: "


def _or_later(due: float | None) -> float:
    return float("inf") if due is None else due

"""The courier: takes what is due out of the outbox, sends it, and writes down what came of it.

Nothing is sent inside a transaction: rows are leased in one, sent, and settled in another.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeVar

import structlog

from gateway.engine.retry import RetryPolicy
from gateway.errors import StorageUnavailable
from gateway.sending.attempts import Attempts, steady
from gateway.sending.clock import ClockWatch
from gateway.sending.metrics import SendMetrics
from gateway.sending.orphans import drop_orphans
from gateway.sending.targets import Place, keep_circuits
from gateway.store.database import Database
from gateway.store.leases import (
    NONE_WAITING,
    Leased,
    Settled,
    Target,
    count_waiting,
    lease,
    next_due,
    own_name,
    release,
    release_dead_owners,
    settle,
)
from gateway.store.misdated import bring_forward

_log = structlog.get_logger("gateway.sending")

T = TypeVar("T")

LOOK_AGAIN = 0.5
"""Seconds after which an idle courier looks for what another process has written."""
ORPHANS_AGAIN = 30.0
"""Seconds between two looks for messages to targets that are configured no more."""
_STORAGE_PAUSE = 1.0


class Caller(Protocol):
    """Runs functions on the database, one at a time."""

    async def call(self, run: Callable[[Database], T]) -> T:
        """Run a function; its exceptions are raised here."""


class Courier:
    """Sends what is due, to every target on its own."""

    def __init__(
        self,
        database: Caller,
        places: Mapping[Target, Place],
        policy: RetryPolicy,
        *,
        metrics: SendMetrics,
        answered: Callable[[], None],
        clock: Callable[[], int],
        lease_seconds: float,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Take the database, the targets, when failures are tried again, and who is told of answered calls.

        `clock` gives microseconds; a lease lasts `lease_seconds` beyond the longest try.
        """
        self._database = database
        self._places = places
        self._metrics = metrics
        self._attempts = Attempts(policy, metrics, clock=clock, chance=chance)
        self._answered = answered
        self._clock = clock
        self._lease = lease_seconds
        self._owner = own_name()
        self._wake = asyncio.Event()
        self._settled: list[Settled] = []
        self._tries: set[asyncio.Task[None]] = set()
        self._under_way: set[int] = set()
        self._retiring: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False
        self._orphans_at = 0.0
        self._clock_watch = ClockWatch(clock, steady)

    async def start(self) -> None:
        """Take over what a process that is no more has left, and begin."""
        await self._database.call(lambda database: release_dead_owners(database, self._clock()))
        self._loop = asyncio.get_running_loop().create_task(self._run(), name="courier")

    def wake(self) -> None:
        """Say that there is something new to send."""
        self._wake.set()

    def use(self, places: Mapping[Target, Place], policy: RetryPolicy) -> None:
        """Send to other places from now on; those before are closed once nothing is under way to them."""
        before, self._places, self._attempts.policy = self._places, places, policy
        keep_circuits(before, places)
        for target, place in places.items():
            self._metrics.show_circuit(target, place.circuit)
        self._orphans_at = 0.0
        self._wake.set()
        retiring = asyncio.get_running_loop().create_task(_retire(before, set(self._tries)))
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)

    async def measure(self, reader: Caller) -> None:
        """Count what waits, on a connection that only reads, for the metrics."""
        try:
            waiting = await reader.call(count_waiting)
        except StorageUnavailable:
            return
        self._metrics.show({**dict.fromkeys(self._places, NONE_WAITING), **waiting}, self._clock())

    async def stop(self, seconds: float) -> None:
        """Let what is under way end, at most so long; give back the rest."""
        self._stopping = True
        self._wake.set()
        if self._loop is not None:
            await self._loop
        if self._tries:
            _, late = await asyncio.wait(self._tries, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await asyncio.gather(*self._retiring)
        await close_places(self._places)
        try:
            await self._settle()
            await self._database.call(lambda database: release(database, self._owner, self._clock()))
        except StorageUnavailable as error:
            # The leases run out by themselves; whoever starts next takes them over at once.
            _log.warning("what was under way could not be given back", error=error.message)

    async def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                await self._settle()
                pause = await self._round()
            except StorageUnavailable as error:
                _log.error("the outbox cannot be read", error=error.message)
                pause = _STORAGE_PAUSE
            except Exception:  # noqa: BLE001 - the loop itself: it must go on, and says in the log what broke
                _log.exception("the courier failed")
                pause = _STORAGE_PAUSE
            if pause > 0:
                await self._rest(pause)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _round(self) -> float:
        """Lease what may be sent and start sending it; return the seconds until there may be more."""
        await self._look_for_orphans()
        await self._look_at_clock()
        # Other settings may come while the database is asked.
        now, steady_now, all_places = self._clock(), steady(), self._places
        free = {target: _free(place, steady_now) for target, place in all_places.items()}
        free = {target: places for target, places in free.items() if places}
        if not free:
            return LOOK_AGAIN
        until = now + int((self._lease + max(all_places[target].seconds for target in free)) * 1_000_000)
        leased = await self._database.call(
            lambda database: lease(database, free, now=now, until=until, owner=self._owner)
        )
        if self._stopping:
            # It was leased while the end was announced: `stop` gives it back.
            return 0.0
        for item in leased:
            # A clock that was set forward ends leases of what is still under way: that is not sent beside itself.
            if item.seq not in self._under_way:
                self._begin(item, all_places[item.action, item.target])
        if leased:
            return 0.0
        due = await self._database.call(lambda database: next_due(database, list(free)))
        return LOOK_AGAIN if due is None else min(LOOK_AGAIN, max(0.001, (due - self._clock()) / 1_000_000))

    def _begin(self, item: Leased, place: Place) -> None:
        place.busy += 1
        self._under_way.add(item.seq)
        place.circuit.took(1)
        task = asyncio.get_running_loop().create_task(self._try(item, place))
        self._tries.add(task)
        task.add_done_callback(self._tries.discard)

    async def _try(self, item: Leased, place: Place) -> None:
        started = time.monotonic()
        try:
            settled = await self._attempts.make(item, place)
        finally:
            place.busy -= 1
            self._metrics.seconds.labels(item.action, item.target).observe(time.monotonic() - started)
        self._settled.append(settled)
        self._wake.set()

    async def _look_for_orphans(self) -> None:
        if time.monotonic() < self._orphans_at:
            return
        self._orphans_at = time.monotonic() + ORPHANS_AGAIN
        places, now = self._places, self._clock()
        if await self._database.call(lambda database: drop_orphans(database, places, now)):
            self._answered()

    async def _look_at_clock(self) -> None:
        if not self._clock_watch.is_time():
            return
        now = self._clock()
        lease_ends = now + int((self._lease + max(place.seconds for place in self._places.values())) * 1_000_000)
        latest = lease_ends + int(self._attempts.longest_wait * 1_000_000)
        moved = await self._database.call(
            lambda database: bring_forward(database, now=now, latest=latest, lease_ends=lease_ends)
        )
        self._clock_watch.looked()
        if moved:
            _log.warning("the clock was set back: what waited for a time that is far ahead now is due", count=moved)
            self._answered()

    async def _settle(self) -> None:
        if not self._settled:
            return
        settled, self._settled = self._settled, []
        try:
            answered = await self._database.call(lambda database: settle(database, settled, self._owner))
        except StorageUnavailable:
            self._settled = settled + self._settled
            raise
        self._under_way.difference_update([one.seq for one in settled])
        if answered:
            self._answered()


def _free(place: Place, now: int) -> int:
    return place.circuit.allows(now, place.places - place.busy)


async def _retire(places: Mapping[Target, Place], tries: set[asyncio.Task[None]]) -> None:
    if tries:
        await asyncio.wait(tries)
    await close_places(places)


async def close_places(places: Mapping[Target, Place]) -> None:
    """Close the connections to targets."""
    closing: list[Awaitable[None]] = [place.transport.close() for place in places.values()]
    await asyncio.gather(*closing)

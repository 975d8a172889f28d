"""The courier: takes what is due out of the outbox, sends it, and writes down what came of it.

Nothing is sent inside a transaction: rows are leased in one, sent, and settled in another.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Protocol, TypeVar

import structlog

from gateway.engine.retry import RetryPolicy
from gateway.errors import StorageUnavailable
from gateway.sending.metrics import SendMetrics
from gateway.sending.targets import Place, keep_circuits
from gateway.sending.transport import Passing, Refused
from gateway.store.codecs import dump_json
from gateway.store.database import Database
from gateway.store.leases import (
    NONE_WAITING,
    Leased,
    Settled,
    Target,
    abandon,
    count_waiting,
    lease,
    next_due,
    open_targets,
    own_name,
    release,
    release_dead_owners,
    settle,
)

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
        self._policy = policy
        self._metrics = metrics
        self._answered = answered
        self._clock = clock
        self._lease = lease_seconds
        self._chance = chance
        self._owner = own_name()
        self._wake = asyncio.Event()
        self._settled: list[Settled] = []
        self._tries: set[asyncio.Task[None]] = set()
        self._retiring: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False
        self._orphans_at = 0.0

    async def start(self) -> None:
        """Take over what a process that is no more has left, and begin."""
        await self._database.call(lambda database: release_dead_owners(database, self._clock()))
        self._loop = asyncio.get_running_loop().create_task(self._run(), name="courier")

    def wake(self) -> None:
        """Say that there is something new to send."""
        self._wake.set()

    def use(self, places: Mapping[Target, Place], policy: RetryPolicy) -> None:
        """Send to other places from now on; those before are closed once nothing is under way to them."""
        before, self._places, self._policy = self._places, places, policy
        keep_circuits(before, places)
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
        await self._drop_orphans()
        # Other settings may come while the database is asked.
        now, all_places = self._clock(), self._places
        free = {target: self._free(place, now) for target, place in all_places.items()}
        free = {target: places for target, places in free.items() if places}
        if not free:
            return LOOK_AGAIN
        seconds = self._lease + max(all_places[target].seconds for target in free)
        until = now + int(seconds * 1_000_000)
        leased = await self._database.call(
            lambda database: lease(database, free, now=now, until=until, owner=self._owner)
        )
        if self._stopping:
            # It was leased while the end was announced: `stop` gives it back.
            return 0.0
        for item in leased:
            self._begin(item, all_places[item.action, item.target])
        if leased:
            return 0.0
        due = await self._database.call(lambda database: next_due(database, list(free)))
        return LOOK_AGAIN if due is None else min(LOOK_AGAIN, max(0.001, (due - self._clock()) / 1_000_000))

    def _free(self, place: Place, now: int) -> int:
        return place.circuit.allows(now, place.places - place.busy)

    def _begin(self, item: Leased, place: Place) -> None:
        place.busy += 1
        place.circuit.took(1)
        task = asyncio.get_running_loop().create_task(self._try(item, place))
        self._tries.add(task)
        task.add_done_callback(self._tries.discard)

    async def _try(self, item: Leased, place: Place) -> None:
        started = time.monotonic()
        try:
            settled = await self._outcome(item, place)
        finally:
            place.busy -= 1
            self._metrics.seconds.labels(item.action, item.target).observe(time.monotonic() - started)
        self._settled.append(settled)
        self._wake.set()

    async def _outcome(self, item: Leased, place: Place) -> Settled:
        try:
            async with asyncio.timeout(place.seconds):
                answer = await place.transport.deliver(item)
        except TimeoutError:
            return self._passing(item, place, Passing(f"no answer within {place.seconds:g} seconds"))
        except Passing as error:
            return self._passing(item, place, error)
        except Refused as error:
            return self._refused(item, place, error)
        except Exception:  # noqa: BLE001 - the loop's own limit: it is logged, and the item is tried again
            # A bug of ours must not stop what else is to be sent: this one is tried again.
            _log.exception("sending broke", action=item.action, target=item.target, id=item.message_id)
            return self._passing(item, place, Passing("the gateway failed at this: see its log"))
        self._reached(item, place)
        self._count(item, "done")
        return self._settle_as(item, "done", answer=dump_json(answer))

    def _passing(self, item: Leased, place: Place, error: Passing) -> Settled:
        now = self._clock()
        if place.circuit.failed(now):
            _log.error("the target is left alone for a while", **_about(item), error=error.message)
        self._metrics.open.labels(item.action, item.target).set(place.circuit.open_until is not None)
        attempts = item.attempts + 1
        progress = item.answer if error.progress is None else dump_json(error.progress)
        at = self._again_at(item, place, now)
        if at is None:
            self._count(item, "dead")
            _log.error("given up", **_about(item), attempts=attempts, error=error.message)
            return self._settle_as(item, "dead", answer=progress, code="gave_up", error=error.full)
        if error.retry_after is not None:
            # What it asks for is bounded: a wrong header must not put a message off for years.
            until = now + int(min(error.retry_after, self._policy.most) * 1_000_000)
            place.circuit.hold(until)
            at = max(at, until)
        self._count(item, "retry")
        _log.warning("could not be sent: it is tried again", **_about(item), attempts=attempts, error=error.message)
        return self._settle_as(item, "ready", at=at, answer=progress, error=error.full)

    def _again_at(self, item: Leased, place: Place, now: int) -> int | None:
        policy = self._policy
        if place.longest is not None:
            policy = replace(policy, give_up_after=min(policy.give_up_after, place.longest))
        return policy.next_attempt(attempts=item.attempts + 1, since=item.created_at, now=now, chance=self._chance())

    def _refused(self, item: Leased, place: Place, error: Refused) -> Settled:
        self._reached(item, place)
        self._count(item, "dead")
        _log.error("refused", **_about(item), error=error.message)
        return self._settle_as(item, "dead", answer=item.answer, code=error.code, error=error.full)

    def _reached(self, item: Leased, place: Place) -> None:
        if place.circuit.succeeded():
            _log.info("the target takes messages again", action=item.action, target=item.target)
        self._metrics.open.labels(item.action, item.target).set(0)

    def _count(self, item: Leased, outcome: str) -> None:
        self._metrics.tries.labels(item.action, item.target, outcome).inc()

    def _settle_as(
        self,
        item: Leased,
        status: str,
        *,
        at: int | None = None,
        answer: str | None = None,
        code: str | None = None,
        error: str | None = None,
    ) -> Settled:
        finished = None if status == "ready" else self._clock()
        return Settled(item.seq, item.event, item.kind, status, item.attempts + 1, at, finished, answer, code, error)

    async def _settle(self) -> None:
        if not self._settled:
            return
        settled, self._settled = self._settled, []
        try:
            answered = await self._database.call(lambda database: settle(database, settled, self._owner))
        except StorageUnavailable:
            self._settled = settled + self._settled
            raise
        if answered:
            self._answered()

    async def _drop_orphans(self) -> None:
        """Make dead what waits for a target that is configured no more."""
        if time.monotonic() < self._orphans_at:
            return
        self._orphans_at = time.monotonic() + ORPHANS_AGAIN
        for target in await self._database.call(open_targets):
            if target not in self._places:
                await self._abandon(target)

    async def _abandon(self, target: Target) -> None:
        action, name = target
        error = f"no target `{name}` for `{action}` is configured any more"
        _log.error("what waits for a target that is gone becomes dead letters", action=action, target=name)
        if await self._database.call(lambda database: abandon(database, target, error, now=self._clock())):
            self._answered()


def _about(item: Leased) -> dict[str, object]:
    return {"action": item.action, "target": item.target, "id": item.message_id, "for_event": str(item.event or "")}


async def _retire(places: Mapping[Target, Place], tries: set[asyncio.Task[None]]) -> None:
    if tries:
        await asyncio.wait(tries)
    await close_places(places)


async def close_places(places: Mapping[Target, Place]) -> None:
    """Close the connections to targets."""
    closing: list[Awaitable[None]] = [place.transport.close() for place in places.values()]
    await asyncio.gather(*closing)

"""One try at sending something, and what comes of it: done, tried again, or a dead letter."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import structlog

from gateway.engine.retry import RetryPolicy
from gateway.sending.metrics import SendMetrics
from gateway.sending.targets import Place
from gateway.sending.transport import Passing, Refused
from gateway.store.codecs import dump_json
from gateway.store.leases import Leased, Settled

_log = structlog.get_logger("gateway.sending")


def steady() -> int:
    """Return microseconds of a clock that never jumps: what a circuit goes by, however the machine's time is set."""
    return time.monotonic_ns() // 1000


class Attempts:
    """Makes tries, and decides what is written down about each and what it says of its target."""

    def __init__(
        self, policy: RetryPolicy, metrics: SendMetrics, *, clock: Callable[[], int], chance: Callable[[], float]
    ) -> None:
        """Take when failures are tried again, what counts, the present moment (microseconds), and chance, 0 to 1."""
        self.policy = policy
        self._metrics = metrics
        self._clock = clock
        self._chance = chance

    @property
    def longest_wait(self) -> float:
        """Return the seconds between two tries at the most, whatever the other side asks for."""
        return self.policy.most * (1 + self.policy.jitter)

    async def make(self, item: Leased, place: Place) -> Settled:
        """Send an item to a place, and return what is to be written down. Raises nothing that can go wrong there."""
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
        return self._settled(item, "done", answer=dump_json(answer))

    def _passing(self, item: Leased, place: Place, error: Passing) -> Settled:
        if place.circuit.failed(steady()):
            _log.error("the target is left alone for a while", **_about(item), error=error.message)
        self._metrics.show_circuit((item.action, item.target), place.circuit)
        now, attempts = self._clock(), item.attempts + 1
        progress = item.answer if error.progress is None else dump_json(error.progress)
        at = self._again_at(item, place, now)
        if at is None:
            self._count(item, "dead")
            _log.error("given up", **_about(item), attempts=attempts, error=error.message)
            return self._settled(item, "dead", answer=progress, code="gave_up", error=error.full)
        if error.retry_after is not None:
            # What it asks for is bounded: a wrong header must not put a message off for years.
            wait = int(min(error.retry_after, self.policy.most) * 1_000_000)
            place.circuit.hold(steady() + wait)
            at = max(at, now + wait)
        self._count(item, "retry")
        _log.warning("could not be sent: it is tried again", **_about(item), attempts=attempts, error=error.message)
        return self._settled(item, "ready", at=at, answer=progress, error=error.full)

    def _again_at(self, item: Leased, place: Place, now: int) -> int | None:
        policy = self.policy
        if place.longest is not None:
            policy = replace(policy, give_up_after=min(policy.give_up_after, place.longest))
        return policy.next_attempt(attempts=item.attempts + 1, since=item.created_at, now=now, chance=self._chance())

    def _refused(self, item: Leased, place: Place, error: Refused) -> Settled:
        self._reached(item, place)
        self._count(item, "dead")
        _log.error("refused", **_about(item), error=error.message)
        return self._settled(item, "dead", answer=item.answer, code=error.code, error=error.full)

    def _reached(self, item: Leased, place: Place) -> None:
        if place.circuit.succeeded():
            _log.info("the target takes messages again", action=item.action, target=item.target)
        self._metrics.show_circuit((item.action, item.target), place.circuit)

    def _count(self, item: Leased, outcome: str) -> None:
        self._metrics.tries.labels(item.action, item.target, outcome).inc()

    def _settled(
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


def _about(item: Leased) -> dict[str, object]:
    return {"action": item.action, "target": item.target, "id": item.message_id, "for_event": str(item.event or "")}

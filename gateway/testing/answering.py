"""Stands where couriers stand: messages leave, and awaited calls are answered as `given.calls` says.

What is due is leased and settled as couriers do it; only the other side is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.config.rule_tests_effects import Canned
from gateway.engine.retry import RetryPolicy
from gateway.store.codecs import dump_json
from gateway.store.database import Database
from gateway.store.leases import Leased, Settled, lease, next_due, open_targets, settle
from gateway.testing.comparing_effects import is_done
from gateway.testing.effects import Done, effects_of

_OWNER = "gateway test"
_LEASE = 60_000_000
_PLACES = 1000
_MIDDLE = 0.5
"""The chance that the waits of a case are spread by: none."""


@dataclass(slots=True)
class _Use:
    canned: Canned
    count: int = 0

    @property
    def is_left(self) -> bool:
        return self.canned.times is None or self.count < self.canned.times


class Answers:
    """The canned answers of one case, each used as often as the case says."""

    def __init__(self, database: Database, canned: Sequence[Canned], retry: RetryPolicy) -> None:
        self._database = database
        self._uses = [_Use(one) for one in canned]
        self._retry = retry
        self.lacking: str | None = None
        """The call that no answer fits, in words."""

    def give(self, now: int) -> bool:
        """Let everything leave that is due (`now`, microseconds); say whether an answer makes an event ready.

        Stops at a call that no answer fits.
        """
        if self.lacking is not None:
            return False
        free = dict.fromkeys(open_targets(self._database), _PLACES)
        items = lease(self._database, free, now=now, until=now + _LEASE, owner=_OWNER) if free else []
        settled: list[Settled] = []
        for item in sorted(items):
            one = self._settled(item, now)
            if one is None:
                break
            settled.append(one)
        return settle(self._database, settled, _OWNER)

    def due(self) -> int | None:
        """Return when something that has not left is tried again (microseconds), or None."""
        return next_due(self._database, open_targets(self._database))

    def unused(self) -> list[tuple[int, Canned, int]]:
        """Return the answers that were used less often than given: their number from 0, and how often they were."""
        return [
            (number, use.canned, use.count)
            for number, use in enumerate(self._uses)
            if use.count < (use.canned.times or 1) and not use.canned.optional
        ]

    def _settled(self, item: Leased, now: int) -> Settled | None:
        """Return what comes of an item; None for a call that no answer fits."""
        if item.kind == "message":
            return _ended(item, now)
        [done] = effects_of(self._database, "calls", item.seq - 1, item.seq)
        use = next((one for one in self._uses if one.is_left and is_done(one.canned.effect, done)), None)
        if use is None:
            self.lacking = self._explain(done)
            return None
        use.count += 1
        match use.canned:
            case Canned(outcome="answer") as canned:
                return _ended(item, now, answer=dump_json(_answer(item.action, canned)))
            case Canned(outcome="error") as canned:
                return _ended(item, now, code=canned.code, error=canned.error)
            case _:
                return self._tried(item, now)

    def _tried(self, item: Leased, now: int) -> Settled:
        attempts, error = item.attempts + 1, "no answer: the case says `down`"
        at = self._retry.next_attempt(attempts=attempts, since=item.created_at, now=now, chance=_MIDDLE)
        if at is None:
            return _ended(item, now, code="gave_up", error=error)
        return Settled(item.seq, item.event, item.kind, "ready", attempts, at, None, None, None, error)

    def _explain(self, done: Done) -> str:
        about = (done.action, done.target)
        same = [one for one in self._uses if (one.canned.effect.action, one.canned.effect.target) == about]
        if not same:
            return str(done)
        spent = sum(not one.is_left for one in same)
        rest = "" if spent == len(same) else ", the rest do not fit"
        return f"{done}\n{spent} of {len(same)} answers to it are used up{rest}"


def _ended(
    item: Leased, now: int, *, answer: str | None = None, code: str | None = None, error: str | None = None
) -> Settled:
    status = "done" if code is None else "dead"
    return Settled(item.seq, item.event, item.kind, status, item.attempts + 1, None, now, answer, code, error)


def _answer(action: str, canned: Canned) -> object:
    if action != "send":
        return canned.answer
    written = canned.answer if isinstance(canned.answer, dict) else {}
    return {"status": 200, "headers": {}, "body": None, **written}

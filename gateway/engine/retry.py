"""When a failed event is tried again: growing waits, an end, and a little chance so that a crowd spreads out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how long to try. Seconds; `jitter` is a share of the wait."""

    first: float = 5.0
    factor: float = 3.0
    most: float = 3600.0
    jitter: float = 0.2
    give_up_after: float = 3 * 86400.0
    park_for: float | None = None
    """How long an event may wait for a row; as long as any other failure where nothing is said."""

    def next_attempt(self, *, attempts: int, since: int, now: int, chance: float, parked: bool = False) -> int | None:
        """Return when to try again (microseconds), or None to give up.

        `attempts` counts the tries made, `since` and `now` are microseconds, `chance` is from 0 to 1; `parked` says
        that the event waits for a row.
        """
        # The exponent is bounded so that the power stays a small number; `most` caps it anyway.
        wait = min(self.first * self.factor ** min(attempts - 1, 64), self.most)
        wait *= 1 + self.jitter * (2 * chance - 1)
        at = now + int(wait * 1_000_000)
        longest = self.park_for if parked and self.park_for is not None else self.give_up_after
        return at if at - since <= longest * 1_000_000 else None

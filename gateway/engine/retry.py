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

    def next_attempt(self, *, attempts: int, since: int, now: int, chance: float) -> int | None:
        """Return when to try again (microseconds), or None to give up.

        `attempts` counts the tries made, `since` and `now` are microseconds, `chance` is from 0 to 1.
        """
        # The exponent is bounded so that the power stays a small number; `most` caps it anyway.
        wait = min(self.first * self.factor ** min(attempts - 1, 64), self.most)
        wait *= 1 + self.jitter * (2 * chance - 1)
        at = now + int(wait * 1_000_000)
        return at if at - since <= self.give_up_after * 1_000_000 else None

"""A circuit: after failures in a row a target is left alone for a while, then tried with one item."""

from __future__ import annotations

from dataclasses import dataclass

FAILURES = 5
"""So many failures in a row open the circuit."""
FIRST_PAUSE, LONGEST_PAUSE = 2_000_000, 120_000_000
"""Microseconds for which it stays open at first, and at most; each failed probe doubles it."""


@dataclass(slots=True)
class Circuit:
    """Whether a target takes anything at the moment.

    A state machine without a clock of its own; times are microseconds of one that never jumps.
    """

    failures: int = 0
    """In a row."""
    open_until: int | None = None
    pause: int = FIRST_PAUSE
    probing: bool = False
    held_until: int = 0
    """When the time is over that the target has asked for."""

    def allows(self, now: int, free: int) -> int:
        """Return how many items may be sent now, of as many as there are places for."""
        if now < self.held_until:
            return 0
        if self.open_until is None:
            return free
        if self.probing or now < self.open_until:
            return 0
        return min(free, 1)

    def took(self, count: int) -> None:
        """Note that items are on their way; the first after a pause is the probe."""
        if count and self.open_until is not None:
            self.probing = True

    def hold(self, until: int) -> None:
        """Note that the target has asked for time."""
        self.held_until = max(self.held_until, until)

    def succeeded(self) -> bool:
        """Note that the target has answered. Say whether that closed the circuit."""
        was_open = self.open_until is not None
        self.failures, self.open_until, self.pause, self.probing = 0, None, FIRST_PAUSE, False
        return was_open

    def failed(self, now: int) -> bool:
        """Note that the target could not be reached or asked for time. Say whether that opened the circuit."""
        self.failures += 1
        if self.open_until is not None:
            if self.probing:
                self.pause = min(self.pause * 2, LONGEST_PAUSE)
                self.open_until, self.probing = now + self.pause, False
            return False
        if self.failures < FAILURES:
            return False
        self.open_until = now + self.pause
        return True

"""Watching the machine's clock: it is set back now and then, and what was written before has times to come."""

from __future__ import annotations

from collections.abc import Callable

_NOTICED = 1_000_000
"""Microseconds by which it must have been set back to matter; less is how clocks are trimmed."""
_AGAIN = 5_000_000
"""For so long afterwards somebody may still write down a time that was read before."""


class ClockWatch:
    """Says when the clock was set back. A state machine; times are microseconds."""

    def __init__(self, clock: Callable[[], int], steady: Callable[[], int]) -> None:
        """Take the clock, and one that never jumps."""
        self._clock = clock
        self._steady = steady
        self._ahead = clock() - steady()
        self._look_at: list[int] = [0]
        """When to look for times that are wrong, by the steady clock; the first time at once: nobody knows what was."""

    def is_time(self) -> bool:
        """Say whether what was written may have been written by a clock that was ahead, and nobody has looked since."""
        now = self._steady()
        ahead = self._clock() - now
        if ahead < self._ahead - _NOTICED:
            self._look_at = [now, now + _AGAIN]
        self._ahead = ahead
        return bool(self._look_at) and now >= self._look_at[0]

    def looked(self) -> None:
        """Note that somebody has looked."""
        del self._look_at[0]

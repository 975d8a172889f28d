"""Order within a key, in one slice: which events must wait behind an earlier one of theirs, and who is let go then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from gateway.engine.program import SourceProgram
from gateway.store.claiming import Claimed
from gateway.store.database import Database
from gateway.store.holding import Holders, Key, any_held, hold, holders_of, release

CALLING = "calling"
"""What became of a pass that waits for an answer; the event is `waiting`."""

_NOBODY = Holders()


class Holding:
    """Who holds up whom among a slice's events and those that wait from before. It is asked in the events' order."""

    def __init__(self, database: Database, sources: Mapping[str, SourceProgram], events: Sequence[Claimed]) -> None:
        """Look for what holds up the keys of a slice. At most two statements; on SQLite one for each key."""
        self._database = database
        self._strict = {name for name, source in sources.items() if source.strict}
        every = any_held(database)
        # What will be tried again has a time, and holds up its key only where order is strict.
        keys = {(e.source, e.key) for e in events if e.key is not None and (every or e.source in self._strict)}
        self._holders = holders_of(database, keys)
        self._own: dict[Key, int] = {}
        self._held: list[tuple[int, int]] = []

    def behind(self, event: Claimed) -> bool:
        """Say whether an event must wait behind an earlier one, and have it wait."""
        if event.key is None:
            return False
        key = event.source, event.key
        holder = self._holder(key, event)
        if holder is None:
            return False
        self._held.append((holder, event.seq))
        before = self._holders.get(key, _NOBODY)
        self._holders[key] = before._replace(held=min(event.seq, before.held or event.seq))
        return True

    def _holder(self, key: Key, event: Claimed) -> int | None:
        own = self._own.get(key)
        if own is not None:
            return own
        first = self._holders.get(key)
        if first is None:
            return None
        holders = [] if first.asking is None else [first.asking]
        # An earlier one that waits behind another holds up too: what it waits for may have ended in this very slice.
        # But not one that has called: an event retried by hand may wait behind that, though received before it.
        if first.held is not None and first.held < event.seq and event.calls == 0:
            holders.append(first.held)
        if not holders and first.retried is not None and first.retried < event.seq and event.source in self._strict:
            return first.retried
        return min(holders, default=None)

    def ended(self, event: Claimed, status: str) -> None:
        """Note how the pass of an event has ended: one that goes on later may hold up its key until then."""
        if event.key is not None and self.goes_on(event.source, status):
            self._own[event.source, event.key] = event.seq

    def goes_on(self, source: str, status: str) -> bool:
        """Say whether an event of this status holds up its key."""
        return status == CALLING or (status == "waiting" and source in self._strict)

    def write(self) -> None:
        """Have those that must wait do so. One statement; on SQLite run for each event."""
        hold(self._database, self._held)

    def let_go(self, ended: Iterable[Claimed]) -> int:
        """Make the next events of keys ready that nobody holds up any more; return how many.

        Twice as many as have ended: where each of a key waits for an answer of its own, the first holds up all others
        anew; where none does, there are soon enough for a slice.
        """
        counts = Counter((event.source, event.key) for event in ended if event.key is not None)
        free = {key: 2 * count for key, count in counts.items() if key not in self._own}
        return release(self._database, free) if free and any_held(self._database) else 0

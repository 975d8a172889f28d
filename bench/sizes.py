"""How much a run measures: enough to see in a few minutes, or the targets' own sizes."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.deliveries import Request, stripe_requests
from bench.servers import STRIPE_PATH


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Counts of events, and how often what is compared is measured in turn."""

    rounds: int
    acks: int
    stored: int
    """Events in the database before latency is measured."""
    seconds: int
    """How long a fixed rate is kept up."""
    end_to_end: int
    by_hand: int
    """Events for the hand-written handler, which is slow."""
    backlog: int
    shared: int
    """Events through gateways on PostgreSQL."""


QUICK = Sizes(
    rounds=3, acks=20_000, stored=100_000, seconds=10, end_to_end=30_000, by_hand=5_000, backlog=100_000, shared=15_000
)
FULL = Sizes(
    rounds=5,
    acks=50_000,
    stored=1_000_000,
    seconds=60,
    end_to_end=100_000,
    by_hand=10_000,
    backlog=1_000_000,
    shared=60_000,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: its sizes, and a folder for what its servers write."""

    sizes: Sizes
    folder: Path
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def new_folder(self) -> Path:
        """Return an empty folder."""
        folder = self.folder / f"{next(self._numbers):03}"
        folder.mkdir()
        return folder

    def requests(self, count: int) -> list[Request]:
        """Return signed deliveries of events that no request before was about."""
        return stripe_requests(count, path=STRIPE_PATH, seed=next(self._numbers), now=int(time.time()))

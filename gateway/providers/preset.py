"""Presets: what is known of a provider, declared; a source may say every part of it differently."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.providers.schemes import SCHEMES
from gateway.records import dataclass, field

Part = str | Mapping[str, str]
"""A JMESPath into the payload; or `{header: NAME}`, with an `or_header` where the first is absent; or, for a time,
`{path: …, zone: …}`."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a version of a provider's API has put what stood elsewhere before."""

    version: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One provider."""

    name: str
    title: str
    docs: str
    scheme: str
    """How its deliveries are verified: a name of `schemes.SCHEMES`, `token` or `paypal`."""
    token_header: str | None = None
    success: str
    """What it takes for delivered, and what becomes of a delivery that it does not."""
    event: Mapping[str, Part]
    """Where `id`, `type`, `occurred_at` and `key` are."""
    event_types: tuple[str, ...] = ()
    """The types it sends, as far as they are documented; empty where anything may come."""
    instead: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Types that only older senders use, with what the provider sends today."""
    moved: Mapping[tuple[str, str], Moved] = field(default_factory=dict)
    """What older API versions had, by object and member."""
    fixed_time: bool = True
    """Whether the event's own time is the same in every delivery of it."""

    @property
    def tolerance(self) -> float | None:
        """Return by how many seconds a signature's time may be off; None where no time is signed."""
        scheme = SCHEMES.get(self.scheme)
        return None if scheme is None or scheme.unit is None else scheme.tolerance

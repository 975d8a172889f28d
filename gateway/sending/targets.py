"""The places that messages and calls go to, as the settings have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp

from gateway.config.declarations import BROKERS
from gateway.sending.cache import CacheTransport
from gateway.sending.circuit import Circuit
from gateway.sending.http import HttpTransport
from gateway.sending.notify import NotifyTransport
from gateway.sending.publish import NatsTransport
from gateway.sending.stripe import LONGEST, StripeTransport
from gateway.sending.transport import Transport
from gateway.settings import DestinationSettings, Settings
from gateway.store.leases import Target

STRIPE_PLACES = 16
"""Calls of Stripe under way at once: well below what it limits a test account to (25 a second)."""
CHANNEL_PLACES, CHANNEL_SECONDS = 2, 30.0
CACHE_PLACES, CACHE_SECONDS = 8, 5.0


@dataclass(slots=True, kw_only=True)
class Place:
    """One target: what sends to it, how many at once, and whether it takes anything at the moment."""

    transport: Transport
    places: int
    seconds: float
    """How long one try may take."""
    longest: float | None = None
    """Seconds after which it is given up, where that must not be later than the settings say."""
    address: object = field(default=None, repr=False)
    """Where it leads; what is known of a target is known of this address. It may hold secrets."""
    circuit: Circuit = field(default_factory=Circuit)
    busy: int = 0
    """Items under way."""


def build_places(settings: Settings, session: aiohttp.ClientSession) -> dict[Target, Place]:
    """Return every target that the settings name."""
    stripe = settings.stripe
    found: dict[Target, Place] = {
        ("stripe", "stripe"): Place(
            transport=StripeTransport(stripe),
            places=STRIPE_PLACES,
            seconds=stripe.timeout.total_seconds() + 1,
            longest=LONGEST,
            address=stripe.api_base,
        ),
        ("cache", "redis"): Place(
            transport=CacheTransport(settings.redis, CACHE_SECONDS),
            places=CACHE_PLACES,
            seconds=2 * CACHE_SECONDS,
            address=settings.redis,
        ),
    }
    for name, addresses in settings.channels.items():
        found["notify", name] = Place(
            transport=NotifyTransport(name, addresses, CHANNEL_SECONDS),
            places=CHANNEL_PLACES,
            seconds=CHANNEL_SECONDS + 5,
            address=tuple(addresses),
        )
    for destination in settings.destinations.values():
        found[_action_of(destination), destination.name] = _destination(destination, session)
    return found


def _action_of(destination: DestinationSettings) -> str:
    return "publish" if destination.url.partition("://")[0] in BROKERS else "send"


def _destination(destination: DestinationSettings, session: aiohttp.ClientSession) -> Place:
    broker = _action_of(destination) == "publish"
    return Place(
        transport=NatsTransport(destination) if broker else HttpTransport(destination, session),
        places=destination.concurrency,
        seconds=destination.timeout.total_seconds() + (1 if broker else 0),
        address=destination.url,
    )


def keep_circuits(before: Mapping[Target, Place], after: Mapping[Target, Place]) -> None:
    """Carry over what is known of targets when the settings are read again; nothing is known of another address."""
    for target, place in after.items():
        if target in before and before[target].address == place.address:
            place.circuit = before[target].circuit

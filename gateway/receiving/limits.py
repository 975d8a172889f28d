"""Who may send, how often and how much: decided before anything of a delivery is parsed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

# How many senders a limit tells apart; those beyond it share one allowance.
MAX_SENDERS = 10_000


def parse_address(text: str) -> Address | None:
    """Read an IP address, with or without a port; an IPv4 address inside an IPv6 one counts as IPv4."""
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


class AddressList:
    """Networks, asked for each delivery whether an address is in one of them."""

    def __init__(self, networks: Iterable[str]) -> None:
        """Take networks in CIDR form or single addresses. Raises ValueError for any other text."""
        self._networks = tuple(ip_network(network, strict=False) for network in networks)
        self._known: dict[str, bool] = {}

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, text: str) -> bool:
        known = self._known.get(text)
        if known is None:
            if len(self._known) >= MAX_SENDERS:
                self._known.clear()
            known = self._known[text] = self._find(text)
        return known

    def _find(self, text: str) -> bool:
        address = parse_address(text)
        return address is not None and any(address in network for network in self._networks)


def client_address(peer: str, forwarded: Sequence[str], trusted: AddressList | None) -> str:
    """Return the address that a request comes from.

    That is the socket's own, unless it belongs to a trusted proxy: then the last address in the
    `X-Forwarded-For` headers that is no trusted proxy, since anything to the left of it is the sender's claim.
    """
    if trusted is None or peer not in trusted:
        return peer
    hops = [hop.strip() for header in forwarded for hop in header.split(",")]
    for hop in reversed(hops):
        if hop not in trusted:
            return hop
    return hops[0] if hops else peer


class RateLimit:
    """A number of deliveries per period and sender, spent and refilled evenly (GCRA, a token bucket in one number).

    The allowance is each client address's own (each /64 network's in IPv6): nothing is verified yet, so one
    shared by all would let a stranger use up the provider's.
    """

    def __init__(self, count: int, period: float) -> None:
        """Allow `count` deliveries in `period` seconds; that many at once after a pause."""
        self._interval = period / count
        self._burst = period - self._interval
        self._period = period
        self._full_at: dict[str, float] = {}
        self._pruned_at = 0.0

    def wait(self, address: str, now: float) -> float:
        """Take one delivery out of the sender's allowance: 0, or the seconds until there is one again."""
        sender = _sender(address) if ":" in address else address
        full_at = self._full_at.get(sender)
        if full_at is None and len(self._full_at) >= MAX_SENDERS:
            self._prune(now)
            sender = sender if len(self._full_at) < MAX_SENDERS else ""
            full_at = self._full_at.get(sender)
        full_at = now if full_at is None or full_at < now else full_at
        if full_at - now > self._burst:
            return full_at - now - self._burst
        self._full_at[sender] = full_at + self._interval
        return 0.0

    def _prune(self, now: float) -> None:
        if now - self._pruned_at >= self._period:
            self._pruned_at = now
            self._full_at = {sender: at for sender, at in self._full_at.items() if at > now}


def _sender(text: str) -> str:
    address = parse_address(text)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address)

"""Networks and addresses as operators write them."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network


def parse_network(text: str) -> Network | None:
    """Return a network (`10.0.0.0/8`) or a single address as one; None for any other text.

    Bits set behind the prefix are dropped: `10.1.2.3/8` is `10.0.0.0/8`.
    """
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None

"""Who may use the admin API: whoever has the token; without a configured one, only this machine itself."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from gateway.admin.refusals import Refused

_BEARER = {"WWW-Authenticate": 'Bearer realm="gateway"'}

# Headers that only a proxy adds: then the socket's address is the proxy's and says nothing of who asks.
_PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


def admit(token: str | None, peer: str | None, headers: Mapping[str, str]) -> None:
    """Let a request through, or raise Refused.

    `token` is the configured one, `peer` the address at the other end of the socket, `headers` are the request's
    (looked up without regard to case).
    """
    if token is None:
        _admit_local(peer, headers)
    elif not is_bearer(headers.get("Authorization"), token):
        raise Refused("unauthorized", "the admin token is missing or wrong: `Authorization: Bearer …`", headers=_BEARER)


def is_bearer(authorization: str | None, token: str) -> bool:
    """Say whether an `Authorization` header holds the token, in time that does not depend on how much of it fits."""
    scheme, _, given = (authorization or "").partition(" ")
    same = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), token.encode())
    return same and scheme.lower() == "bearer"


def _admit_local(peer: str | None, headers: Mapping[str, str]) -> None:
    if not _is_loopback(peer):
        raise Refused("forbidden", "no admin token is configured, so only requests from this machine are served")
    if any(name in headers for name in _PROXY_HEADERS):
        raise Refused("forbidden", "no admin token is configured, and this request came through a proxy")
    # A page in this machine's browser could otherwise act for whoever wrote it (forged requests, DNS rebinding).
    if not _is_loopback(_host(f"//{headers.get('Host', '')}")) or not _is_own_origin(headers.get("Origin")):
        raise Refused("forbidden", "no admin token is configured, and this request comes from another site")


def _is_own_origin(origin: str | None) -> bool:
    return origin is None or _is_loopback(_host(origin))


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        address = ip_address((host or "").partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback

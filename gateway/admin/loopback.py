"""Deliveries from the gateway to itself, over a real connection: the whole way, as a provider's would go."""

from __future__ import annotations

from collections.abc import Callable

import aiohttp

from gateway.admin.refusals import Refused
from gateway.admin.rule_routes import Delivered
from gateway.admin.triggering import Sample, base_url

_TIMEOUT = aiohttp.ClientTimeout(total=15)


class Loopback:
    """Posts samples to the address that the gateway listens on."""

    def __init__(self, address: Callable[[], tuple[str, int]]) -> None:
        """Take what returns the host and port that are listened on."""
        self._address = address

    async def __call__(self, sample: Sample) -> Delivered:
        """Post a sample and return the answer. Raises Refused when the gateway cannot reach itself."""
        url = base_url(*self._address()) + sample.path
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=False) as session,
                session.post(url, data=sample.body, headers=sample.headers, allow_redirects=False) as answer,
            ):
                return Delivered(answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise Refused("not_delivered", f"the gateway does not reach itself at {url}: {reason}") from error

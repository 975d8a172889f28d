"""`cache`: keys dropped in Redis."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.config.environment import Secret
from gateway.sending.transport import Passing
from gateway.store.leases import Leased


class CacheTransport:
    """Deletes keys. The client is imported with the first message."""

    def __init__(self, url: Secret | None, timeout: float) -> None:
        """Take the address, None where there is no Redis, and the seconds that an answer may take."""
        self._url = url
        self._timeout = timeout
        self._client: Any = None

    async def deliver(self, item: Leased) -> object:
        """Delete the keys; return how many were there, or that there is no Redis. Raises Passing."""
        keys = orjson.loads(item.request)["delete"]
        if self._url is None:
            return {"skipped": "no redis is configured"}
        import redis.asyncio
        from redis.exceptions import RedisError

        if self._client is None:
            self._client = redis.asyncio.from_url(
                self._url.reveal(), socket_timeout=self._timeout, socket_connect_timeout=self._timeout
            )
        try:
            return {"deleted": await self._client.delete(*keys)}
        except (RedisError, OSError) as error:
            raise Passing(f"Redis could not be reached: {type(error).__name__}") from error

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

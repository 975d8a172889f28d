"""`cache`: keys dropped in Redis."""

from __future__ import annotations

from typing import Any

from gateway.config.environment import Secret
from gateway.sending.transport import Passing, Refused
from gateway.store.leases import Leased
from gateway.store.outbox import decode


class CacheTransport:
    """Deletes keys. The client is imported with the first message."""

    def __init__(self, url: Secret | None, timeout: float) -> None:
        """Take the address, None where there is no Redis, and the seconds that an answer may take."""
        self._url = url
        self._timeout = timeout
        self._client: Any = None

    async def deliver(self, item: Leased) -> object:
        """Delete the keys; return how many were there, or that there is no Redis. Raises Passing or Refused."""
        request: Any = decode(item.request)
        if self._url is None:
            return {"skipped": "no redis is configured"}
        from redis.exceptions import ReadOnlyError, RedisError, ResponseError

        try:
            return {"deleted": await self._connected(self._url).delete(*request["delete"])}
        except ReadOnlyError as error:
            raise Passing("Redis is read-only at the moment") from error
        except ResponseError as error:
            raise Refused("Redis refused it", said=str(error)) from error
        except (RedisError, OSError) as error:
            # Its text may hold the address, which may hold a password.
            raise Passing(f"Redis could not be reached: {type(error).__name__}") from error

    def _connected(self, url: Secret) -> Any:
        if self._client is None:
            import redis.asyncio

            try:
                self._client = redis.asyncio.from_url(
                    url.reveal(), socket_timeout=self._timeout, socket_connect_timeout=self._timeout
                )
            except ValueError:
                raise Refused("`redis.url` is no address of a Redis") from None
        return self._client

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

"""`publish`: messages to a broker. NATS JetStream is the first; each broker is a transport of its own."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

from gateway.sending.transport import Passing
from gateway.settings import DestinationSettings
from gateway.store.codecs import dump_json
from gateway.store.leases import Leased

MESSAGE_ID = "Nats-Msg-Id"
"""What JetStream tells duplicates by. Source: docs.nats.io, JetStream, message deduplication."""


class NatsTransport:
    """Publishes to one NATS server with JetStream. The client is imported with the first message."""

    def __init__(self, destination: DestinationSettings) -> None:
        """Take the destination."""
        self._destination = destination
        self._client: Any = None
        self._connecting = asyncio.Lock()

    async def deliver(self, item: Leased) -> object:
        """Publish and wait until the stream has stored it; return `{stream, sequence}`. Raises Passing."""
        from nats.errors import Error as NatsError

        request = json.loads(item.request, parse_float=Decimal)
        seconds = self._destination.timeout.total_seconds()
        try:
            client = await self._connected(seconds)
            stored = await client.jetstream(timeout=seconds).publish(
                request["subject"],
                dump_json(request["json"]).encode(),
                headers={MESSAGE_ID: item.message_id, "Content-Type": "application/json"},
            )
        except (NatsError, OSError) as error:
            raise Passing(f"the broker did not take it: {type(error).__name__}") from error
        return {"stream": stored.stream, "sequence": stored.seq, "duplicate": bool(stored.duplicate)}

    async def _connected(self, seconds: float) -> Any:
        import nats

        async with self._connecting:
            if self._client is None or self._client.is_closed:
                self._client = await nats.connect(
                    self._destination.url,
                    token=None if self._destination.secret is None else self._destination.secret.reveal(),
                    connect_timeout=max(1, int(seconds)),
                    allow_reconnect=False,
                )
            return self._client

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None and not self._client.is_closed:
            await self._client.close()
        self._client = None

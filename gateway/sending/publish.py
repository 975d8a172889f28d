"""`publish`: messages to a broker. NATS JetStream is the first; each broker is a transport of its own."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from gateway.sending.transport import Passing, Refused
from gateway.settings import DestinationSettings
from gateway.store.codecs import dump_json
from gateway.store.leases import Leased
from gateway.store.outbox import decode

_log = structlog.get_logger("gateway.sending")

MESSAGE_ID = "Nats-Msg-Id"
"""What JetStream tells duplicates by. Source: docs.nats.io, JetStream, message deduplication."""


class NatsTransport:
    """Publishes to one NATS server with JetStream. The client is imported with the first message."""

    def __init__(self, destination: DestinationSettings) -> None:
        """Take the destination; its secret, where it has one, is the server's token."""
        self._destination = destination
        self._client: Any = None
        self._connecting = asyncio.Lock()

    async def deliver(self, item: Leased) -> object:
        """Publish, and wait until the stream has stored it; return `{stream, sequence, duplicate}`.

        Raises Passing, also where no stream takes the subject: it may be made yet; and Refused.
        """
        from nats.errors import BadSubjectError, MaxPayloadError
        from nats.errors import Error as NatsError
        from nats.js.errors import NoStreamResponseError

        request: Any = decode(item.request)
        subject = request["subject"]
        seconds = self._destination.timeout.total_seconds()
        try:
            client = await self._connected(seconds)
            stored = await client.jetstream(timeout=seconds).publish(
                subject,
                dump_json(request["json"]).encode(),
                headers={MESSAGE_ID: item.message_id, "Content-Type": "application/json"},
            )
        except MaxPayloadError as error:
            raise Refused("the message is longer than the broker takes") from error
        except (BadSubjectError, ValueError) as error:
            raise Refused(f"the broker takes no subject `{subject}`") from error
        except NoStreamResponseError as error:
            raise Passing(f"no stream of the broker takes the subject `{subject}`") from error
        except (NatsError, OSError) as error:
            # A connection that has gone quiet is not told apart from a slow broker: the next try makes a new one.
            await self.close()
            raise Passing(f"the broker did not take it: {type(error).__name__}") from error
        return {"stream": stored.stream, "sequence": stored.seq, "duplicate": bool(stored.duplicate)}

    async def _connected(self, seconds: float) -> Any:
        import nats

        async with self._connecting:
            if self._client is None or self._client.is_closed:
                self._client = await nats.connect(
                    self._destination.url,
                    name="webhook-gateway",
                    token=None if self._destination.secret is None else self._destination.secret.reveal(),
                    connect_timeout=max(1, int(seconds)),
                    allow_reconnect=False,
                    error_cb=self._note,
                )
            return self._client

    async def _note(self, error: Exception) -> None:
        # Who waits for an answer is told by an exception of their own.
        _log.debug("the broker's connection has failed", target=self._destination.name, error=type(error).__name__)

    async def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        if client is not None and not client.is_closed:
            await client.close()

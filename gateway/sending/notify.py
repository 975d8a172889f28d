"""`notify`: messages to people, by Apprise. Source of the addresses: the Apprise documentation."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence

import orjson
import structlog

from gateway.config.environment import Secret
from gateway.sending.transport import Passing, Refused
from gateway.store.leases import Leased

_log = structlog.get_logger("gateway.notify")

LOG = "log://"
"""An address of our own: the message goes into the gateway's log."""

_LOG_LEVELS = {"failure": "error", "warning": "warning"}


class NotifyTransport:
    """Tells one channel. Apprise is imported with the first message."""

    def __init__(self, channel: str, addresses: Sequence[Secret]) -> None:
        """Take the channel's name and its addresses."""
        self._channel = channel
        self._addresses = addresses

    async def deliver(self, item: Leased) -> object:
        """Tell every address that an earlier try has not told. Raises Passing or Refused.

        The answer lists the addresses that were told, by their place, from 0.
        """
        request = orjson.loads(item.request)
        told: list[int] = json.loads(item.answer)["told"] if item.answer else []
        failed: list[int] = []
        for place, address in enumerate(self._addresses):
            if place in told:
                continue
            if await self._tell(address.reveal(), request):
                told.append(place)
            else:
                failed.append(place)
        if failed:
            # An address holds secrets, so only its place is named.
            places = ", ".join(str(place + 1) for place in failed)
            raise Passing(f"address {places} of {len(self._addresses)} took nothing", progress={"told": told})
        return {"told": told}

    async def _tell(self, address: str, request: dict[str, str]) -> bool:
        if address.startswith(LOG):
            level = _LOG_LEVELS.get(request["level"], "info")
            getattr(_log, level)(request["title"] or request["body"], channel=self._channel, body=request["body"])
            return True
        return await asyncio.to_thread(_notify, address, request)

    async def close(self) -> None:
        """Do nothing: there is no connection between two messages."""


def _notify(address: str, request: dict[str, str]) -> bool:
    import apprise

    # Its log names addresses as they are.
    logging.getLogger("apprise").disabled = True
    service = apprise.Apprise()
    if not service.add(address):
        raise Refused("an address of the channel is none that Apprise knows")
    return bool(service.notify(body=request["body"], title=request["title"] or "", notify_type=request["level"]))

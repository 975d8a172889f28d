"""What tests of sending share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sending.rig import Sending, Start
from servers import Receiver

from gateway.sending.http import open_session

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def app() -> Iterator[Receiver]:
    with Receiver(SECRET) as receiver:
        yield receiver


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as session:
        yield session


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Start couriers; they are stopped at the end."""
    started: list[Sending] = []

    async def begin(destinations: str = "", **more: Any) -> Sending:
        sending = Sending(tmp_path, **more)
        sending.configuration += destinations
        started.append(await sending.start())
        return sending

    yield begin
    for sending in started:
        await sending.stop()

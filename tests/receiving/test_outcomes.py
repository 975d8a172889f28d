from __future__ import annotations

import asyncio
import time

import pytest

from gateway.errors import NotFound
from gateway.receiving.outcomes import Outcomes
from gateway.store.inbox import Outcome

READY = Outcome(1, "ready", None, None, None)
DONE = Outcome(1, "done", "ok", None, b"{}")


class Events:
    """What the database says of events."""

    def __init__(self) -> None:
        self.standing: Outcome | None = READY
        self.looks = 0

    async def look(self, event: int) -> Outcome | None:
        self.looks += 1
        return self.standing


async def test_who_waits_is_told_at_once() -> None:
    events = Events()
    outcomes = Outcomes(events.look)
    waiting = [asyncio.create_task(outcomes.wait(1, 5.0)) for _ in range(3)]
    await asyncio.sleep(0)
    outcomes.finished([Outcome(2, "done", None, None, None), DONE])
    assert await asyncio.gather(*waiting) == [DONE] * 3
    assert events.looks == 0


async def test_what_another_process_has_finished_is_found() -> None:
    events = Events()
    outcomes = Outcomes(events.look)
    waiting = asyncio.create_task(outcomes.wait(1, 5.0))
    await asyncio.sleep(0.05)
    events.standing = DONE
    assert await waiting == DONE
    assert events.looks <= 6


async def test_when_the_time_is_up_the_event_is_returned_as_it_stands() -> None:
    events = Events()
    outcomes = Outcomes(events.look)
    started = time.monotonic()
    assert await outcomes.wait(1, 0.2) == READY
    assert 0.15 < time.monotonic() - started < 1.0
    outcomes.finished([DONE])


async def test_one_whose_time_is_up_does_not_end_the_others_wait() -> None:
    events = Events()
    outcomes = Outcomes(events.look)
    patient = asyncio.create_task(outcomes.wait(1, 5.0))
    assert await outcomes.wait(1, 0.05) == READY
    events.standing = DONE
    assert await patient == DONE


async def test_an_event_that_is_not_there() -> None:
    events = Events()
    events.standing = None
    with pytest.raises(NotFound):
        await Outcomes(events.look).wait(1, 1.0)

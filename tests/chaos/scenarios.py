"""What is broken, one scenario a function: each breaks something again and again until its time is over.

A scenario knows neither the kind of database nor how many gateways there are; those that only one kind of database can
suffer stand in a tuple of their own.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from chaos.checker import Verdict
from chaos.destination import Mood
from chaos.disks import PATIENCE, failing_disk, remount, small_disk
from chaos.evidence import sqlite_file
from chaos.ground import Ground
from chaos.lives import Lives

HOUR = 3600.0
FEW = 40
STATEMENTS = 240
"""How far a life gets: the statements of a start, then those of a few batches of deliveries, slices and sends."""
LEAST_LEFT, MOST_LEFT = 8 * 1024, 512 * 1024

Break = Callable[[Ground, float], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Something that is broken."""

    name: str
    breaks: Break
    """Breaks things until a moment of the steady clock."""
    small_disk: bool = False
    """Whether the database needs a file system of its own that can be filled."""
    failing_disk: bool = False
    """Whether it needs one that can be made to fail."""
    wire: bool = False
    """Whether gateways reach the database's server by a wire that can be cut."""
    cable: bool = False
    """Whether the server stands at the far end of a cable, in a network of its own."""
    refuses: bool = False
    """Whether the destination refuses for good, so that somebody has to retry what became a dead letter."""


async def kill_everything(ground: Ground, ends: float) -> None:
    """SIGKILL of all processes of a gateway at a moment of chance, as a power cut."""
    while time.monotonic() < ends:
        await some_time(ground)
        one = ground.chance.choice(ground.gateways)
        one.kill()
        await asyncio.to_thread(one.start)
        ground.breaks += 1


async def kill_receiver(ground: Ground, ends: float) -> None:
    """SIGKILL of the process that receives; the engine's ends by itself."""
    while time.monotonic() < ends:
        await some_time(ground)
        one = ground.chance.choice(ground.gateways)
        await asyncio.to_thread(one.kill_parent)
        await asyncio.to_thread(one.start)
        ground.breaks += 1


async def kill_engine(ground: Ground, ends: float) -> None:
    """SIGKILL of the engine's process, again and again, also while it starts."""
    while time.monotonic() < ends:
        await asyncio.sleep(ground.chance.random() * 2)
        ground.breaks += ground.chance.choice(ground.gateways).kill_child()


async def kill_between_statements(ground: Ground, ends: float) -> None:
    """Each life of a gateway ends before another statement, from its first one on; in time all of them."""
    one = ground.gateway
    one.kill()
    with Lives(one) as lives:
        for statement in ground.chance.sample(range(1, STATEMENTS + 1), STATEMENTS):
            if time.monotonic() > ends:
                break
            ground.breaks += await lives.live(statement)


async def end_and_start(ground: Ground, ends: float) -> None:
    """SIGTERM under load, with a destination that hangs half of the time: the end comes in time, and is a good one."""
    while time.monotonic() < ends:
        await some_time(ground)
        ground.destination.mood = ground.chance.choice((Mood.HANG, Mood.WELL))
        one = ground.chance.choice(ground.gateways)
        assert await asyncio.to_thread(one.stop) == 0, one.log[-2000:]
        ground.destination.mood = Mood.WELL
        await asyncio.to_thread(one.start)
        ground.breaks += 1


async def jump(ground: Ground, ends: float) -> None:
    """The machine's clock jumps by hours, forward and back."""
    while time.monotonic() < ends:
        ground.shift_clock(ground.chance.choice((-5, -1, 1, 3, 26)) * HOUR)
        await ground.load.until(FEW)
        ground.shift_clock(0)
        await ground.load.until(FEW)
        ground.breaks += 2


async def lock(ground: Ground, ends: float) -> None:
    """Another process keeps the database locked for seconds, longer than the gateway waits for it."""
    while time.monotonic() < ends:
        await ground.load.until(FEW)
        await asyncio.to_thread(_keep_locked, sqlite_file(ground.url), ground.chance.uniform(1, 6))
        ground.breaks += 1


def _keep_locked(file: Path | None, seconds: float) -> None:
    assert file is not None, "only a file can be locked"
    program = (
        "import sqlite3, sys, time\n"
        "connection = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)\n"
        "connection.execute('BEGIN IMMEDIATE')\n"
        "time.sleep(float(sys.argv[2]))\n"
        "connection.execute('ROLLBACK')\n"
    )
    subprocess.run([sys.executable, "-c", program, str(file), str(seconds)], check=True, timeout=90)


async def fill_disk(ground: Ground, ends: float) -> None:
    """The file system of the database is full, in the middle of whatever is being written; then there is room."""
    file = sqlite_file(ground.url)
    assert file is not None, "only a file has a disk that this process can fill"
    ballast = file.parent / "ballast"
    while time.monotonic() < ends:
        await ground.load.until(FEW)
        await asyncio.to_thread(fill, ballast, ground.chance.randrange(LEAST_LEFT, MOST_LEFT))
        await refused(ground)
        if ground.chance.random() < 0.5:
            ground.gateway.kill()
        ballast.unlink()
        await ground.start()
        ground.breaks += 1


async def refused(ground: Ground) -> None:
    """Wait until deliveries are refused."""
    before = ground.load.refusals.get(503, 0)
    with_patience = time.monotonic() + PATIENCE
    while ground.load.refusals.get(503, 0) < before + 5 and time.monotonic() < with_patience:
        await asyncio.sleep(0.01)
    assert ground.load.refusals.get(503, 0) > before, "deliveries were meant to be refused"


def fill(ballast: Path, left: int) -> None:
    """Leave so many bytes of a file system."""
    found = os.statvfs(ballast.parent)
    # The gateway writes meanwhile: it may be full before the last byte.
    with suppress(OSError):
        ballast.write_bytes(b"x" * max(0, found.f_bavail * found.f_frsize - left))


async def forbid_writing(ground: Ground, ends: float) -> None:
    """The file system is read-only when the gateway starts again: it says so and ends; then it may write."""
    file = sqlite_file(ground.url)
    assert file is not None, "only a file has a file system of its own"
    while time.monotonic() < ends:
        await ground.load.until(FEW)
        ground.gateway.kill()
        await asyncio.to_thread(remount, file.parent, "ro")
        assert await asyncio.to_thread(_ends_with, ground) == 2, ground.gateway.log[-2000:]
        await asyncio.to_thread(remount, file.parent, "rw")
        await ground.start()
        ground.breaks += 1


def _ends_with(ground: Ground) -> int:
    ended = ground.gateway.cli("serve")
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended.returncode


async def fail_disk(ground: Ground, ends: float) -> None:
    """The disk fails under a running gateway, which can write nothing any more; it is mended and mounted again."""
    disk = ground.disk
    assert disk is not None, "only a file has a disk that can fail"
    while time.monotonic() < ends:
        await some_time(ground)
        disk.fail()
        await refused(ground)
        assert ground.gateway.is_running, ground.gateway.log[-2000:]
        assert await asyncio.to_thread(lambda: ground.gateway.get("/readyz").status) == 503
        ground.gateway.kill()
        await asyncio.to_thread(disk.mend)
        await ground.start()
        ground.breaks += 1


async def misbehave(ground: Ground, ends: float) -> None:
    """The destination hangs, resets, answers slowly or garbage, without end or half, 503; or is not there at all."""
    moods = [one for one in Mood if one not in {Mood.WELL, Mood.REDIRECT, Mood.ENDLESS}]
    while time.monotonic() < ends:
        for mood in ground.chance.sample(moods, len(moods)):
            ground.destination.mood = mood
            await _a_moment(ground, ends)
            ground.destination.mood = Mood.WELL
            await _a_moment(ground, ends)
            ground.breaks += 1
        await asyncio.to_thread(ground.destination.stop)
        await _a_moment(ground, ends)
        ground.destination.start()


async def refuse(ground: Ground, ends: float) -> None:
    """The destination redirects, or answers without end: what it refuses is a dead letter until somebody retries it."""
    while time.monotonic() < ends:
        for mood in (Mood.REDIRECT, Mood.ENDLESS):
            ground.destination.mood = mood
            await _a_moment(ground, ends)
            ground.destination.mood = Mood.WELL
            await _a_moment(ground, ends)
            ground.breaks += 1


async def _a_moment(ground: Ground, ends: float) -> None:
    await asyncio.sleep(min(ground.chance.uniform(0.2, 1.5), max(0.1, ends - time.monotonic())))


async def some_time(ground: Ground) -> None:
    """Let some deliveries be acknowledged, then wait for any moment of the next ones."""
    await ground.load.until(FEW)
    await asyncio.sleep(ground.chance.random() * 0.3)


ANY_DATABASE = (
    Scenario(name="every process killed", breaks=kill_everything),
    Scenario(name="the receiving process killed", breaks=kill_receiver),
    Scenario(name="the engine's process killed", breaks=kill_engine),
    Scenario(name="killed between two statements", breaks=kill_between_statements),
    Scenario(name="SIGTERM under load, a destination hanging", breaks=end_and_start),
    Scenario(name="the clock jumps by hours", breaks=jump),
    Scenario(name="a destination hangs, resets, is slow, cuts, is away", breaks=misbehave),
    Scenario(name="a destination redirects, never ends", breaks=refuse, refuses=True),
)
SQLITE = (
    Scenario(name="the file locked by another process", breaks=lock),
    Scenario(name="the disk full in the middle of commits", breaks=fill_disk, small_disk=True),
    Scenario(name="the disk read-only at start", breaks=forbid_writing, small_disk=True),
    Scenario(name="the disk failing, read-only from then on", breaks=fail_disk, failing_disk=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How a scenario went."""

    scenario: Scenario
    breaks: int
    seconds: float
    verdict: Verdict
    refusals: dict[int, int]


async def play(scenario: Scenario, ground: Ground, seconds: float) -> Played:
    """Break things for so long under load, let everything come to rest, and judge."""
    began = time.monotonic()
    ground.destination.start()
    try:
        await ground.start()
        async with ground.under_load():
            await scenario.breaks(ground, time.monotonic() + seconds)
        await ground.start()
        await ground.rest()
        if scenario.refuses:
            await asyncio.to_thread(_retry, ground)
            await ground.rest()
        verdict = ground.verdict()
        for one in ground.gateways:
            assert await asyncio.to_thread(one.stop) == 0, one.log[-2000:]
        played = time.monotonic() - began
        return Played(
            scenario=scenario, breaks=ground.breaks, seconds=played, verdict=verdict, refusals=ground.load.refusals
        )
    finally:
        ground.end()


def _retry(ground: Ground) -> None:
    """Do what an operator does about dead letters."""
    for command in (("outbox", "retry", "--dead"), ("events", "retry", "--status", "dead")):
        done = ground.gateway.cli(*command)
        assert done.returncode in {0, 1}, done.stderr


@contextmanager
def on_file(scenario: Scenario, folder: Path, seed: int) -> Iterator[Ground | None]:
    """Set a gateway up on a file, on a file system of its own if that is to be broken; None where that cannot be."""
    url = f"sqlite:///{folder}/disk/chaos.db"
    if scenario.small_disk:
        with small_disk(folder / "disk") as small:
            yield None if small is None else Ground(folder, seed, url=url)
    elif scenario.failing_disk:
        with failing_disk(folder / "disk") as failing:
            yield None if failing is None else Ground(folder, seed, url=url, disk=failing)
    else:
        yield Ground(folder, seed)

"""What a database on a server can suffer, several gateways on it: the server, its disk, the way to it, who uses it."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from chaos.disks import PATIENCE, small_disk
from chaos.evidence import count_open_before, last_event
from chaos.ground import ChaoticGateway, Ground
from chaos.scenarios import FEW, LEAST_LEFT, MOST_LEFT, Scenario, fill, refused, some_time
from servers import Cable, PostgresServer, Wire, distant_server

GATEWAYS = 2
IDLE_SECONDS = 3
"""After so long without a word the server ends a transaction, here: what a frozen process holds is free then."""
ADDRESS_OPTIONS = (
    f"?options=-c%20idle_in_transaction_session_timeout%3D{IDLE_SECONDS}s%20-c%20transaction_timeout%3D{IDLE_SECONDS}s"
)
GIVEN_UP_SECONDS = 13.0
"""After so long without an answer a connection is given up by keepalives, on both sides (`store.postgres`: 11 s)."""
FREE_SECONDS = 20.0
"""How long what one gateway held may take to be finished by the other."""
PAUSE = 0.1
"""Seconds that a sender waits after each event, where more would come meanwhile than one gateway keeps up with."""
DISK_MEGABYTES = 160
MOST_CUT = 6

_CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'gateway' AND datname = '{database}' ORDER BY random() LIMIT {count}
"""


async def restart_server(ground: Ground, ends: float) -> None:
    """The server is stopped under load, and started again after a while."""
    while time.monotonic() < ends:
        await some_time(ground)
        await _away(ground, _server(ground).stop)


async def crash_server(ground: Ground, ends: float) -> None:
    """The server ends at once, as when the power fails, and recovers."""
    while time.monotonic() < ends:
        await some_time(ground)
        await _away(ground, _server(ground).crash)


async def _away(ground: Ground, end: Callable[[], None]) -> None:
    await asyncio.to_thread(end)
    await asyncio.sleep(ground.chance.choice((0.0, ground.chance.uniform(0, 2))))
    await asyncio.to_thread(_server(ground).start)
    ground.breaks += 1


async def cut_sessions(ground: Ground, ends: float) -> None:
    """Sessions of gateways are ended on the server, a few at random, again and again."""
    database = ground.url.rpartition("/")[2]
    while time.monotonic() < ends:
        statement = _CUT.format(database=database, count=ground.chance.randint(1, MOST_CUT))
        ground.breaks += len(await asyncio.to_thread(_server(ground).run, statement))
        await asyncio.sleep(ground.chance.random() * 0.3)


async def fill_disk_of_server(ground: Ground, ends: float) -> None:
    """The server's file system is full, in the middle of whatever it writes; then there is room again."""
    server = _server(ground)
    ballast = server.folder / "ballast"
    while time.monotonic() < ends:
        await ground.load.until(FEW)
        await asyncio.to_thread(fill, ballast, ground.chance.randrange(LEAST_LEFT, MOST_LEFT))
        await refused(ground)
        ballast.unlink()
        await asyncio.to_thread(_revive, server)
        ground.breaks += 1


def _revive(server: PostgresServer) -> None:
    """Wait until a server takes connections; one that could not write its log ends, and is started again."""
    deadline = time.monotonic() + PATIENCE
    while not server.answers():
        assert time.monotonic() < deadline, server.log[-3000:]
        if not server.is_running:
            server.start()
        time.sleep(0.05)


async def break_wire(ground: Ground, ends: float) -> None:
    """The network is cut without a word, for a while or for good; connections are reset; everything takes long."""
    while time.monotonic() < ends:
        for break_it in ground.chance.sample(WAYS, len(WAYS)):
            await ground.load.until(FEW)
            await break_it(ground, _wire(ground))
            ground.breaks += 1
            if time.monotonic() > ends:
                break


async def _cut_for_a_while(ground: Ground, wire: Wire) -> None:
    wire.cut()
    await asyncio.sleep(ground.chance.uniform(0.5, 2 * IDLE_SECONDS))
    wire.mend()


async def _cut_for_good(ground: Ground, wire: Wire) -> None:
    wire.cut()
    await asyncio.sleep(ground.chance.uniform(0.1, 2))
    wire.reset()
    wire.mend()


async def _reset(ground: Ground, wire: Wire) -> None:
    wire.reset()
    await asyncio.sleep(ground.chance.random() * 0.2)
    wire.reset()


async def _slow(ground: Ground, wire: Wire) -> None:
    wire.delays = (0.05, 0.3)
    await ground.load.until(FEW)
    wire.delays = (0.0, 0.0)


WAYS: tuple[Callable[[Ground, Wire], Awaitable[None]], ...] = (_cut_for_a_while, _cut_for_good, _reset, _slow)


async def lose_server(ground: Ground, ends: float) -> None:
    """Gateways lose their connections and the server is not told: what those held is free when it has had enough."""
    ground.load.pause = PAUSE
    while time.monotonic() < ends:
        await some_time(ground)
        _wire(ground).lose()
        await _finished_by_others(ground)
        _wire(ground).reset()
        ground.breaks += 1


async def cut_cable(ground: Ground, ends: float) -> None:
    """The network between gateways and server is gone, for a moment or until both kernels give their connections up."""
    cable = ground.cable
    assert cable is not None, "nothing but a network of its own can be cut"
    ways = (_pull_out_shortly, _pull_out_for_long, _narrow)
    while time.monotonic() < ends:
        for break_it in ground.chance.sample(ways, len(ways)):
            await ground.load.until(FEW)
            await break_it(ground, cable)
            ground.breaks += 1
            if time.monotonic() > ends:
                break


async def _pull_out_shortly(ground: Ground, cable: Cable) -> None:
    await _pull_out(cable, ground.chance.uniform(0.2, 2 * IDLE_SECONDS))


async def _pull_out_for_long(_: Ground, cable: Cable) -> None:
    await _pull_out(cable, GIVEN_UP_SECONDS)


async def _pull_out(cable: Cable, seconds: float) -> None:
    await asyncio.to_thread(cable.cut)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(cable.mend)


async def _narrow(ground: Ground, cable: Cable) -> None:
    await asyncio.to_thread(cable.narrow)
    await ground.load.until(FEW)
    await asyncio.to_thread(cable.widen)


async def kill_any(ground: Ground, ends: float) -> None:
    """SIGKILL of a process of one of the gateways: the one that receives, the engine's, or all."""
    while time.monotonic() < ends:
        await some_time(ground)
        one = ground.chance.choice(ground.gateways)
        kill: Callable[[], object] = ground.chance.choice((one.kill, one.kill_parent, one.kill_child))
        await asyncio.to_thread(kill)
        await ground.start()
        ground.breaks += 1


async def freeze(ground: Ground, ends: float) -> None:
    """All processes of one gateway stop where they are: the others finish what it held; then it goes on."""
    # An account's calls are made one after the other: without a pause more would come than one gateway can make.
    ground.load.pause = PAUSE
    while time.monotonic() < ends:
        one = ground.chance.choice(ground.gateways)
        everywhere, elsewhere = ground.load.urls, [_hook(other) for other in ground.gateways if other is not one]
        ground.load.urls = elsewhere
        await some_time(ground)
        one.freeze()
        try:
            await _finished_by_others(ground)
            await ground.load.until(FEW)
        finally:
            one.thaw()
        ground.load.urls = everywhere
        await ground.load.until(FEW)
        ground.breaks += 1


async def _finished_by_others(ground: Ground) -> None:
    """Wait until all that was there a moment ago is finished."""
    last = await asyncio.to_thread(last_event, ground.url)
    async with asyncio.timeout(FREE_SECONDS):
        while await asyncio.to_thread(count_open_before, ground.url, last):
            await asyncio.sleep(0.05)


def _hook(gateway: ChaoticGateway) -> str:
    return f"http://127.0.0.1:{gateway.port}/hooks/shop"


def _server(ground: Ground) -> PostgresServer:
    assert ground.server is not None, "only a server can be broken"
    return ground.server


def _wire(ground: Ground) -> Wire:
    assert ground.wire is not None, "only a server is at the other end of a wire"
    return ground.wire


POSTGRESQL = (
    Scenario(name="the server restarted", breaks=restart_server),
    Scenario(name="the server killed, and recovered", breaks=crash_server),
    Scenario(name="sessions ended by the server", breaks=cut_sessions),
    Scenario(name="the server's disk full", breaks=fill_disk_of_server, small_disk=True),
    Scenario(name="the network cut, reset, slow", breaks=break_wire, wire=True),
    Scenario(name="the network lost, the server not told", breaks=lose_server, wire=True),
    Scenario(name="the cable pulled out, the network narrow", breaks=cut_cable, cable=True),
    Scenario(name="any process of two gateways killed", breaks=kill_any),
    Scenario(name="one of two gateways frozen", breaks=freeze),
)


@contextmanager
def on_server(scenario: Scenario, folder: Path, seed: int, server: PostgresServer) -> Iterator[Ground | None]:
    """Set gateways up on a server, on one of its own if its disk or cable is to break; None where that cannot be."""
    with ExitStack() as stack:
        if scenario.small_disk:
            small = stack.enter_context(_server_on_small_disk())
            if small is None:
                yield None
                return
            server = small
        cable = None
        if scenario.cable:
            distant = stack.enter_context(distant_server())
            if distant is None:
                yield None
                return
            server, cable = distant
        ground = Ground(
            folder, seed, url=server.create(), gateways=GATEWAYS, server=server, options=ADDRESS_OPTIONS,
            wired=scenario.wire, cable=cable,
        )  # fmt: skip
        if ground.wire is not None:
            stack.enter_context(ground.wire)
        yield ground


@contextmanager
def _server_on_small_disk() -> Iterator[PostgresServer | None]:
    # A test's own folder is closed to the user that PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="gateway-disk-") as name, ExitStack() as stack:
        Path(name).chmod(0o755)
        disk = stack.enter_context(small_disk(Path(name) / "disk", DISK_MEGABYTES))
        if disk is None:
            yield None
            return
        settings = {"min_wal_size": "2MB", "max_wal_size": "16MB"}
        server = PostgresServer(settings=settings, at=disk, segment_megabytes=1).start()
        stack.callback(server.remove)
        yield server

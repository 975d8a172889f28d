"""Where chaos happens: gateways as processes, a destination, a load, and the end, where everything comes to rest."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chaos.checker import Verdict, judge
from chaos.destination import Destination, Mood
from chaos.disks import FailingDisk
from chaos.evidence import count_open, gather
from chaos.launch import breaking
from chaos.load import SECRET, Load
from running import ENVIRONMENT, ROOT, Gateway
from servers import Cable, Pooler, PostgresServer, Wire

LAUNCH = Path(__file__).parent / "launch"
REST_SECONDS = 60.0

CONFIGURATION = """
version: 1
server: {host: 127.0.0.1, port: "${env:GATEWAY_PORT}", drain: 5s}
database: "${env:CHAOS_DATABASE}"
admin: {token: "${env:GATEWAY_ADMIN_TOKEN}"}
engine: {process: "${env:CHAOS_PROCESS}", lease: 2s}
sources:
  shop:
    provider: standard-webhooks
    path: /hooks/shop
    verify: {secrets: ["${env:CHAOS_SECRET}"]}
    event: {type: type, key: account}
    rules: [rules.yaml]
destinations:
  app: {url: "${env:CHAOS_APP}", timeout: 1s, concurrency: 16}
retry: {first: 100ms, factor: 2, max: 500ms, jitter: 20%, give_up_after: 30d}
log: {level: warning}
"""

RULES = """
version: 1
tables:
  accounts:
    columns:
      id: {type: text, primary_key: true}
      count: {type: integer, default: 0}
  bookings:
    columns:
      id: {type: text, primary_key: true}
      account: {type: text}
      position: {type: integer}
      event: {type: text}
extract:
  account: account
  number: {path: number, as: integer}
procedures:
  book:
    - {upsert: accounts, key: {id: $account}, as: owner}
    - insert: bookings
      values: {id: "${account}/${owner.count}", account: $account, position: $owner.count, event: $event.id}
    - {update: accounts, where: {id: $account}, increment: {count: 1}}
    - {send: app, path: /booked, json: {event: $event.id, account: $account, position: $owner.count}}
rules:
  - name: payment
    on: payment
    do: [{run: book}]
    result: booked
  - name: question
    on: question
    do:
      - {send: app, path: /asked, json: {event: $event.id}, wait: true, as: answer}
      - {run: book}
    result: booked
"""


@dataclass
class ChaoticGateway(Gateway):
    """A gateway whose processes carry out orders of the test."""

    orders: Path = field(default_factory=Path)

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join((str(ROOT), str(LAUNCH)))
        return {**super()._environment(), "PYTHONPATH": path, "CHAOS_ORDERS": str(self.orders)}

    def environment_of_processes(self) -> dict[str, str]:
        """Return what its processes find in their environment."""
        return self._environment()

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def children(self) -> list[int]:
        """Return the processes that it has started. Source: proc(5)."""
        assert self.process is not None
        number = self.process.pid
        return [int(child) for child in Path(f"/proc/{number}/task/{number}/children").read_text().split()]

    def freeze(self) -> None:
        """Stop all of its processes where they are."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let its processes go on."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGCONT)

    def kill_child(self) -> bool:
        """Kill the engine's process alone; say whether there was one."""
        children = self.children
        for child in children:
            os.kill(child, signal.SIGKILL)
        return bool(children)

    def kill_parent(self) -> None:
        """Kill the process that receives alone; the engine's has to end by itself."""
        assert self.process is not None
        children = self.children
        self.process.kill()
        self.process.wait()
        deadline = time.monotonic() + 15
        while any(_lives(child) for child in children):
            assert time.monotonic() < deadline, "the engine has outlived the process that receives"
            time.sleep(0.01)


def _lives(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


class Ground:
    """Gateways on one database, a destination and a load."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        *,
        url: str | None = None,
        gateways: int = 1,
        process: str = "own",
        server: PostgresServer | None = None,
        wired: bool = False,
        options: str = "",
        disk: FailingDisk | None = None,
        pooler: Pooler | None = None,
        cable: Cable | None = None,
    ) -> None:
        """Take a folder, what chance begins with, the database's address (a file in the folder when left out), how
        many gateways share it, and whether each engine has a process of its own.

        Of a file: the disk that it is on, when that can fail. Of a server: the server, whether gateways reach it by a
        wire, a pooler or a cable, and what they add to its address.
        """
        self.folder = folder
        self.url = url or f"sqlite:///{folder}/chaos.db"
        """Where the database is, for who looks into it."""
        self.chance = random.Random(seed)
        self.server, self.disk = server, disk
        self.wire = Wire(server.port, chance=self.chance) if wired and server is not None else None
        self._pooler, self.cable = pooler, cable
        self.destination = Destination()
        self.orders = folder / "orders"
        self.orders.mkdir()
        breaking.write_shift(self.orders, 0)
        environment = {
            **ENVIRONMENT,
            "CHAOS_DATABASE": self._address(options),
            "CHAOS_SECRET": SECRET,
            "CHAOS_APP": self.destination.url,
            "CHAOS_PROCESS": process,
        }
        self.gateways = [self._gateway(number, environment) for number in range(gateways)]
        self.load = Load([f"http://127.0.0.1:{one.port}/hooks/shop" for one in self.gateways], self.chance)
        self.breaks = 0
        """How often something was broken."""

    def _address(self, options: str) -> str:
        """Return the database's address as gateways know it."""
        address = self.url
        if self.server is not None and self.wire is not None:
            address = address.replace(f":{self.server.port}/", f":{self.wire.port}/")
        if self._pooler is not None:
            address = self._pooler.url(address)
        return address + options

    def _gateway(self, number: int, environment: dict[str, str]) -> ChaoticGateway:
        folder = self.folder / f"gateway{number}"
        folder.mkdir()
        (folder / "gateway.yaml").write_text(CONFIGURATION)
        (folder / "rules.yaml").write_text(RULES)
        return ChaoticGateway(folder, environment=environment, orders=self.orders)

    @property
    def gateway(self) -> ChaoticGateway:
        """Return the first gateway."""
        return self.gateways[0]

    def shift_clock(self, seconds: float) -> None:
        """Let the machine's clock jump: the gateways' and the senders'."""
        breaking.write_shift(self.orders, seconds)
        self.load.shift = seconds

    @asynccontextmanager
    async def under_load(self) -> AsyncIterator[Load]:
        """Send as long as the block runs."""
        running = asyncio.create_task(self.load.run())
        try:
            yield self.load
        finally:
            self.load.ending = True
            await running

    async def rest(self, seconds: float = REST_SECONDS) -> None:
        """Wait until nothing is to be done any more; what is stuck is left to the checker to find."""
        deadline = time.monotonic() + seconds
        while await asyncio.to_thread(count_open, self.url) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)

    def verdict(self) -> Verdict:
        """Judge by what there is now."""
        return judge(gather(self.url, self.load.sent, self.destination.log))

    async def start(self) -> None:
        """Start what does not run."""
        waiting = [one for one in self.gateways if not one.is_running]
        await asyncio.gather(*(asyncio.to_thread(one.start) for one in waiting))

    def end(self) -> None:
        """End everything, whatever it is at."""
        self.destination.mood = Mood.WELL
        for one in self.gateways:
            if one.is_running:
                one.kill()
        self.destination.stop()

"""Several gateways on one port: started, watched, started again when one dies, ended together.

Each has the end of a pipe as its standard input. When this process is gone, however it went, they see its end and
finish what they are at.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence

import structlog

log = structlog.get_logger("gateway")

RESTART_SECONDS = 1.0
"""How long one that died stays away: time for what killed it to show in the log."""

CANNOT_RUN = 2
"""The exit code of one that would not run however often it were started."""

BEYOND_DRAIN = 5.0
"""Seconds beyond the time for draining after which one that has not ended is killed, which loses nothing."""


class Processes:
    """The gateways of one host."""

    def __init__(self, commands: Sequence[Sequence[str]], *, drain_seconds: float) -> None:
        """Take the commands, and how long each may take to end."""
        self._commands = commands
        self._drain_seconds = drain_seconds
        self._running: dict[int, Process] = {}
        self._stop = asyncio.Event()
        self.code = 0
        """The exit code that this process should end with."""

    async def run(self) -> None:
        """Keep all of them running until SIGTERM or SIGINT; SIGHUP has them read the configuration again."""
        loop = asyncio.get_running_loop()
        for ending in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(ending, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        async with asyncio.TaskGroup() as keepers:
            for number, command in enumerate(self._commands):
                keepers.create_task(self._keep(number, command))

    async def _keep(self, number: int, command: Sequence[str]) -> None:
        while not self._stop.is_set():
            # A group of its own: a Ctrl+C at the terminal reaches it through this process, once.
            process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, start_new_session=True)
            self._running[number] = process
            stopped = asyncio.create_task(self._stop.wait())
            ended = asyncio.create_task(process.wait())
            await asyncio.wait({stopped, ended}, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if self._stop.is_set():
                await self._end(process)
                return
            await self._begin_again(number, ended.result())

    async def _begin_again(self, number: int, code: int) -> None:
        if code == CANNOT_RUN:
            self.code = CANNOT_RUN
            self._stop.set()
            return
        log.error("a process ended: it is started again", process=number, code=code)
        try:
            await asyncio.wait_for(self._stop.wait(), RESTART_SECONDS)
        except TimeoutError:
            return

    async def _end(self, process: Process) -> None:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self._drain_seconds + BEYOND_DRAIN)
        except TimeoutError:
            log.error("a process did not end: it is killed, which loses nothing", pid=process.pid)
            process.kill()
            await process.wait()

    def _reload(self) -> None:
        for process in self._running.values():
            if process.returncode is None:
                process.send_signal(signal.SIGHUP)


def command_of(config: str, role: str, metrics_port: int | None) -> list[str]:
    """Return the command of one of several processes."""
    own = [] if metrics_port is None else ["--metrics-port", str(metrics_port)]
    return [sys.executable, "-m", "gateway", "serve", "--config", config, "--role", role, "--one-of-many", *own]

"""The engine's own process, as seen from the one that receives."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import structlog

from gateway.engine.watching import AlertNow
from gateway.errors import GatewayError
from gateway.store.inbox import Outcome

_log = structlog.get_logger("gateway.engine")

_START_SECONDS = 30.0
_ANSWER_SECONDS = 10.0
_RESTART_SECONDS = 1.0
_LONGEST_LINE = 64 * 2**20


class EngineProcess:
    """Starts the engine's process, keeps it running, and passes on what it says."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        finished: Callable[[list[Outcome]], None],
        wrote_outbox: Callable[[], None],
    ) -> None:
        """Take the command that runs the engine, who is told of outcomes, and who when there is something to send."""
        self._command = command
        self._finished = finished
        self._wrote_outbox = wrote_outbox
        self._process: Process | None = None
        self._answers: dict[str, asyncio.Future[Any]] = {}
        self._watching: asyncio.Task[None] | None = None
        self._asking = asyncio.Lock()
        self.trouble: str | None = None
        """Why events cannot be processed at the moment, or None."""
        self.alerts: Sequence[AlertNow] = ()
        """How the alerts stood when the engine last looked."""

    async def start(self) -> None:
        """Start the process and wait until it works. Raises GatewayError when it does not."""
        ready = self._expect("ready")
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, limit=_LONGEST_LINE
        )
        self._watching = asyncio.get_running_loop().create_task(self._watch(self._process))
        async with asyncio.timeout(_START_SECONDS):
            await ready

    def wake(self) -> None:
        """Have it look at once for what is ready."""
        self._say(b"wake\n")

    def stored(self, *, awaited: bool) -> None:
        """Say that deliveries were stored, and whether somebody waits for what becomes of one."""
        self._say(b"stored\nwake\n" if awaited else b"stored\n")

    async def reload(self) -> None:
        """Have the rules read again. Raises GatewayError when the process cannot use them."""
        refused = await self._ask("reloaded", b"reload\n")
        if refused is not None:
            raise GatewayError(str(refused))

    async def metrics(self) -> bytes:
        """Return the process's metrics, in Prometheus' text format; nothing while it cannot answer."""
        try:
            return str(await self._ask("metrics", b"metrics\n")).encode()
        except (GatewayError, TimeoutError):
            return b""

    async def stop(self, seconds: float) -> None:
        """Let the running slice end; a process that takes longer than `seconds` is killed, which loses nothing."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            async with asyncio.timeout(seconds):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._watching is not None:
            await self._watching

    def _say(self, line: bytes) -> None:
        process = self._process
        if process is not None and process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(line)

    async def _ask(self, name: str, line: bytes) -> Any:
        async with self._asking, asyncio.timeout(_ANSWER_SECONDS):
            answer = self._expect(name)
            self._say(line)
            return await answer

    def _expect(self, name: str) -> asyncio.Future[Any]:
        future = self._answers[name] = asyncio.get_running_loop().create_future()
        return future

    async def _watch(self, process: Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            self._hear(orjson.loads(line))
        code = await process.wait()
        self._fail_answers(GatewayError(f"the engine's process ended with {code}"))
        if self._process is process:
            await self._restart(code)

    def _hear(self, answer: dict[str, Any]) -> None:
        for name, value in answer.items():
            if name == "outcomes":
                self._finished([_outcome(item) for item in value])
            elif name == "outbox":
                self._wrote_outbox()
            elif name == "trouble":
                self.trouble = value
            elif name == "alerts":
                self.alerts = [AlertNow(*one) for one in value]
            elif (waiting := self._answers.pop(name, None)) is not None and not waiting.done():
                waiting.set_result(value)

    def _fail_answers(self, error: GatewayError) -> None:
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(error)
        self._answers.clear()

    async def _restart(self, code: int) -> None:
        self.trouble = f"the engine's process ended with {code}"
        _log.error("the engine's process ended: it is started again", code=code)
        await asyncio.sleep(_RESTART_SECONDS)
        if self._process is None:
            return
        try:
            await self.start()
            self.trouble = None
        except GatewayError as error:
            _log.error("the engine's process does not start", error=error.message)
        except TimeoutError:
            _log.error("the engine's process does not start", error=f"it was not ready in {_START_SECONDS:g} s")
            # It may hang for as long as the network does; whoever watches it starts another one.
            self._process.kill()


def _outcome(item: list[Any]) -> Outcome:
    number, status, result, error, response = item
    return Outcome(number, status, result, error, None if response is None else response.encode())

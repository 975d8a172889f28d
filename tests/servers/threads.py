"""A web server of the tests' own: in a thread, so that a test may look at it and change its mind at any time."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self

from aiohttp import web
from running import free_port

from servers.faults import Fault, Faults, Hold, Stage

MANY = 1_000_000


class WebServer:
    """A server on 127.0.0.1 that can be told what goes wrong; stopped, it can be started again on the same port."""

    def __init__(self) -> None:
        self.port = free_port()
        self._faults = Faults()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        raise NotImplementedError

    async def opened(self) -> None:
        """Open what the server needs, on its loop."""

    async def closed(self) -> None:
        """Close it."""

    def fail(
        self, status: int, *, times: int = 1, path: str = "", headers: dict[str, str] | None = None, body: str = "{}"
    ) -> None:
        """Answer the next requests with a status of trouble, without carrying them out."""
        self._faults.add(Fault(status=status, times=times, path=path, headers=headers or {}, body=body))

    def reset(self, stage: Stage = "before", *, times: int = 1, path: str = "") -> None:
        """Break the connection of the next requests, before or after they were carried out."""
        self._faults.add(Fault(reset=True, stage=stage, times=times, path=path))

    def hold(self, stage: Stage = "before", *, path: str = "") -> Hold:
        """Keep the next request, before or after it is carried out, until it is released."""
        hold = Hold()
        self._faults.add(Fault(hold=hold, stage=stage, path=path))
        return hold

    def fail_always(self, status: int) -> None:
        """Answer with a status of trouble until `work_again`."""
        self.fail(status, times=MANY)

    def work_again(self) -> None:
        """Have nothing go wrong any more, and let go what is held."""
        self._faults.clear()

    def start(self) -> Self:
        """Listen, and return when it answers."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name=type(self).__name__, daemon=True)
        self._thread.start()
        assert ready.wait(30), f"{type(self).__name__} did not start"
        return self

    def stop(self) -> None:
        """Stop listening, whatever is under way."""
        self._faults.clear()
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(30)
            self._loop = self._thread = None

    def _run(self, ready: threading.Event) -> None:
        loop = self._loop = asyncio.new_event_loop()
        application = web.Application(client_max_size=2**24)
        application.router.add_route("*", "/{path:.*}", self.answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        loop.run_until_complete(self._open(runner))
        loop.call_soon(ready.set)
        loop.run_forever()
        loop.run_until_complete(self._close(runner))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    async def _open(self, runner: web.AppRunner) -> None:
        await self.opened()
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()

    async def _close(self, runner: web.AppRunner) -> None:
        await runner.cleanup()
        await self.closed()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

"""Many short lives of a gateway: each process dies before another of its statements.

Run as a program it is the launcher: it has loaded all that a gateway needs, forks one for each line that it reads, and
says how that ended. So a life costs a tenth of a second and not two.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from chaos.ground import ChaoticGateway

LONGEST_LIFE = 20.0


class Lives:
    """A launcher, and the lives it is asked for."""

    def __init__(self, gateway: ChaoticGateway) -> None:
        """Take a gateway that does not run: its folder, its environment."""
        self._gateway = gateway
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        environment = {**self._gateway.environment_of_processes(), "CHAOS_PROCESS": "shared"}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__))],
            cwd=self._gateway.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self

    async def live(self, statement: int) -> bool:
        """Live until right before a statement, counted from the start; say whether it came to that."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{statement}\n")
        self._process.stdin.flush()
        number = int(await self._read())
        ending = asyncio.create_task(self._read())
        try:
            code = int(await asyncio.wait_for(asyncio.shield(ending), LONGEST_LIFE))
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGTERM)
            code = int(await ending)
        assert code in {0, -signal.SIGKILL}, f"ended with {code}:\n{self._gateway.log[-3000:]}"
        return code != 0

    async def _read(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        line = await asyncio.to_thread(self._process.stdout.readline)
        assert line, self._gateway.log[-3000:]
        return line

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


def _live(statement: int, log: int) -> None:
    """Be a gateway that dies before a statement; never returns."""
    import breaking

    from gateway.cli import main

    os.dup2(log, 1)
    os.dup2(log, 2)
    breaking.die_at(statement)
    sys.argv = ["gateway", "serve"]
    main()


def _launch() -> None:
    import uvloop  # noqa: F401 - loaded once for all lives, as what follows
    import watchfiles  # noqa: F401

    import gateway.app
    import gateway.cli.serve  # noqa: F401

    if os.environ["CHAOS_DATABASE"].startswith("postgresql"):
        import psycopg  # noqa: F401 - as above

    log = os.open("gateway.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for line in sys.stdin:
        number = os.fork()
        if number == 0:
            _live(int(line), log)
        print(number, flush=True)
        _, status = os.waitpid(number, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    _launch()

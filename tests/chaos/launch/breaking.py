"""What can be broken inside a process: its clock, and its life between two statements."""

from __future__ import annotations

import mmap
import os
import signal
import sqlite3
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CLOCK = "clock"
"""The file that holds by how many nanoseconds the clock is off: one signed number of eight bytes."""

_NUMBER = struct.Struct("=q")


def write_shift(folder: Path, seconds: float) -> None:
    """Let the clock of all processes be off by so many seconds, at once."""
    with (folder / CLOCK).open("r+b" if (folder / CLOCK).exists() else "wb") as file:
        file.write(_NUMBER.pack(int(seconds * 1_000_000_000)))


def follow(folder: Path) -> None:
    """Carry out the orders in a folder."""
    if (folder / CLOCK).exists():
        shift_clock(folder / CLOCK)


def shift_clock(path: Path) -> None:
    """Let `time.time` be off by what a file says, from now on and whenever it changes."""
    with path.open("rb") as file:
        shift = mmap.mmap(file.fileno(), _NUMBER.size, prot=mmap.PROT_READ)
    true_time, true_time_ns = time.time, time.time_ns
    time.time = lambda: true_time() + _NUMBER.unpack(shift)[0] / 1_000_000_000
    time.time_ns = lambda: true_time_ns() + int(_NUMBER.unpack(shift)[0])


class Statements:
    """Counts the statements of a process, and kills it before one of them."""

    def __init__(self, deadly: int, kill: Callable[[], None]) -> None:
        self.count = 0
        self._deadly = deadly
        self._kill = kill

    def __call__(self) -> None:
        self.count += 1
        if self.count == self._deadly:
            self._kill()


def _kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(statement: int) -> Statements:
    """Kill this process right before one of its statements, counted from here on; of SQLite and of PostgreSQL."""
    count = Statements(statement, _kill_self)
    _count_sqlite(count)
    if os.environ.get("CHAOS_DATABASE", "").startswith("postgresql"):
        _count_postgresql(count)
    return count


def _count_sqlite(count: Statements) -> None:
    class Counting(sqlite3.Connection):
        def execute(self, *arguments: Any) -> Any:
            count()
            return super().execute(*arguments)

        def executemany(self, *arguments: Any) -> Any:
            count()
            return super().executemany(*arguments)

    connect = sqlite3.connect

    def counting(*arguments: Any, **options: Any) -> Any:
        return connect(*arguments, **{"factory": Counting, **options})

    sqlite3.connect = counting


def _count_postgresql(count: Statements) -> None:
    """Count where the gateway hands statements to libpq, whose own functions cannot be wrapped."""
    from gateway.store.prepared import PreparedConnection

    run, put_off = PreparedConnection.run, PreparedConnection.put_off

    def counting(self: Any, *arguments: Any, **options: Any) -> Any:
        count()
        return run(self, *arguments, **options)

    def counting_writes(self: Any, *arguments: Any, **options: Any) -> Any:
        count()
        return put_off(self, *arguments, **options)

    PreparedConnection.run = counting  # type: ignore[method-assign]  # that is the fault
    PreparedConnection.put_off = counting_writes  # type: ignore[method-assign]  # as above

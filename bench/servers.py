"""The servers under measurement, each a process of its own, started as a user would and stopped by its pid."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.deliveries import ASAAS_TOKEN, STRIPE_SECRET
from bench.machine import start_on

ROOT = Path(__file__).parent.parent
GATEWAY = str(Path(sys.executable).parent / "gateway")
STRIPE_PATH = "/stripe"

_CONFIGURATION = Path(__file__).parent / "configuration"
_FILE = "sqlite:///var/gateway.db"
_START_SECONDS = 30.0
_STOP_SECONDS = 30.0


class ServerFailure(Exception):
    """A server under measurement did not start, or ended by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that listens."""

    port: int
    pid: int
    beside: tuple[int, ...] = ()
    """Processes that work for it, and are not its own."""


@contextmanager
def ceiling(folder: Path, cores: frozenset[int]) -> Iterator[Server]:
    """Run the ceiling: verify and parse, store nothing."""
    port = _free_port()
    with _running([sys.executable, "-m", "bench.peers.ceiling", str(port)], folder, cores, port, {}) as server:
        yield server


@contextmanager
def handwritten(folder: Path, cores: frozenset[int]) -> Iterator[Server]:
    """Run the hand-written handler, on a database of its own in `folder`."""
    port = _free_port()
    command = [sys.executable, "-m", "bench.peers.handwritten", str(port), str(folder / "var" / "handwritten.db")]
    with _running(command, folder, cores, port, {}) as server:
        yield server


@contextmanager
def gateway(
    folder: Path, cores: frozenset[int], *, workers: int = 1, processes: int = 1, share: Path | None = None
) -> Iterator[Server]:
    """Run `gateway serve` on the configuration in `folder`; with 0 workers it receives and processes nothing.

    It may have but a `share_of_a_core`.
    """
    port = _free_port()
    several = ["--processes", str(processes)] if processes > 1 else []
    command = [GATEWAY, "serve", "--config", str(folder / "gateway.yaml"), *several]
    environment = gateway_environment(port=port, workers=workers)
    with _running(command, folder, cores, port, environment, share) as server:
        yield server


@contextmanager
def handwritten_postgresql(folder: Path, cores: frozenset[int], url: str) -> Iterator[Server]:
    """Run the hand-written handler on a database of PostgreSQL's."""
    port = _free_port()
    command = [sys.executable, "-m", "bench.peers.handwritten_postgresql", str(port), url]
    with _running(command, folder, cores, port, {}) as server:
        yield server


@contextmanager
def job_queue(folder: Path, cores: frozenset[int], url: str) -> Iterator[Server]:
    """Run a handler that stores a job for each webhook, and a worker."""
    port, module = _free_port(), [sys.executable, "-m", "bench.peers.job_queue"]
    with _running([*module, "receive", str(port), url], folder, cores, port, {}) as server:
        with (folder / "var" / "worker.log").open("ab") as log:
            worker = start_on(cores, [*module, "work", url], cwd=ROOT, environment={}, log=log)
        try:
            yield replace(server, beside=(worker.pid,))
        finally:
            _stop(worker)


def write_configuration(folder: Path, database: str | None = None) -> Path:
    """Write the gateway's configuration and rules, the shipped ASAAS rules among them; return gateway.yaml.

    The database is a SQLite file unless its address is given.
    """
    rules = folder / "rules"
    rules.mkdir(parents=True)
    database_of(folder).parent.mkdir()
    text = (_CONFIGURATION / "gateway.yaml").read_text()
    (folder / "gateway.yaml").write_text(text if database is None else text.replace(_FILE, database))
    shutil.copy(_CONFIGURATION / "subscriptions.yaml", rules)
    shutil.copy(ROOT / "rules" / "asaas-billing.yaml", rules)
    return folder / "gateway.yaml"


def database_of(folder: Path) -> Path:
    """Return the gateway's database file."""
    return folder / "var" / "gateway.db"


def gateway_environment(*, port: int = 8080, workers: int = 1) -> dict[str, str]:
    """Return the variables that the configuration names."""
    return {
        "BENCH_PORT": str(port),
        "BENCH_WORKERS": str(workers),
        "BENCH_STRIPE_SECRET": STRIPE_SECRET,
        "BENCH_ASAAS_TOKEN": ASAAS_TOKEN,
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(
    command: Sequence[str],
    folder: Path,
    cores: frozenset[int],
    port: int,
    environment: Mapping[str, str],
    share: Path | None = None,
) -> Iterator[Server]:
    # Not beside gateway.yaml: that folder is watched for changes, and would wake the gateway with every line.
    (folder / "var").mkdir(exist_ok=True)
    log_path = folder / "var" / "server.log"
    with log_path.open("ab") as log:
        process = start_on(cores, command, cwd=ROOT, environment=environment, log=log, share=share)
    try:
        _wait_until_listening(process, port, log_path)
        yield Server(port=port, pid=process.pid)
        if process.poll() is not None:
            raise ServerFailure(f"`{command[0]}` ended with {process.returncode}: {_last_lines(log_path)}")
    finally:
        _stop(process)


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise ServerFailure(f"the server did not listen within {_START_SECONDS:.0f} s: {_last_lines(log)}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_lines(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]

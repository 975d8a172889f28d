"""A gateway in a process of its own, as an operator starts it: for tests that speak HTTP to it."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
START_SECONDS = 30.0

ENVIRONMENT = {
    "GATEWAY_ADMIN_TOKEN": "admin-token-of-the-tests",
    "ASAAS_WEBHOOK_TOKEN": "asaas-token-of-the-tests-0123456789",
    "STRIPE_WEBHOOK_SECRET": "whsec_subscriptions_of_the_tests",
    "STRIPE_INVOICES_WEBHOOK_SECRET": "whsec_invoices_of_the_tests",
    "PAYPAL_WEBHOOK_ID": "40L71081MK3756722",
    "WORKOS_WEBHOOK_SECRET": "workos_secret_of_the_tests",
}


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def free_port() -> int:
    """Return a port that nobody listens on, and that the system gives to nobody who asks for any.

    A server that is killed and started again would else find, now and then, that another test has got its port.
    """
    while True:
        port = random.SystemRandom().randrange(10_000, _first_given_port())
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _first_given_port() -> int:
    """Return where the ports begin that the system chooses from. Source: ip(7), ip_local_port_range."""
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        return 32_768


def eventually(true: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


@dataclass
class Gateway:
    """The shipped configuration (or another one) in a folder of its own, started and stopped at will."""

    folder: Path
    port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    words: tuple[str, ...] = ()
    """What `gateway serve` is told besides."""

    def __post_init__(self) -> None:
        if not (self.folder / "gateway.yaml").exists():
            shutil.copy(ROOT / "gateway.yaml", self.folder)
            shutil.copytree(ROOT / "rules", self.folder / "rules")

    @property
    def database(self) -> Path:
        return self.folder / "var" / "gateway.db"

    @property
    def log(self) -> str:
        path = self.folder / "gateway.log"
        return path.read_text() if path.exists() else ""

    def _environment(self) -> dict[str, str]:
        own = {"GATEWAY_PORT": str(self.port), "PYTHONPATH": str(ROOT)}
        return {**os.environ, **ENVIRONMENT, **self.environment, **own}

    def start(self) -> Gateway:
        """Start `gateway serve` and return when it is ready."""
        with (self.folder / "gateway.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "serve", *self.words],
                cwd=self.folder,
                env=self._environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the gateway ended with {self.process.returncode}:\n{self.log}")
            try:
                if self.get("/readyz").status == 200:
                    return self
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"the gateway was not ready in {START_SECONDS} s:\n{self.log}")

    def kill(self) -> None:
        """Kill it at once, as a power cut would, with every process it started."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def crash(self) -> None:
        """Kill it at once and start it again."""
        self.kill()
        self.start()

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=body, headers=headers or {}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Reply(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            return Reply(error.code, dict(error.headers), error.read())

    def get(self, path: str, headers: dict[str, str] | None = None) -> Reply:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> Reply:
        return self.request("POST", path, body, {"Content-Type": "application/json", **(headers or {})})

    def api(self, method: str, path: str, body: object = None) -> Reply:
        """Call the admin API."""
        headers = {"Authorization": f"Bearer {ENVIRONMENT['GATEWAY_ADMIN_TOKEN']}", "Content-Type": "application/json"}
        return self.request(method, path, None if body is None else json.dumps(body).encode(), headers)

    def row(self, table: str, key: str) -> dict[str, Any] | None:
        reply = self.api("GET", f"/api/tables/{table}/{key}")
        return None if reply.status == 404 else reply.json["row"]

    def event(self, identity: str) -> dict[str, Any]:
        """Return an event as it stands; the id is the gateway's or the provider's."""
        reply = self.api("GET", f"/api/events/{identity}")
        assert reply.status == 200, reply.body
        event: dict[str, Any] = reply.json
        return event

    def outcome(self, identity: str, seconds: float = 30.0) -> dict[str, Any]:
        """Wait until an event has ended, also if it calls somebody, and return it."""
        deadline = time.monotonic() + seconds
        while (event := self.event(identity))["status"] in {"ready", "waiting"}:
            assert time.monotonic() < deadline, f"{identity} has not ended: {event}\n{self.log[-3000:]}"
            time.sleep(0.02)
        return event

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command of the gateway in the same folder."""
        return subprocess.run(
            [sys.executable, "-m", "gateway", *arguments],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Look into the database file, as another program would."""
        connection = sqlite3.connect(self.database)
        try:
            return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    def sql_write(self, statement: str, *values: object) -> None:
        """Change the database file, as time or another program would."""
        connection = sqlite3.connect(self.database, timeout=30)
        try:
            with connection:
                connection.execute(statement, values)
        finally:
            connection.close()

    def wait_until_done(self, seconds: float = 30.0) -> None:
        """Wait until no event is ready any more."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.sql("SELECT count(*) FROM gateway_events WHERE status = 'ready'") == [(0,)]:
                return
            time.sleep(0.02)
        raise AssertionError("events are still ready")

"""A network of its own between this machine and a server: a namespace, reached by a cable that can be pulled out.

The kernel at either end does what it does when a switch dies: packets are lost without a word, are sent again, and at
last it gives the connection up. Root alone can make it. No packet leaves the machine. Source: ip-netns(8), veth(4).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from servers.postgres import NOBODY, PostgresServer

# Addresses that no host ever routes beyond itself; the kernel has to be told that a cable may carry them.
NEAR, FAR, BITS = "127.77.0.1", "127.77.0.2", 30


class Cable:
    """Leads into a namespace."""

    def __init__(self) -> None:
        self.namespace = f"gateway{os.getpid()}"
        self._near, self._far = f"gw{os.getpid()}a", f"gw{os.getpid()}b"

    def lay(self) -> None:
        """Make the namespace and the cable. Raises CalledProcessError where that is not allowed."""
        _ip("netns", "add", self.namespace)
        _ip("link", "add", self._near, "type", "veth", "peer", "name", self._far, "netns", self.namespace)
        for within, device in (([], self._near), (["ip", "netns", "exec", self.namespace], self._far)):
            localnet = f"net.ipv4.conf.{device}.route_localnet=1"
            subprocess.run([*within, "sysctl", "-qw", localnet], check=True, capture_output=True)
        _ip("address", "add", f"{NEAR}/{BITS}", "dev", self._near)
        _ip("link", "set", self._near, "up")
        self._inside("address", "add", f"{FAR}/{BITS}", "dev", self._far)
        self.mend()
        _ip("route", "add", f"{FAR}/32", "dev", self._near, "src", NEAR, "table", "local")

    def cut(self) -> None:
        """Pull it out: whatever is on its way is lost, and nobody is told."""
        self._inside("link", "set", self._far, "down")

    def mend(self) -> None:
        """Put it in again."""
        self._inside("link", "set", self._far, "up")

    def narrow(self) -> None:
        """Let little through, late; what does not find room in it is lost."""
        shape = ("tbf", "rate", "150kbit", "burst", "4kb", "latency", "200ms")
        subprocess.run(["tc", "qdisc", "replace", "dev", self._near, "root", *shape], check=True, capture_output=True)

    def widen(self) -> None:
        """Let everything through."""
        subprocess.run(["tc", "qdisc", "delete", "dev", self._near, "root"], check=True, capture_output=True)

    def remove(self) -> None:
        """Take it away, and the namespace with it."""
        subprocess.run(["ip", "link", "delete", self._near], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "delete", self.namespace], check=False, capture_output=True)

    def _inside(self, *words: str) -> None:
        _ip("-n", self.namespace, *words)


class DistantPostgres(PostgresServer):
    """PostgreSQL at the far end of a cable."""

    host = FAR

    def __init__(self, cable: Cable) -> None:
        """Take the cable."""
        self._cable = cable
        super().__init__(safe=True)
        with (self.folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {NEAR}/32 trust\n")

    def command(self) -> list[str]:
        somebody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        return ["ip", "netns", "exec", self._cable.namespace, *somebody, *super().command()]

    def options(self) -> dict[str, object]:
        """Say nothing of who runs it: only root may enter the namespace."""
        return {}


@contextmanager
def distant_server() -> Iterator[tuple[DistantPostgres, Cable] | None]:
    """Start a server behind a cable; None where that is not allowed."""
    if os.geteuid() or not all(map(shutil.which, ("ip", "tc", "setpriv", "sysctl"))):
        yield None
        return
    cable = Cable()
    try:
        cable.lay()
    except subprocess.CalledProcessError:
        cable.remove()
        yield None
        return
    try:
        server = DistantPostgres(cable)
        try:
            yield server.start(), cable
        finally:
            cable.mend()
            server.remove()
    finally:
        cable.remove()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)

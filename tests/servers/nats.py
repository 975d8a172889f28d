"""A NATS server with JetStream, from a wheel that brings the program."""

from __future__ import annotations

import json
import socket
import sysconfig
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers.processes import ProgramServer


@dataclass(frozen=True)
class StreamMessage:
    """A message that a stream holds."""

    subject: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class NatsServer(ProgramServer):
    """NATS with JetStream; asked through JetStream's own API, which is JSON by request and reply."""

    name = "nats"

    def command(self) -> list[str]:
        program = Path(sysconfig.get_path("scripts")) / "nats-server"
        return [str(program), "-js", "-a", "127.0.0.1", "-p", str(self.port), "-sd", str(self.folder / "data")]

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def add_stream(self, name: str, *subjects: str) -> None:
        """Make a stream that keeps what is published to some subjects."""
        self._ask(f"STREAM.CREATE.{name}", {"name": name, "subjects": list(subjects), "storage": "file"})

    def messages(self, stream: str) -> list[StreamMessage]:
        """Return what a stream holds, oldest first."""
        state = self._ask(f"STREAM.INFO.{stream}", {})["state"]
        found = range(max(state["first_seq"], 1), state["last_seq"] + 1)
        return [self._message(self._ask(f"STREAM.MSG.GET.{stream}", {"seq": number})["message"]) for number in found]

    def _message(self, stored: dict[str, Any]) -> StreamMessage:
        lines = b64decode(stored.get("hdrs", "")).decode().splitlines()
        headers = dict(line.split(": ", 1) for line in lines if ": " in line)
        return StreamMessage(stored["subject"], headers, b64decode(stored.get("data", "")))

    def publish(self, subject: str, body: bytes) -> None:
        """Publish a message, and return when the server has read it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            stream = connection.makefile("rb")
            connection.sendall(b'CONNECT {"verbose": false}\r\n')
            connection.sendall(b"PUB %s %d\r\n%s\r\nPING\r\n" % (subject.encode(), len(body), body))
            while not (line := stream.readline()).startswith(b"PONG"):
                assert line, "the connection ended"

    def _ask(self, call: str, request: dict[str, Any]) -> dict[str, Any]:
        """Ask JetStream's API. The protocol: docs.nats.io/reference/reference-protocols/nats-protocol."""
        body = json.dumps(request).encode()
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            stream = connection.makefile("rb")
            connection.sendall(b'CONNECT {"verbose": false}\r\nSUB answers 1\r\n')
            connection.sendall(b"PUB $JS.API.%s answers %d\r\n%s\r\n" % (call.encode(), len(body), body))
            while line := stream.readline():
                if line.startswith(b"MSG "):
                    answer: dict[str, Any] = json.loads(stream.read(int(line.split()[-1])))
                    if "error" in answer:
                        raise AssertionError(f"{call}: {answer['error']}")
                    return answer
                if line.startswith(b"PING"):
                    connection.sendall(b"PONG\r\n")
        raise AssertionError(f"{call}: the connection ended")

"""What examples of codes that `--connect` finds are compared with: a database beside them, an API on this machine."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from gateway.config.codes import Code

_GOOD_KEY = "example"
"""Every key of the examples holds this."""


def needs_outside(code: Code) -> bool:
    """Say whether a code is found only with something outside."""
    return bool(code.database or code.answers)


@contextmanager
def outside_of(code: Code, directory: Path) -> Iterator[Mapping[str, str]]:
    """Have what an example is compared with there; yields the variables that lead to it."""
    if code.database:
        with closing(sqlite3.connect(directory / "gateway.db")) as connection:
            connection.executescript(code.database)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(code.answers))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield {"API_BASE": f"http://127.0.0.1:{server.server_port}"}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(answers: Mapping[str, object]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            keys = f"{self.headers.get('Authorization')} {self.headers.get('access_token')}"
            found = answers.get(self.path.partition("?")[0])
            self.send_response(401 if _GOOD_KEY not in keys else 404 if found is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler

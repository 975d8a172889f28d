"""A small project with a database, and the commands called on it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from engines import Bench

from gateway.cli import main

CONFIGURATION = """
version: 1
server: {host: 127.0.0.1, port: 9}
database: sqlite:///test.db
admin: {token: "${env:TOKEN_OF_NOBODY:-}"}
sources:
  shop:
    path: /hooks/shop
    verify: {token: "${env:SECRET_OF_NOBODY}"}
    event: {id: id, type: type}
    rules: [rules.yaml]
"""

RULES = """
version: 1
tables:
  orders:
    columns:
      id: {type: text, primary_key: true}
      total: {type: decimal}
      paid: {type: boolean}
      at: {type: timestamp}
      extra: {type: json}
      owner: {type: text, unique: true}
rules:
  - name: placed
    on: placed
    do: [{insert: orders, values: {id: $event.payload.order}}]
    result: stored
  - {name: broken, on: broken, do: [{fail: "broken as told"}]}
"""


class Folder:
    """A project's folder, in which commands are called."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "gateway.yaml").write_text(CONFIGURATION)
        self.bench = Bench(path, RULES)

    def send(self, kind: str, number: int, **more: Any) -> int:
        payload = {"id": f"evt_{number}", "type": kind, "order": f"o{number}"}
        [receipt] = self.bench.send(self.bench.delivery({**payload, **more}))
        self.bench.run()
        return receipt.id

    def changes(self) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.path / "test.db")
        try:
            return connection.execute(
                "SELECT actor, table_name, row_key, before, after FROM gateway_changes"
            ).fetchall()
        finally:
            connection.close()


Call = Callable[..., Result]


def call(*arguments: str) -> Result:
    """Call a command as `gateway` does; an exception that is not told is a bug and is raised."""
    result = CliRunner().invoke(main, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def called(*arguments: str) -> str:
    """Call a command that must go well, and return what it printed."""
    result = call(*arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def as_json(*arguments: str) -> Any:
    """Call a command with --json, which must go well, and return what it printed."""
    return json.loads(called(*arguments, "--json"))


def refused(code: int, *arguments: str) -> str:
    """Call a command that must end with an exit code, and return what it said on standard error."""
    result = call(*arguments)
    assert result.exit_code == code, result.stdout + result.stderr
    assert "gateway: error: " in result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr

"""Projects to compare with what is outside, and an API that answers as it is told."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from servers.threads import WebServer

from gateway.config.diagnostics import Findings
from gateway.connecting.comparison import compare_with_outside
from gateway.project import load_project

RULES = """\
version: 1
tables:
  invoices:
    columns:
      id: {type: text, primary_key: true}
      number: {type: text, unique: true}
      amount: {type: decimal}
rules:
  - {name: paid, on: [invoice.paid, "customer.*"], do: [{log: paid}]}
"""


class ApiServer(WebServer):
    """Answers with the JSON of a path and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, Any] = {}
        """By path, with its parameters or without; an absent one is answered 404."""
        self.headers: dict[str, str] = {}
        """That go with every answer."""
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        """Method, path and headers, the names of these in lower case."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append((request.method, request.path, headers))
        fault = self._faults.take("before", request.path)
        if fault is not None and (bad := await fault.happen(request)) is not None:
            return bad
        found = self.answers.get(request.path_qs, self.answers.get(request.path))
        text = found if isinstance(found, str) else json.dumps(found)
        return web.Response(status=404 if found is None else 200, text=text, headers=self.headers)


@pytest.fixture
def api() -> Iterator[ApiServer]:
    """An API on this machine."""
    with ApiServer() as server:
        yield server


class Compared:
    """What came of a comparison."""

    def __init__(self, findings: Findings, looked_at: list[str]) -> None:
        self.findings = [one for one in findings.diagnostics if one.code[-2] == "9"]
        self.other = [one for one in findings.diagnostics if one.code[-2] != "9"]
        self.looked_at = looked_at

    @property
    def lines(self) -> list[str]:
        """Return code, place and message of each finding."""
        return [
            f"{one.code} {Path(one.path).name}:{one.span.start.line}:{one.span.start.column} {one.message}"
            for one in self.findings
        ]


Compare = Callable[..., Compared]


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    """Write files, make a database of some SQL, and compare the one with the other."""

    def run(gateway: str, rules: str = RULES, *, sql: str | None = None, **environ: str) -> Compared:
        (tmp_path / "gateway.yaml").write_text(gateway)
        (tmp_path / "rules.yaml").write_text(rules)
        if sql is not None:
            with closing(sqlite3.connect(tmp_path / "gateway.db")) as connection:
                connection.executescript(sql)
        findings = Findings()
        project = load_project(tmp_path / "gateway.yaml", findings, environ)
        assert project is not None
        return Compared(findings, compare_with_outside(project, findings))

    return run

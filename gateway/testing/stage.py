"""The rules of one source, ready for the cases that test them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.building import build_program, build_source
from gateway.config.rule_tests import Case
from gateway.config.tables import Table
from gateway.engine.extracting import settings_for
from gateway.engine.program import Program
from gateway.errors import ConfigurationError
from gateway.project import Project
from gateway.providers import Verified
from gateway.receiving.deliveries import Source
from gateway.settings import SourceSettings
from gateway.store.database import Database, parse_address
from gateway.store.migrations import migrate
from gateway.store.sqlite import SqliteDatabase, open_sqlite
from gateway.testing.running import Scene


class Stage:
    """The rules of one source, linked once for all cases that have the same settings."""

    def __init__(self, project: Project, source: SourceSettings) -> None:
        """Take a project free of errors and one of its sources. Raises ConfigurationError."""
        self._project = replace(project, settings=replace(project.settings, sources=(source,)))
        self._source = source
        self._programs: dict[str, Program] = {}
        self._template: SqliteDatabase | None = None
        self.tables = [_made_here(table, source.name) for table in self._own_tables()]

    def _own_tables(self) -> list[Table]:
        names = {name for file in self._project.rules_of(self._source) for name in file.tables}
        return [table for table in self._project.tables.values() if table.name in names or not table.existing]

    @contextmanager
    def scene(self, case: Case) -> Iterator[Scene]:
        """Open a fresh database with the tables of the rules, and all that is needed to run a case on it."""
        database = _in_memory()
        try:
            self._migrated().connection.backup(database.connection)
            program = self._program(database, case.settings)
            yield Scene(database, program, self._receiving(program), case)
        finally:
            database.close()

    def _migrated(self) -> SqliteDatabase:
        """Return the database that those of all cases are copies of: making the tables takes longer than most cases."""
        if self._template is None:
            self._template = _in_memory()
            migrate(self._template, self.tables)
        return self._template

    def close(self) -> None:
        """Close what all cases share."""
        if self._template is not None:
            self._template.close()

    def _program(self, database: Database, settings: Mapping[str, object]) -> Program:
        key = repr(sorted(settings.items()))
        if key not in self._programs:
            merged: Any = settings_for(self._source.settings, settings)
            source = replace(self._source, settings=merged)
            project = replace(self._project, settings=replace(self._project.settings, sources=(source,)))
            self._programs[key] = build_program(project, database)
        return self._programs[key]

    def _receiving(self, program: Program) -> Source:
        open_source = replace(self._source, verify=None, allow_ips=(), rate_limit=None)
        return replace(build_source(open_source, self._project, program), verifier=_Vouched())


def _in_memory() -> SqliteDatabase:
    return open_sqlite(parse_address("sqlite://", Path()))


def _made_here(table: Table, source: str) -> Table:
    if table.existing and not table.columns:
        raise ConfigurationError(
            f"table `{table.name}` of source `{source}` is `existing: true` without `columns`, so it cannot be made "
            "for a test: declare the columns that the rules use"
        )
    return replace(table, existing=False)


class _Vouched:
    """Takes every delivery for its sender's own: a case is about what comes after."""

    secret_headers: frozenset[str] = frozenset()

    def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> Verified:
        return Verified(scheme="test", key=0, timestamp=None)

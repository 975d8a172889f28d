"""Consistency checks linked to a database: what they find, and whether a finding still stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.config.conditions import ColumnTest
from gateway.config.consistency import ConsistencyCheck
from gateway.config.rules import RulesFile
from gateway.engine.extracting import settings_for
from gateway.expressions import NO_CONTEXT, to_text
from gateway.project import Project
from gateway.store.database import Execute
from gateway.store.lacking import LackingRows, Pair
from gateway.store.rows import RowTable
from gateway.store.shapes import Row, Test

PAGE = 500
"""Rows that one statement reads."""

_NO_VALUE = frozenset({"null", "present"})

Values = Callable[[Mapping[str, Any]], list[object]]
"""Takes a scope, gives the values of tests in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedCheck:
    """A check of one source, ready to look."""

    name: str
    source: str
    file: str
    spec: ConsistencyCheck
    settings: Mapping[str, object]
    rows: LackingRows
    values: Values
    others: Values

    @property
    def table(self) -> RowTable:
        """Return the table whose rows it finds."""
        return self.rows.table

    @property
    def every(self) -> timedelta | None:
        """Return how often it looks by itself."""
        return self.spec.every

    def pages(self, execute: Execute, now: datetime) -> Iterator[list[Row]]:
        """Yield what it finds at a moment, some rows at a time. One statement a page.

        Raises EvaluationError and ValueDoesNotFit.
        """
        scope = self._scope(now)
        return self.rows.pages(execute, self.values(scope), self.others(scope), size=PAGE)

    def still_finds(self, execute: Execute, key: object, now: datetime) -> bool:
        """Say whether the row with a key still lacks its other row. One statement.

        Raises EvaluationError and ValueDoesNotFit.
        """
        scope = self._scope(now)
        return self.rows.row(execute, self.values(scope), self.others(scope), key) is not None

    def key_of(self, row: Row) -> str:
        """Return a row's key as text."""
        return to_text(row[self.rows.key])

    def _scope(self, now: datetime) -> dict[str, Any]:
        return {"settings": self.settings, "now": now}


def link_checks(
    source: str, file: RulesFile, tables: Mapping[str, RowTable], settings: Mapping[str, object]
) -> list[LinkedCheck]:
    """Link the checks of a rules file, with a source's own settings.

    One whose table turns out to have no single key in the database is left out.
    """
    found = [_link(source, file, check, tables, settings) for check in file.checks.values()]
    return [check for check in found if check is not None]


def _link(
    source: str,
    file: RulesFile,
    check: ConsistencyCheck,
    tables: Mapping[str, RowTable],
    settings: Mapping[str, object],
) -> LinkedCheck | None:
    table = tables[check.table]
    if table.spec.key is None:
        return None
    tests = check.where.tests if check.where is not None else ()
    pairs = [(test, column) for test in check.by.tests if (column := check.column_of(test)) is not None]
    others = [test for test in check.by.tests if check.column_of(test) is None]
    return LinkedCheck(
        name=check.name,
        source=source,
        file=file.path.name,
        spec=check,
        settings=settings,
        rows=LackingRows(
            table,
            _shapes(tests),
            tables[check.other],
            [Pair(test.name, test.operator, column) for test, column in pairs],
            _shapes(others),
        ),
        values=_values(tests),
        others=_values(others),
    )


def _shapes(tests: Sequence[ColumnTest]) -> list[Test]:
    return [Test(test.name, test.operator, test.seconds) for test in tests]


def _values(tests: Sequence[ColumnTest]) -> Values:
    evaluators = [_value_of(test) for test in tests if test.operator not in _NO_VALUE]
    return lambda scope: [evaluate(scope) for evaluate in evaluators]


def _value_of(test: ColumnTest) -> Callable[[Mapping[str, Any]], object]:
    value = test.value
    if value is None:
        return lambda scope: scope["now"]
    return lambda scope: value(scope, NO_CONTEXT)


def project_checks(project: Project, tables: Mapping[str, RowTable], source: str | None = None) -> list[LinkedCheck]:
    """Return the checks of all rules files, each once, with the settings of the first source that uses its file.

    With `source` those of this source alone.
    """
    found: dict[Path, list[LinkedCheck]] = {}
    for one in project.settings.sources:
        for file in project.rules_of(one) if source in {None, one.name} else ():
            if file.path not in found:
                found[file.path] = link_checks(one.name, file, tables, settings_for(file.settings, one.settings))
    return [check for checks in found.values() for check in checks]

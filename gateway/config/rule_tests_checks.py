"""Checks of tests files: a name that does not exist, or a case that shows nothing, must not pass for a success."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.config.diagnostics import DocumentFindings, Findings, did_you_mean
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node, Scalar
from gateway.config.rule_tests import Case, CaseEvent, CaseFile, Expectation, entries, mappings
from gateway.config.tables import Column, Table
from gateway.config.wording import listed
from gateway.expressions import CoercionError, fit


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceUnderTest:
    """What cases of a source can name."""

    rules: tuple[str, ...]
    settings: tuple[str, ...]
    answers: bool
    """Whether it answers with the outcome."""


def check_rule_tests(
    file: CaseFile, sources: Mapping[str, SourceUnderTest], tables: Mapping[str, Table], findings: Findings
) -> None:
    """Check one tests file against the sources and tables of the project."""
    here = findings.for_document(file.document)
    source = sources.get(file.source_name)
    if source is None and file.source is not None:
        _unknown("GW205", f"there is no source `{file.source_name}`", file.source, file.source_name, sources, here)
    _check_names(file.cases, here)
    for case in file.cases:
        check_case(case, source, tables, here)


def check_case(
    case: Case, source: SourceUnderTest | None, tables: Mapping[str, Table], findings: DocumentFindings
) -> None:
    """Check one case; `source` is None where the file names none that exists."""
    check = _CaseCheck(source, tables, findings)
    for key, rows in case.tables:
        check.rows(key, rows, complete=True)
    check.settings(case.settings_node)
    check.order(case.events)
    for expectation in _all_expectations(case):
        check.expectation(expectation)
    if not any(True for _ in _all_expectations(case)):
        findings.error(
            "GW102",
            f"the case `{case.name}` expects nothing",
            case.place,
            help="add `expect`, for example `expect: {result: …}`",
        )


def _all_expectations(case: Case) -> Iterable[Expectation]:
    for event in case.events:
        yield from event.expect
    yield from case.expect


def _check_names(cases: Iterable[Case], findings: DocumentFindings) -> None:
    seen: set[str] = set()
    for case in cases:
        if case.name in seen:
            findings.error("GW206", f"two cases are called `{case.name}`", case.place, help="give each its own name")
        seen.add(case.name)


def _unknown(code: str, message: str, node: Node, name: str, known: Iterable[str], findings: DocumentFindings) -> None:
    near = did_you_mean(name, known)
    findings.error(code, message, node, help=f"did you mean `{near}`?" if near else f"known: {listed(sorted(known))}")


@dataclass(frozen=True, slots=True)
class _CaseCheck:
    source: SourceUnderTest | None
    tables: Mapping[str, Table]
    findings: DocumentFindings

    def settings(self, node: MappingNode | None) -> None:
        """Report settings that the rules do not have."""
        for key, _ in entries(node) if self.source is not None else ():
            assert self.source is not None
            if key.text not in self.source.settings:
                _unknown(
                    "GW203",
                    f"the rules have no setting `{key.text}`",
                    key,
                    key.text,
                    self.source.settings,
                    self.findings,
                )

    def order(self, events: tuple[CaseEvent, ...]) -> None:
        """Report redeliveries of what has not been delivered."""
        for number, event in enumerate(events):
            if event.again is None:
                continue
            first = events[event.again] if event.again < number else None
            if first is None or first.wait is not None or first.again is not None:
                self.findings.error(
                    "GW104",
                    f"`again: {event.again + 1}` names no delivery before this one",
                    event.node,
                    help="entries of `events` are counted from 1",
                )
        if events and all(event.wait is not None for event in events):
            self.findings.error("GW102", "the case delivers nothing", events[0].node, help="add a payload")

    def expectation(self, expectation: Expectation) -> None:
        """Report names that do not exist and values that could never be."""
        node = expectation.node
        match expectation.name:
            case "tables":
                for key, table in entries(node):
                    rows = mappings(table.get("rows") if isinstance(table, MappingNode) else table)
                    self.rows(key, rows, complete=False)
            case "rule" if self.source is not None and isinstance(node, Scalar) and node.value is not None:
                if node.text not in self.source.rules:
                    _unknown(
                        "GW203", f"there is no rule `{node.text}`", node, node.text, self.source.rules, self.findings
                    )
            case "response" if self.source is not None and not self.source.answers:
                self.findings.error(
                    "GW104",
                    "this source does not answer with the outcome",
                    expectation.key,
                    help="leave `response` out, or give the source `respond: result`",
                )

    def rows(self, key: Scalar, rows: Iterable[MappingNode], *, complete: bool) -> None:
        """Report an unknown table, unknown columns, and values that no row can hold.

        With `complete` the rows are to be stored, and each needs its key.
        """
        table = self.tables.get(key.text)
        if table is None:
            _unknown("GW201", f"unknown table `{key.text}`", key, key.text, self.tables, self.findings)
            return
        for row in rows:
            for name, value in row.entries:
                self._cell(table, name, value, may_test=not complete)
            if complete:
                self._require_columns(table, row)

    def _require_columns(self, table: Table, row: MappingNode) -> None:
        for column in table.columns:
            if (column.primary_key or column.required) and not column.has_default and row.get(column.name) is None:
                self.findings.error("GW102", f"a row of `{table.name}` needs `{column.name}`", row)

    def _cell(self, table: Table, name: Scalar, value: Node, *, may_test: bool) -> None:
        column = table.column(name.text)
        if column is None:
            message = f"table `{table.name}` has no column `{name.text}`"
            _unknown("GW202", message, name, name.text, table.names, self.findings)
        elif not (may_test and is_presence(value)):
            self._value(column, value)

    def _value(self, column: Column, node: Node) -> None:
        try:
            fitted = fit(node.plain(), column.type)
        except CoercionError as error:
            self.findings.error("GW305", f"column `{column.name}` is {column.type}: {error}", node)
            return
        if column.values and fitted is not None and fitted not in column.values:
            message = f"`{fitted}` is not one of the values of column `{column.name}`"
            _unknown("GW305", message, node, str(fitted), [str(value) for value in column.values], self.findings)


def is_presence(node: Node) -> bool:
    """Say whether an expected value is `{is: present}`: anything but null."""
    return isinstance(node, MappingNode) and node.plain() == {"is": "present"}

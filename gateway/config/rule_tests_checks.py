"""Checks of tests files: a name that does not exist, or a case that shows nothing, must not pass for a success."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.config.diagnostics import DocumentFindings, Findings
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node, Scalar
from gateway.config.rule_tests import Case, CaseFile, Expectation, entries, mappings
from gateway.config.rule_tests_effects_checks import EffectsCheck
from gateway.config.rule_tests_effects_schema import EFFECTS
from gateway.config.rule_tests_event_checks import EventsCheck
from gateway.config.rule_tests_source import SourceUnderTest, report_unknown
from gateway.config.rule_tests_values import check_value, test_of
from gateway.config.tables import Column, Table
from gateway.expressions import CoercionError, fit
from gateway.records import dataclass


def check_rule_tests(
    file: CaseFile, sources: Mapping[str, SourceUnderTest], tables: Mapping[str, Table], findings: Findings
) -> None:
    """Check one tests file against the sources and tables of the project."""
    here = findings.for_document(file.document)
    source = sources.get(file.source_name)
    _check_names(file.cases, here)
    if source is None and file.source is not None:
        report_unknown(
            "GW205", f"there is no source `{file.source_name}`", file.source, file.source_name, sources, here
        )
        return  # its rules are not read, so nothing can be known about what cases name
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
    check.effects(case)
    EventsCheck(source, findings).case(case)
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
                report_unknown(
                    "GW203",
                    f"the rules have no setting `{key.text}`",
                    key,
                    key.text,
                    self.source.settings,
                    self.findings,
                )

    def effects(self, case: Case) -> None:
        """Report calls, messages and scheduled events that the rules never cause, or that cannot be compared."""
        if self.source is None:
            return
        check = EffectsCheck(source=self.source.name, doings=self.source.doings, findings=self.findings)
        for canned in case.calls:
            check.canned(canned)
        for expectation in _all_expectations(case):
            if expectation.name in EFFECTS:
                check.listing(expectation.node, expectation.name)

    def expectation(self, expectation: Expectation) -> None:
        """Report names that do not exist and values that could never be."""
        node = expectation.node
        match expectation.name:
            case "tables":
                for key, table in entries(node):
                    rows = mappings(table.get("rows") if isinstance(table, MappingNode) else table)
                    self.rows(key, rows, complete=False)
            case "logs":
                for line in mappings(node):
                    for _, value in line.entries:
                        check_value(value, self.findings)
            case "rule" if self.source is not None and isinstance(node, Scalar) and node.value is not None:
                # What is run by hand has a procedure in the place of the rule.
                known = (*self.source.rules, *self.source.procedures)
                if node.text not in known:
                    report_unknown("GW203", f"there is no rule `{node.text}`", node, node.text, known, self.findings)
            case "response" if self.source is not None and not self.source.answers:
                self.findings.error(
                    "GW104",
                    "this source does not answer with the outcome",
                    expectation.key,
                    help="leave `response` out, or give the source `respond: result`",
                )
            case "response":
                check_value(node, self.findings)

    def rows(self, key: Scalar, rows: Iterable[MappingNode], *, complete: bool) -> None:
        """Report an unknown table, unknown columns, and values that no row can hold.

        With `complete` the rows are to be stored, and each needs its key.
        """
        table = self.tables.get(key.text)
        if table is None:
            report_unknown("GW201", f"unknown table `{key.text}`", key, key.text, self.tables, self.findings)
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
            report_unknown("GW202", message, name, name.text, table.names, self.findings)
        elif may_test and test_of(value) is not None:
            check_value(value, self.findings)
        else:
            self._value(column, value)

    def _value(self, column: Column, node: Node) -> None:
        try:
            fitted = fit(node.plain(), column.type)
        except CoercionError as error:
            self.findings.error("GW305", f"column `{column.name}` is {column.type}: {error}", node)
            return
        if column.values and fitted is not None and fitted not in column.values:
            message = f"`{fitted}` is not one of the values of column `{column.name}`"
            report_unknown("GW305", message, node, str(fitted), [str(value) for value in column.values], self.findings)

"""The tests that ship with the rules pass, and reach all that there is; editors see nothing wrong in the files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from rules.shipped import ROOT, project

from gateway.config.diagnostics import Findings
from gateway.config.document import read_document
from gateway.testing.loading import find_tests, load_tests
from gateway.testing.suite import Suite


def test_the_shipped_cases_pass_and_reach_every_rule_alternative_and_branch() -> None:
    findings = Findings()
    files = load_tests(project(), find_tests([ROOT / "rules" / "tests"]), findings)
    assert [one.message for one in findings.diagnostics] == []
    report = Suite(project()).run(files)
    assert [case.case.name for case in report.cases if not case.passed] == []
    assert [f"{point.path}:{point.span.start.line} {point.what}" for point in report.coverage.missed] == []
    assert {file.source_name for file in files} == {source.name for source in project().settings.sources}


@pytest.mark.parametrize("path", sorted((ROOT / "rules").rglob("*.yaml")), ids=lambda path: path.name)
def test_editors_see_nothing_wrong(path: Path) -> None:
    text = path.read_text()
    first = text.partition("\n")[0]
    assert first.startswith("# yaml-language-server: $schema=")
    schema = json.loads((path.parent / first.partition("=")[2]).read_text())
    root = read_document(str(path), text, Findings()).root
    assert root is not None
    assert [error.message for error in Draft202012Validator(schema).iter_errors(root.plain())] == []

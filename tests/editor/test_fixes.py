"""Quick fixes: each one mends what it says it does."""

from __future__ import annotations

from pathlib import Path

import pytest
from config.golden import environ_of, files, lay_out

from gateway.config.diagnostics import Diagnostic, Findings, Position, Span
from gateway.editor.fixes import Fix, fix_of
from gateway.editor.positions import Text
from gateway.project import load_project

CASES = [
    case
    for case in files("err")
    if "did you mean" in (told := case.with_suffix(".out").read_text("utf-8")) or "write the unit" in told
]


def found_in(config: Path, case: Path) -> Findings:
    findings = Findings()
    load_project(config, findings, environ_of(case))
    return findings


def applied(text: str, fix: Fix) -> str:
    counted = Text(text)
    return text[: counted.offset(fix.span.start)] + fix.text + text[counted.offset(fix.span.end) :]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_fix_mends_what_was_found(case: Path, tmp_path: Path) -> None:
    config = lay_out(case, tmp_path)
    findings = found_in(config, case)
    for one in findings.diagnostics:
        fix = fix_of(one, Text(findings.sources[one.path]))
        path = tmp_path / Path(one.path).name
        if fix is None or not path.is_file():
            continue
        before = path.read_bytes()
        path.write_bytes(applied(findings.sources[one.path], fix).encode())
        assert _cause(one) not in map(_cause, found_in(config, case).diagnostics)
        path.write_bytes(before)


def _cause(one: Diagnostic) -> tuple[object, ...]:
    return one.code, one.message, one.path, one.span.start


def test_what_says_nothing_exact_has_no_fix() -> None:
    findings = Findings()
    findings.error("GW101", "unknown key `x`", ("a", Span(Position(1, 1), Position(1, 2))), help="known keys: `a`")
    assert fix_of(findings.diagnostics[0], Text("x: 1")) is None

"""What users see of every mistake, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest
from config.golden import environ_of, expect, files, lay_out

from gateway.config.diagnostics import Findings
from gateway.config.reporters import FORMATS, report
from gateway.project import load_project


def check(case: Path, directory: Path) -> Findings:
    findings = Findings()
    load_project(lay_out(case, directory), findings, environ_of(case))
    return findings


@pytest.mark.parametrize("case", files("err"), ids=lambda path: path.stem)
def test_a_mistake_is_reported(case: Path, tmp_path: Path) -> None:
    findings = check(case, tmp_path)
    output = report(findings).replace(f"{tmp_path}/", "") + "\n"
    expect(case.with_suffix(".out"), output)
    assert case.stem[:5] in {one.code for one in findings.diagnostics}
    assert "hidden" not in output
    assert "given schema" not in output


@pytest.mark.parametrize("case", files("ok"), ids=lambda path: path.stem)
def test_a_good_file_is_quiet(case: Path, tmp_path: Path) -> None:
    assert report(check(case, tmp_path), "concise") == ""


@pytest.mark.parametrize("case", files("err"), ids=lambda path: path.stem)
def test_no_value_of_the_environment_is_shown(case: Path, tmp_path: Path) -> None:
    findings = check(case, tmp_path)
    shown = "".join(report(findings, format) for format in FORMATS)
    assert not [value for value in environ_of(case).values() if value and value in shown]

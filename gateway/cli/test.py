"""`gateway test`: run the tests of rules."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.opening import CannotRun, config_option, open_project

if TYPE_CHECKING:
    from gateway.config.rule_tests import CaseFile
    from gateway.project import Project
    from gateway.testing.suite import SuiteReport

FOLDER = Path("rules") / "tests"
"""Where tests are looked for, beside gateway.yaml."""


@click.command("test", epilog="Example: gateway test --coverage --min-coverage 100")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("-k", "word", default="", help="Only cases whose name holds this text.")
@click.option("--coverage", is_flag=True, help="List the rules, alternatives and branches that no case reached.")
@click.option(
    "--min-coverage", type=click.FloatRange(0, 100), metavar="N", help="Fail when less than N percent was reached."
)
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write JUnit XML to this file.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Report for programs.")
def command(
    paths: tuple[Path, ...],
    config: Path,
    word: str,
    coverage: bool,
    min_coverage: float | None,
    junit: Path | None,
    as_json: bool,
) -> None:
    """Run the tests of rules at PATHS, or all below rules/tests.

    Each case runs on a database of its own; nothing is sent anywhere. Exits 0 when all is well, 1 when a case
    fails or a tests file is wrong, 2 when tests cannot be run.
    """
    project = open_project(config)
    files, wrong = _load(project, paths or [config.parent / FOLDER])
    report = _run(project, files, word, every_source=not paths)
    if word and files and not report.cases:
        raise CannotRun(f"no case has `{word}` in its name")
    _tell(report, coverage=coverage or min_coverage is not None, left_out=wrong, as_json=as_json)
    if junit is not None:
        _write(junit, report)
    enough = min_coverage is None or report.coverage.percent >= min_coverage
    if not enough:
        click.echo(f"coverage is {report.coverage.percent} %, less than {min_coverage:g} %", err=True)
    sys.exit(0 if enough and not wrong and not report.failed else 1)


def _load(project: Project, paths: Sequence[Path]) -> tuple[list[CaseFile], int]:
    """Return the tests files that are free of errors, and how many are not. Raises CannotRun."""
    from gateway.config.diagnostics import Findings, Severity
    from gateway.config.reporters import report
    from gateway.testing.loading import find_tests, load_tests

    missing = [path for path in paths if not path.exists()]
    found = [] if missing else find_tests(paths)
    if not found:
        listed = ", ".join(f"`{path}`" for path in missing or paths)
        raise CannotRun(
            f"there is no file {listed}" if missing else f"there are no tests in {listed}",
            help=None if missing else "their names end in `.test.yaml`",
        )
    findings = Findings()
    files = load_tests(project, found, findings)
    if findings.diagnostics:
        click.echo(report(findings, colour=_colour()), err=True)
    wrong = {one.path for one in findings.diagnostics if one.severity is Severity.ERROR}
    return [file for file in files if file.document.path not in wrong], len(wrong)


def _run(project: Project, files: Sequence[CaseFile], word: str, *, every_source: bool) -> SuiteReport:
    from gateway.telemetry import configure_logging
    from gateway.testing.suite import Suite

    writer = configure_logging(level="error")
    try:
        return Suite(project).run(files, word=word, every_source=every_source)
    finally:
        writer.close()


def _tell(report: SuiteReport, *, coverage: bool, left_out: int, as_json: bool) -> None:
    from gateway.testing.reports import json_report, text_report

    if as_json:
        click.echo(json_report(report, left_out=left_out))
    else:
        click.echo(text_report(report, coverage=coverage, colour=_colour(), left_out=left_out))


def _write(path: Path, report: SuiteReport) -> None:
    from gateway.testing.reports import junit_report

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(junit_report(report), "utf-8")
    except OSError as error:
        raise CannotRun(f"`{path}` cannot be written: {(error.strerror or str(error)).lower()}") from error


def _colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ

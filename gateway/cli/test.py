"""`gateway test`: run the tests of rules."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.errors import ConfigurationError, GatewayError

if TYPE_CHECKING:
    from gateway.config.diagnostics import Findings
    from gateway.config.rule_tests import CaseFile
    from gateway.project import Project
    from gateway.testing.suite import SuiteReport

EXAMPLE = "Example: gateway test --coverage --min-coverage 100"


@click.command("test", epilog=EXAMPLE)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--config", default="gateway.yaml", show_default=True, help="The configuration.")
@click.option("-k", "word", default="", help="Only cases whose name holds this text.")
@click.option("--coverage", is_flag=True, help="List the rules, alternatives and branches that no case reached.")
@click.option(
    "--min-coverage", type=click.FloatRange(0, 100), metavar="N", help="Fail when less than N percent was reached."
)
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write JUnit XML to this file.")
@click.option("--json", "as_json", is_flag=True, help="Report for programs.")
def command(
    paths: tuple[Path, ...],
    config: str,
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
    try:
        passed = _run(paths, Path(config), word, coverage or min_coverage is not None, min_coverage, junit, as_json)
    except GatewayError as error:
        click.echo(error.message if isinstance(error, ConfigurationError) else f"gateway: error: {error}", err=True)
        sys.exit(2)
    sys.exit(0 if passed else 1)


def _run(
    paths: Sequence[Path],
    config: Path,
    word: str,
    coverage: bool,
    min_coverage: float | None,
    junit: Path | None,
    as_json: bool,
) -> bool:
    from gateway.config.diagnostics import Findings
    from gateway.testing.loading import FOLDER, find_tests, load_tests
    from gateway.testing.reports import json_report, junit_report, text_report

    findings = Findings()
    project = load(config)
    named = paths or [config.parent / FOLDER]
    found = find_tests(named)
    if not found:
        raise ConfigurationError(f"gateway: error: no file `*.test.yaml` in {', '.join(f'`{path}`' for path in named)}")
    files = load_tests(project, found, findings)
    wrong = _wrong_files(findings)
    _tell(findings)
    right = [file for file in files if file.document.path not in wrong]
    report = _run_suite(project, right, word, every_source=not paths)
    if word and right and not report.cases:
        raise ConfigurationError(f"gateway: error: no case has `{word}` in its name")
    text = text_report(report, coverage=coverage, colour=_colour(), left_out=len(wrong))
    click.echo(json_report(report) if as_json else text)
    if junit is not None:
        junit.parent.mkdir(parents=True, exist_ok=True)
        junit.write_text(junit_report(report), "utf-8")
    enough = min_coverage is None or report.coverage.percent >= min_coverage
    if not enough:
        click.echo(f"coverage is {report.coverage.percent} %, less than {min_coverage:g} %", err=True)
    return enough and not wrong and not report.failed


def _run_suite(project: Project, files: Sequence[CaseFile], word: str, *, every_source: bool) -> SuiteReport:
    from gateway.telemetry import configure_logging
    from gateway.testing.suite import Suite

    writer = configure_logging(level="error")
    try:
        return Suite(project).run(files, word=word, every_source=every_source)
    finally:
        writer.close()


def load(config: Path) -> Project:
    """Read a configuration whose rules can be run; the environment may lack what only serving needs.

    Raises ConfigurationError with all findings as text.
    """
    from gateway.config.diagnostics import Findings, Severity
    from gateway.config.reporters import report
    from gateway.project import load_project

    findings = Findings()
    project = load_project(config, findings)
    blocking = findings.select(lambda one: one.severity is Severity.ERROR and not one.code.startswith("GW4"))
    if project is None or blocking.has_errors:
        raise ConfigurationError(report(findings, "full"))
    return project


def _wrong_files(findings: Findings) -> set[str]:
    from gateway.config.diagnostics import Severity

    return {one.path for one in findings.diagnostics if one.severity is Severity.ERROR}


def _tell(findings: Findings) -> None:
    from gateway.config.reporters import report

    if findings.diagnostics:
        click.echo(report(findings, "full", colour=_colour()), err=True)


def _colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ

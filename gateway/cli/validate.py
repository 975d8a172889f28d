"""`gateway validate`: everything that can be known before an event comes."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from gateway.cli.opening import CannotRun, config_option
from gateway.config.diagnostics import Findings, Severity
from gateway.config.reporters import FORMATS, report

EXAMPLE = "Example: gateway validate --format github"


@click.command("validate", epilog=EXAMPLE)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@config_option
@click.option(
    "--format", "format_", type=click.Choice(list(FORMATS)), default="full", show_default=True, help="How to report."
)
@click.option("--json", "as_json", is_flag=True, help="Report for programs; the same as --format json.")
@click.option("--connect", is_flag=True, help="Also compare with the real database and the providers' APIs.")
@click.option("--strict", is_flag=True, help="Let warnings count as errors.")
def command(paths: tuple[Path, ...], config: Path, format_: str, as_json: bool, connect: bool, strict: bool) -> None:
    """Check gateway.yaml and the rules it names, or the files at PATHS.

    With --connect it asks the database and the providers that gateway.yaml names whether they are what the rules take
    them for: nothing is changed there, and nothing is waited for longer than a few seconds.

    Exits 0 when all is well, 1 with findings, 2 when there is nothing to check.
    """
    named = paths or (config,)
    missing = [path for path in named if not path.exists()]
    if missing:
        for path in missing:
            click.echo(f"gateway: error: there is no file `{path}`", err=True)
        sys.exit(2)
    findings = Findings()
    with _collecting_rarely():
        from gateway.cli.checking import check_paths

        checked = check_paths(named, config, findings, connect=connect)
    if not checked.files and not findings.diagnostics:
        listed = ", ".join(f"`{path}`" for path in named)
        raise CannotRun(f"there is nothing to check in {listed}", help="rules files end in `.yaml` or `.yml`")
    output = report(findings, "json" if as_json else format_, checked=checked, colour=_colour())
    if output:
        click.echo(output)
    sys.exit(1 if is_refused(findings, strict=strict) else 0)


def is_refused(findings: Findings, *, strict: bool) -> bool:
    """Say whether findings count as a failure."""
    return findings.has_errors or (strict and findings.count(Severity.WARNING) > 0)


@contextmanager
def _collecting_rarely() -> Iterator[None]:
    """Look for garbage rarely: what is read is kept to the end, and going through it over and over takes a quarter."""
    often = gc.get_threshold()
    gc.set_threshold(500_000, 50, 50)
    atexit.register(gc.freeze)  # when Python ends, it would go through all of it once more
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()  # now all of it counts as old, and is not gone through at once
        gc.set_threshold(*often)


def _colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ

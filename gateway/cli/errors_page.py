"""Writes docs/errors.md: the registry of codes, with what the checks really say about each wrong example."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from gateway.cli.example_outside import needs_outside, outside_of
from gateway.config.codes import GROUPS, Code
from gateway.config.codes.example import example_environ, write_example
from gateway.config.diagnostics import Findings
from gateway.config.reporters import report
from gateway.connecting.comparison import compare_with_outside
from gateway.project import load_project

HEAD = """\
# Findings of `gateway validate`

Every finding has a stable code; `gateway explain CODE` prints its entry. Codes in the hundreds say where a
finding comes from: GW0 reading the file, GW1 its shape, GW2 names, GW3 expressions and types, GW4 secrets and the
environment, GW5 advice; those that end in the nineties are found with `--connect` alone. An error keeps the gateway
from starting, a warning does not (`--strict` makes it count), advice is only said.

This page is written from the registry of codes: change it there, then run `GATEWAY_WRITE=1 pytest tests/config`.
"""


_CONTROL = "\N{SYMBOL FOR SUBSTITUTE}"
"""Stands for a control character on the page."""


def page() -> str:
    """Return docs/errors.md."""
    return "\n".join([HEAD, *(line for title, codes in GROUPS.items() for line in _chapter(title, codes))]) + "\n"


def found_by(code: Code, text: str, directory: Path) -> Findings:
    """Run the checks on the wrong or the right example of a code, laid out in an empty directory."""
    findings = Findings()
    path, environ = write_example(code, text, directory), example_environ(code)
    if not needs_outside(code):
        load_project(path, findings, environ)
        return findings
    with outside_of(code, directory) as more:
        project = load_project(path, findings, {**environ, **more})
        if project is not None:
            compare_with_outside(project, findings)
    return findings


def _chapter(title: str, codes: tuple[Code, ...]) -> Iterator[str]:
    yield f"## {title}\n"
    for code in codes:
        yield f"### {code.code}: {code.title}\n"
        yield f"{code.why}\n"
        yield _fenced("yaml" if code.file.endswith(".yaml") else "sh", code.wrong)
        yield _fenced("text", _output(code))
        yield "Instead:\n"
        yield _fenced("yaml" if code.file.endswith(".yaml") else "sh", code.right)


def _output(code: Code) -> str:
    """Return what is said about the wrong example, findings of other codes left out."""
    with tempfile.TemporaryDirectory() as directory:
        findings = found_by(code, code.wrong, Path(directory))
        own = findings.select(lambda diagnostic: diagnostic.code == code.code)
        return report(own).rpartition("\n\n")[0].replace(f"{directory}/", "") + "\n"


def _fenced(language: str, text: str) -> str:
    visible = "".join(_CONTROL if character < " " and character not in "\t\n" else character for character in text)
    return f"```{language}\n{visible}```\n"

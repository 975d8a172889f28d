"""Findings as people and programs read them: full, concise, json, sarif, github."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping

from gateway.config.diagnostics import Diagnostic, Findings, Severity, Span
from gateway.records import dataclass

MASK = "***"
"""Stands where a secret would be shown."""
MAX_WIDTH = 110
"""Characters of a source line that are shown; of a longer one, those round the place."""

_BREAK = re.compile(r"\r\n|\r|\n")
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_PICTURES = {9: " ", **{code: "\N{SYMBOL FOR SUBSTITUTE}" for code in _CONTROLS if code != 9}}
"""What stands for a control character in a source line, where it must take up one column."""
_COLOURS = {Severity.ERROR: "1;31", Severity.WARNING: "1;33", Severity.ADVICE: "1;36"}
_GITHUB_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "notice"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was looked at."""

    files: int
    rules: int
    looked_at: tuple[str, ...] = ()
    """What was looked at outside the files, a line for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Paint:
    """Colours text, on a terminal."""

    on: bool

    def __call__(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.on else text


def report(findings: Findings, format: str = "full", *, checked: Checked | None = None, colour: bool = False) -> str:
    """Return all findings in one of FORMATS, without a line break at the end.

    Raises:
        KeyError: there is no such format.
    """
    return FORMATS[format](findings, checked or Checked(files=len(findings.sources), rules=0), colour)


def summary(findings: Findings, checked: Checked) -> str:
    """Return one line that says how it went."""
    counts = [
        _counted(findings.count(severity), name)
        for severity, name in ((Severity.ERROR, "error"), (Severity.WARNING, "warning"))
        if findings.count(severity)
    ]
    if advice := findings.count(Severity.ADVICE):
        counts.append(f"{advice} advice")
    if counts:
        files = len({diagnostic.path for diagnostic in findings.diagnostics})
        return f"{', '.join(counts)} in {_counted(files, 'file')}"
    rules = f", {_counted(checked.rules, 'rule')}" if checked.rules else ""
    return f"all good: {_counted(checked.files, 'file')}{rules}"


def first_line(diagnostic: Diagnostic, paint: _Paint) -> str:
    """Return `path:line:column: severity[code]: message`."""
    start = diagnostic.span.start
    level = paint(f"{diagnostic.severity}[{diagnostic.code}]", _COLOURS[diagnostic.severity])
    place = f"{diagnostic.path}:{start.line}:{start.column}"
    return f"{_printable(place)}: {level}: {_printable(diagnostic.message)}"


def _full(findings: Findings, checked: Checked, colour: bool) -> str:
    paint = _Paint(on=colour)
    blocks = ["\n".join(_block(diagnostic, findings, paint)) for diagnostic in findings.diagnostics]
    looked_at = [_printable(f"looked at {line}") for line in checked.looked_at]
    return "\n\n".join([*blocks, "\n".join([*looked_at, summary(findings, checked)])])


def _concise(findings: Findings, checked: Checked, colour: bool) -> str:
    return "\n".join(first_line(diagnostic, _Paint(on=colour)) for diagnostic in findings.diagnostics)


def _json(findings: Findings, checked: Checked, colour: bool) -> str:
    content = {
        "findings": [_as_data(diagnostic) for diagnostic in findings.diagnostics],
        "summary": {
            "errors": findings.count(Severity.ERROR),
            "warnings": findings.count(Severity.WARNING),
            "advice": findings.count(Severity.ADVICE),
            "files": checked.files,
            "rules": checked.rules,
        },
        **({"looked_at": list(checked.looked_at)} if checked.looked_at else {}),
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def _github(findings: Findings, checked: Checked, colour: bool) -> str:
    return "\n".join(_annotation(diagnostic) for diagnostic in findings.diagnostics)


def _sarif(findings: Findings, checked: Checked, colour: bool) -> str:
    from gateway.config.sarif import sarif

    return sarif(findings)


Formatter = Callable[[Findings, Checked, bool], str]
FORMATS: Mapping[str, Formatter] = {
    "full": _full,
    "concise": _concise,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
}
"""Formats by name; each takes the findings, what was checked, and whether to colour."""


def _block(diagnostic: Diagnostic, findings: Findings, paint: _Paint) -> Iterable[str]:
    yield first_line(diagnostic, paint)
    number = str(diagnostic.span.start.line)
    excerpt = _excerpt(diagnostic, findings)
    gutter = " " * (len(number) + 1)
    if excerpt is not None:
        line, carets = excerpt
        yield f" {number} {paint('|', '34')} {line}".rstrip()
        yield f" {gutter}{paint('|', '34')} {paint(carets, _COLOURS[diagnostic.severity])}"
    for note in diagnostic.notes:
        yield f" {gutter}= {paint('note', '1')}: {_printable(note)}"
    if diagnostic.help:
        yield f" {gutter}= {paint('help', '1')}: {_printable(diagnostic.help)}"


def _excerpt(diagnostic: Diagnostic, findings: Findings) -> tuple[str, str] | None:
    """Return the line a diagnostic is about, and a line of carets under the place."""
    text = findings.sources.get(diagnostic.path)
    if not text:
        return None
    start, end = diagnostic.span
    line = _BREAK.split(text)[start.line - 1]
    first = min(start.column - 1, len(line))
    last = min(end.column - 1, len(line)) if end.line == start.line else len(line)
    line, first, last = _masked(line, start.line, first, last, findings.masked.get(diagnostic.path, set()))
    line, first, last = _clipped(line.translate(_PICTURES), first, last)
    return line, " " * _width(line[:first]) + "^" * max(1, _width(line[first:last].rstrip()))


def _masked(line: str, number: int, first: int, last: int, masks: Iterable[Span]) -> tuple[str, int, int]:
    """Hide secrets in a line, and move the place accordingly."""
    for start, end in sorted(masks, reverse=True):
        if not start.line <= number <= end.line:
            continue
        begin = start.column - 1 if start.line == number else len(line) - len(line.lstrip())
        stop = min(end.column - 1, len(line)) if end.line == number else len(line)
        if begin >= stop:
            continue
        grown = len(MASK) - (stop - begin)
        line = line[:begin] + MASK + line[stop:]
        first = first + grown if first >= stop else min(first, begin)
        last = last + grown if last >= stop else min(last, begin + len(MASK))
    return line, first, last


def _clipped(line: str, first: int, last: int) -> tuple[str, int, int]:
    if len(line) <= MAX_WIDTH:
        return line, first, last
    begin = max(0, min(first - MAX_WIDTH // 3, len(line) - MAX_WIDTH))
    stop = begin + MAX_WIDTH
    head, tail = "…" if begin else "", "…" if stop < len(line) else ""
    shift = len(head) - begin
    return head + line[begin:stop] + tail, first + shift, min(last, stop) + shift


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def _as_data(diagnostic: Diagnostic) -> dict[str, object]:
    start, end = diagnostic.span
    return {
        "code": diagnostic.code,
        "severity": str(diagnostic.severity),
        "message": diagnostic.message,
        "path": diagnostic.path,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
        "notes": list(diagnostic.notes),
        "help": diagnostic.help,
    }


def _annotation(diagnostic: Diagnostic) -> str:
    """Return a workflow command (docs.github.com, "Workflow commands for GitHub Actions")."""
    start, end = diagnostic.span
    lines = [
        diagnostic.message,
        *diagnostic.notes,
        *([f"help: {diagnostic.help}"] if diagnostic.help else []),
    ]
    properties = {
        "file": diagnostic.path,
        "line": start.line,
        "endLine": end.line,
        "col": start.column,
        "endColumn": end.column,
        "title": diagnostic.code,
    }
    written = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{_GITHUB_LEVELS[diagnostic.severity]} {written}::{_escaped(chr(10).join(lines))}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _printable(text: str) -> str:
    return text.translate(_CONTROLS)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

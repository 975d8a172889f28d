"""What a run of cases has shown, for people, for programs, and as JUnit XML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from xml.etree import ElementTree as Xml

from gateway.config.diagnostics import Position, span_of
from gateway.testing.coverage import Coverage, Point
from gateway.testing.suite import CaseReport, SuiteReport
from gateway.testing.values import Failure

_GREEN, _RED, _DIM = "32", "31", "2"


class Paint:
    """Colours text, on a terminal."""

    def __init__(self, *, on: bool) -> None:
        self._on = on

    def __call__(self, text: str, colour: str) -> str:
        """Return a text in a colour (an SGR code)."""
        return f"\x1b[{colour}m{text}\x1b[0m" if self._on else text


def text_report(report: SuiteReport, *, coverage: bool, colour: bool, left_out: int = 0) -> str:
    """Return a report for people: each failed case with what it expected and its events' story; then a count.

    `left_out` tests files were not run, because of what is wrong in them.
    """
    paint = Paint(on=colour)
    blocks = ["\n".join(_case_lines(case, paint)) for case in report.cases if not case.passed]
    if coverage:
        blocks.append("\n".join(_coverage_lines(report.coverage)))
    return "\n\n".join([*blocks, _summary(report, paint, left_out)])


def _summary(report: SuiteReport, paint: Paint, left_out: int) -> str:
    seconds = sum(case.seconds for case in report.cases)
    counts = [f"{_counted(left_out, 'tests file')} not run"] if left_out else []
    counts += [f"{report.failed} failed"] if report.failed else []
    counts.append(f"{_counted(len(report.cases) - report.failed, 'case')} passed in {seconds:.2f} s")
    return paint(", ".join(counts), _GREEN if len(counts) == 1 else _RED)


def _case_lines(case: CaseReport, paint: Paint) -> Iterator[str]:
    yield paint(f"FAILED {case.file.document.path}: {case.case.name}", _RED)
    for failure in case.failures:
        yield f"  {_place(case, failure)}: {failure.what}"
        yield from (paint(line, _GREEN) for line in _marked("- expected ", failure.expected))
        yield from (paint(line, _RED) for line in _marked("+ got      ", failure.got))
    yield from (paint(f"  {line}", _DIM) for line in case.story if line)


def _marked(mark: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines() or [""]):
        yield f"    {mark if number == 0 else ' ' * len(mark)}{line}"


def _coverage_lines(coverage: Coverage) -> Iterator[str]:
    for path, points in groupby(coverage.points, key=lambda point: point.path):
        every = list(points)
        missed = [point for point in every if point in coverage.missed]
        yield f"{path}: {len(every) - len(missed)} of {len(every)} points reached"
        yield from (
            f"  {point.path}:{point.span.start.line}:{point.span.start.column}: {point.what}" for point in missed
        )
    yield f"coverage: {coverage.percent} %"


def json_report(report: SuiteReport, *, left_out: int = 0) -> str:
    """Return a report for programs; `left_out` tests files were not run."""
    content = {
        "cases": [_case_data(case) for case in report.cases],
        "summary": {"passed": len(report.cases) - report.failed, "failed": report.failed, "files_not_run": left_out},
        "coverage": {
            "points": len(report.coverage.points),
            "reached": report.coverage.reached,
            "percent": report.coverage.percent,
            "missed": [_point_data(point) for point in report.coverage.missed],
        },
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def _case_data(case: CaseReport) -> dict[str, object]:
    start = _start(case.case.place)
    return {
        "file": case.file.document.path,
        "line": start.line,
        "name": case.case.name,
        "passed": case.passed,
        "seconds": round(case.seconds, 6),
        "failures": [
            {
                "line": _start(failure.node).line,
                "column": _start(failure.node).column,
                "expectation": failure.what,
                "expected": failure.expected,
                "got": failure.got,
            }
            for failure in case.failures
        ],
        "story": list(case.story),
    }


def _point_data(point: Point) -> dict[str, object]:
    start = point.span.start
    return {"path": point.path, "line": start.line, "column": start.column, "what": point.what}


def junit_report(report: SuiteReport) -> str:
    """Return JUnit XML (the common subset of Jenkins and GitLab: testsuites, testsuite, testcase, failure)."""
    root = Xml.Element("testsuites", name="gateway test")
    for path, group in groupby(report.cases, key=lambda case: case.file.document.path):
        root.append(_suite_element(path, list(group)))
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _suite_element(path: str, cases: Sequence[CaseReport]) -> Xml.Element:
    suite = Xml.Element(
        "testsuite",
        name=path,
        tests=str(len(cases)),
        failures=str(sum(not case.passed for case in cases)),
        errors="0",
        skipped="0",
        time=f"{sum(case.seconds for case in cases):.6f}",
    )
    for case in cases:
        element = Xml.SubElement(
            suite,
            "testcase",
            classname=case.file.source_name,
            name=case.case.name,
            file=path,
            line=str(_start(case.case.place).line),
            time=f"{case.seconds:.6f}",
        )
        if not case.passed:
            first = case.failures[0]
            message = f"{first.what}: expected {first.expected}, got {first.got}"
            failure = Xml.SubElement(element, "failure", message=_printable(message), type="expectation")
            failure.text = _printable("\n".join(_case_lines(case, Paint(on=False))))
    return suite


def _printable(text: str) -> str:
    """Return a text without the characters that XML 1.0 cannot hold."""
    return "".join(
        c if c in "\t\n\r" or " " <= c < "\ud800" or "\ue000" <= c < "\ufffe" or c > "\uffff" else "\ufffd"
        for c in text
    )


def _place(case: CaseReport, failure: Failure) -> str:
    start = _start(failure.node)
    return f"{case.file.document.path}:{start.line}:{start.column}"


def _start(node: object) -> Position:
    return span_of(node).start  # type: ignore[arg-type]  # every node has a span


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

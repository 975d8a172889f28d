"""What looks wrong on one way through a file, kept until it is known to be wrong on every way.

The steps of a procedure are looked at once for each rule that runs them: what is wrong for one of these may be right
for another, and then it is no mistake of the file.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.config.diagnostics import DocumentFindings, Severity, Span
from gateway.config.nodes import Node
from gateway.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A finding, if it holds each time that its place is looked at."""

    code: str
    message: str
    span: Span
    help: str | None = None
    severity: Severity = Severity.ERROR
    note: str | tuple[str, ...] | None = None

    @property
    def cause(self) -> tuple[str, Span]:
        """Return what is one mistake, however it is worded."""
        return self.code, self.span


class Suspicions:
    """Counts for each place how often it was looked at, and how often something was wrong."""

    def __init__(self) -> None:
        """Begin with nothing looked at."""
        self._looks: dict[tuple[int, str], int] = {}
        self._found: dict[tuple[int, str], dict[tuple[str, Span], tuple[Suspicion, int]]] = {}
        self._nodes: list[Node] = []
        self._reported: set[tuple[str, Span]] = set()

    def look(self, node: Node, aspect: str, found: Iterable[Suspicion]) -> None:
        """Note one look at a node, and all that was wrong; `aspect` tells several kinds of looks at one node apart."""
        place = id(node), aspect
        looks = self._looks.get(place, 0)
        if not looks:
            self._nodes.append(node)  # so that no other comes to have its id
        self._looks[place] = looks + 1
        wrong = {one.cause: one for one in found} if found else {}
        for suspicion in wrong.values():
            before = self._found.setdefault(place, {})
            first, times = before.get(suspicion.cause, (suspicion, 0))
            before[suspicion.cause] = (first, times + 1)

    def is_new(self, code: str, span: Span) -> bool:
        """Say whether a code is reported at a place for the first time: what it says may differ each time."""
        new = (code, span) not in self._reported
        self._reported.add((code, span))
        return new

    def report(self, findings: DocumentFindings) -> None:
        """Report what was wrong each time."""
        for place, found in self._found.items():
            for suspicion, times in found.values():
                if times == self._looks[place]:
                    report_one(suspicion, findings)


def report_one(one: Suspicion, findings: DocumentFindings) -> None:
    """Report a suspicion that is known to hold."""
    report = {Severity.ERROR: findings.error, Severity.WARNING: findings.warning, Severity.ADVICE: findings.advice}
    report[one.severity](one.code, one.message, one.span, help=one.help, note=one.note)

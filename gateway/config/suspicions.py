"""What looks wrong on one way through a file, kept until it is known to be wrong on every way.

The steps of a procedure are looked at once for each rule that runs them: what is wrong for one of these may be right
for another, and then it is no mistake of the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.config.diagnostics import DocumentFindings, Severity, Span
from gateway.config.nodes import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A finding, if it holds each time that its place is looked at."""

    code: str
    message: str
    span: Span
    help: str | None = None
    severity: Severity = Severity.ERROR

    @property
    def cause(self) -> tuple[str, Span]:
        """Return what is one mistake, however it is worded."""
        return self.code, self.span


@dataclass(slots=True, kw_only=True)
class _Place:
    looks: int = 0
    found: dict[tuple[str, Span], tuple[Suspicion, int]] = field(default_factory=dict)


class Suspicions:
    """Counts for each place how often it was looked at, and how often something was wrong."""

    def __init__(self) -> None:
        """Begin with nothing looked at."""
        self._places: dict[tuple[int, str], _Place] = {}
        self._nodes: list[Node] = []
        self._reported: set[tuple[str, Span]] = set()

    def look(self, node: Node, aspect: str, found: Iterable[Suspicion]) -> None:
        """Note one look at a node, and all that was wrong; `aspect` tells several kinds of looks at one node apart."""
        place = self._places.setdefault((id(node), aspect), _Place())
        place.looks += 1
        self._nodes.append(node)  # so that no other comes to have its id
        for suspicion in {one.cause: one for one in found}.values():
            first, times = place.found.get(suspicion.cause, (suspicion, 0))
            place.found[suspicion.cause] = (first, times + 1)

    def is_new(self, code: str, span: Span) -> bool:
        """Say whether a code is reported at a place for the first time: what it says may differ each time."""
        new = (code, span) not in self._reported
        self._reported.add((code, span))
        return new

    def report(self, findings: DocumentFindings) -> None:
        """Report what was wrong each time."""
        for place in self._places.values():
            for suspicion, times in place.found.values():
                if times == place.looks:
                    _report(suspicion, findings)


def _report(one: Suspicion, findings: DocumentFindings) -> None:
    report = {Severity.ERROR: findings.error, Severity.WARNING: findings.warning, Severity.ADVICE: findings.advice}
    report[one.severity](one.code, one.message, one.span, help=one.help)

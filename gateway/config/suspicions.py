"""What looks wrong on one way through a file, kept until it is known to be wrong on every way.

The steps of a procedure are looked at once for each rule that runs them: what is wrong for one of these may be right
for another, and then it is no mistake of the file.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.config.diagnostics import DocumentFindings, Severity, Span
from gateway.config.nodes import Node
from gateway.records import dataclass

_Place = tuple[int, str]
_Cause = tuple[str, Span]


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
    def cause(self) -> _Cause:
        """Return what is one mistake, however it is worded."""
        return self.code, self.span


class Suspicions:
    """Keeps for each place what was wrong each time that it was looked at.

    A place where once nothing was wrong is in order, whatever is found there on other ways: it is not looked at again.
    """

    def __init__(self) -> None:
        """Begin with nothing looked at."""
        self._wrong: dict[_Place, dict[_Cause, Suspicion]] = {}
        self._in_order: set[_Place] = set()
        self._unless: dict[_Place, _Place] = {}
        self._nodes: list[Node] = []
        self._reported: set[tuple[str, Span]] = set()

    def look(self, node: Node, aspect: str, found: Iterable[Suspicion], *, unless: _Place | None = None) -> None:
        """Note one look at a node, and all that was wrong; `aspect` tells several kinds of looks at one node apart.

        It is the same mistake as what is wrong at the place `unless`, a node's identity and an aspect. What is found
        is only asked for where it may come to be reported.
        """
        place = id(node), aspect
        if place in self._in_order:
            return
        if unless is not None:
            self._unless[place] = unless
        wrong = {one.cause: one for one in found}
        before = self._wrong.get(place)
        if before is None:
            self._nodes.append(node)  # so that no other comes to have its id
        else:
            wrong = {cause: first for cause, first in before.items() if cause in wrong}
        if wrong:
            self._wrong[place] = wrong
        else:
            self._wrong.pop(place, None)
            self._in_order.add(place)

    def is_new(self, code: str, span: Span) -> bool:
        """Say whether a code is reported at a place for the first time: what it says may differ each time."""
        new = (code, span) not in self._reported
        self._reported.add((code, span))
        return new

    def report(self, findings: DocumentFindings) -> None:
        """Report what was wrong each time."""
        for place, found in self._wrong.items():
            if self._unless.get(place) in self._wrong:
                continue
            for suspicion in found.values():
                report_one(suspicion, findings)


def report_one(one: Suspicion, findings: DocumentFindings) -> None:
    """Report a suspicion that is known to hold."""
    report = {Severity.ERROR: findings.error, Severity.WARNING: findings.warning, Severity.ADVICE: findings.advice}
    report[one.severity](one.code, one.message, one.span, help=one.help, note=one.note)

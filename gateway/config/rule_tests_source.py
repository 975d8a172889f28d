"""What cases can name of the source whose rules they test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from gateway.config.diagnostics import DocumentFindings, did_you_mean
from gateway.config.document import Node
from gateway.config.rule_tests_effects_checks import Doing
from gateway.config.wording import listed
from gateway.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceUnderTest:
    """What cases of a source can name."""

    name: str
    rules: tuple[str, ...]
    settings: tuple[str, ...]
    answers: bool
    """Whether it answers with the outcome."""
    doings: tuple[Doing, ...]
    """The calls, messages and scheduled events of its rules."""
    procedures: tuple[str, ...]
    needs: Callable[[str], tuple[str, ...]]
    """Returns the names that a procedure must be given."""
    checks: Mapping[str, bool]
    """Its rules' checks, and whether each has a repair."""


def report_unknown(
    code: str, message: str, node: Node, name: str, known: Iterable[str], findings: DocumentFindings
) -> None:
    """Report a name that is not known, with the near spelling of one that is."""
    known = sorted(set(known))
    near = did_you_mean(name, known)
    instead = f"known: {listed(known)}" if known else None
    findings.error(code, message, node, help=f"did you mean `{near}`?" if near else instead)

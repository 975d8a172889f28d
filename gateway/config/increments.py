"""Numbers that are added to a row with nothing that remembers what was added."""

from __future__ import annotations

from gateway.config.diagnostics import DocumentFindings
from gateway.config.rule_steps import is_provided, steps_of
from gateway.config.rules import RulesFile


def check_increments(file: RulesFile, findings: DocumentFindings) -> None:
    """Advise of increments that a second event about the same thing would make once more."""
    said: set[int] = set()
    for rule in filter(is_provided, file.rules):
        for passed in steps_of(rule, file):
            step = passed.step
            added = step.arguments.increment.entries if step.action.name == "update" else ()
            if not added or passed.guarded or id(step) in said:
                continue
            said.add(id(step))
            findings.advice(
                "GW514",
                f"a second event about the same thing adds to `{added[0][0].text}` once more",
                step.node.key("increment") or step.node,
                help="before it, `insert` a row that is named by what was added, with `on_conflict: {finish: …}`",
            )

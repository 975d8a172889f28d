"""Columns that several rules write from events that may come in any order, with nothing that keeps the newer state."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.diagnostics import DocumentFindings
from gateway.config.nodes import Scalar
from gateway.config.rule_steps import Passed, is_direct, is_provided, steps_of
from gateway.config.rules import RulesFile
from gateway.config.values import Value
from gateway.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class _Write:
    passed: Passed
    key: Scalar
    value: Value
    blind: bool
    """Whether it is made whatever is stored, and whatever the event's time."""

    @property
    def column(self) -> tuple[str, str]:
        return self.passed.step.arguments.table, self.key.text


def check_unordered_writes(file: RulesFile, findings: DocumentFindings) -> None:
    """Advise of writes without `as_of` to a column that another rule writes too."""
    writes = [
        write for rule in file.rules if is_provided(rule) for passed in steps_of(rule, file) for write in _of(passed)
    ]
    said: set[int] = set()
    for write in writes:
        other = next((one for one in writes if _collides(write, one)), None) if write.blind else None
        if other is None or id(write.passed.step) in said:
            continue
        said.add(id(write.passed.step))
        table, column = write.column
        findings.advice(
            "GW511",
            f"`{table}.{column}` is also written by rule `{other.passed.rule.name}`, and events come in any order",
            write.key,
            help="`as_of: COLUMN` keeps an older event from overwriting a newer state",
        )


def _of(passed: Passed) -> Iterator[_Write]:
    step = passed.step
    if step.action.name not in {"update", "upsert"}:
        return
    for key, value in step.arguments.set.entries:
        direct = is_direct(value, passed.rows)
        yield _Write(
            passed=passed,
            key=key,
            value=value,
            blind=direct and not passed.guarded and step.arguments.as_of is None and _names_row(passed),
        )


def _names_row(passed: Passed) -> bool:
    """Say whether the rows that a step writes are named by the event, and may be those of another event too."""
    arguments = passed.step.arguments
    if passed.step.action.name == "upsert":
        naming = [value for _, value in arguments.key.entries]
    else:
        naming = [test.value for test in arguments.where.tests if test.value is not None] if arguments.where else []
    own = any(reference.path[:2] == ("event", "id") for value in naming for p in value.parts for reference in p.names)
    return not own and all(is_direct(value, passed.rows) for value in naming)


def _collides(write: _Write, other: _Write) -> bool:
    """Say whether another rule puts another value into the same column, for events of other types."""
    if other.column != write.column or other.passed.rule is write.passed.rule:
        return False
    if set(other.passed.rule.on) & set(write.passed.rule.on):
        return False
    same = write.value.literal and other.value.literal and write.value.constant == other.value.constant
    return not same and is_direct(other.value, other.passed.rows)

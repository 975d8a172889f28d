"""An expected value against the value that there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node
from gateway.config.document import Sequence as SequenceNode
from gateway.config.rule_tests_values import test_of
from gateway.expressions import EvaluationError, compile_pattern, to_json, to_text
from gateway.expressions.comparison import same


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One expectation that does not hold."""

    node: Node
    """Its place in the tests file."""
    what: str
    """What was compared, such as `tables.tenants[tenant-1].status`."""
    expected: str
    got: str


class _Missing:
    """Stands for the value of a name that is not there."""


MISSING = _Missing()


def differences(node: Node, got: object, what: str, *, exactly: bool = False) -> Iterator[Failure]:
    """Yield where a value is not what is expected.

    Of a mapping only the keys that are named count, unless `exactly`; null stands for what is not there, too.
    """
    test = test_of(node)
    if test is not None:
        if not holds(test, got):
            yield _failure(node, got, what)
    elif isinstance(node, MappingNode) and isinstance(got, dict):
        for key, item in node.entries:
            yield from differences(item, got.get(key.text, MISSING), f"{what}.{key.text}", exactly=exactly)
        for name in got if exactly else ():
            if node.get(name) is None:
                yield Failure(node=node, what=f"{what}.{name}", expected=_NO_KEY, got=written(got[name]))
    elif isinstance(node, SequenceNode) and isinstance(got, list) and len(got) == len(node.items):
        for number, (item, value) in enumerate(zip(node.items, got, strict=True)):
            yield from differences(item, value, f"{what}[{number}]", exactly=exactly)
    elif not alike(node.plain(), None if got is MISSING and not exactly else got):
        yield _failure(node, got, what)


def fits(node: Node, got: object) -> bool:
    """Say whether a value is what is expected."""
    return next(differences(node, got, ""), None) is None


def holds(test: tuple[str, Node], got: object) -> bool:
    """Say whether a test holds of a value."""
    name, operand = test
    value = None if got is MISSING else got
    match name:
        case "is":
            return (value is None) == (operand.plain() is None)
        case "exactly":
            return got is not MISSING and alike(operand.plain(), value)
        case "contains" if isinstance(value, list):
            return any(fits(operand, item) for item in value)
        case _ if value is None or isinstance(value, dict | list):
            return False
        case "contains":
            return to_text(operand.plain()) in to_text(value)
        case _:
            # In a group of its own the pattern's first group is all that it matches.
            return compile_pattern(f"({operand.plain()})").capture(to_text(value)) is not None


def alike(wanted: object, got: object) -> bool:
    """Say whether two values are the same, those of different kinds being unequal."""
    if got is MISSING:
        return False
    try:
        return same(wanted, got)
    except EvaluationError:
        return False


_NO_KEY = "(no such key)"


def _failure(node: Node, got: object, what: str) -> Failure:
    return Failure(
        node=node, what=what, expected=written(node.plain()), got=_NO_KEY if got is MISSING else written(got)
    )


def written(value: object) -> str:
    """Return a value as a report shows it: text plainly, unless it would be taken for another kind of value."""
    if isinstance(value, str) and not _looks_otherwise(value):
        return value
    return to_text(value) if isinstance(value, date) else to_json(value)


def _looks_otherwise(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return not text
    return True

"""Values that a tests file expects: as they stand, or as a test such as `{contains: …}`."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.diagnostics import DocumentFindings
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node, Scalar
from gateway.config.document import Sequence as SequenceNode
from gateway.expressions import ExpressionError, compile_pattern

TESTS = ("is", "contains", "matches", "exactly")
"""Keys that make a test of a mapping that has no other key."""


def test_of(node: Node) -> tuple[str, Node] | None:
    """Return the test that an expected value is, with what it compares to; None for a value as it stands."""
    if not isinstance(node, MappingNode) or len(node.entries) != 1:
        return None
    key, item = node.entries[0]
    return (key.text, item) if key.text in TESTS else None


def check_value(node: Node, findings: DocumentFindings) -> None:
    """Report tests inside an expected value that could never hold."""
    test = test_of(node)
    if test is None:
        for inner in _inside(node):
            check_value(inner, findings)
        return
    name, operand = test
    match name:
        case "is" if operand.plain() not in ("present", None):
            findings.error(
                "GW104",
                "`is` takes `present` or null",
                operand,
                help="a value that is such a mapping itself stands under `exactly`",
            )
        case "matches":
            _check_pattern(operand, findings)
        case "contains":
            check_value(operand, findings)


def _check_pattern(node: Node, findings: DocumentFindings) -> None:
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        findings.error("GW103", "`matches`: expected a pattern (RE2)", node)
        return
    try:
        compile_pattern(node.value)
    except ExpressionError as error:
        findings.error("GW304", error.message, node.span_of(error.start, error.end), help=error.help)


def _inside(node: Node) -> Iterator[Node]:
    if isinstance(node, SequenceNode):
        yield from node.items
    elif isinstance(node, MappingNode):
        yield from (item for _, item in node.entries)

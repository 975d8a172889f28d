"""Values of steps as they are written: keys with nothing behind them, brackets that close nothing."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.diagnostics import DocumentFindings
from gateway.config.nodes import Mapping, Node, Scalar, Sequence
from gateway.config.rules import RulesFile

_OF_VALUES = frozenset(
    ("set", "values", "key", "on_insert", "where", "increment", "with", "json", "data", "params", "fields")
)
"""Keys of steps below which anything may stand, null too."""


def check_empty_values(file: RulesFile, findings: DocumentFindings) -> None:
    """Warn of keys in the values of steps that have no value, and of a `missing` that says nothing."""
    if file.document.root is None:
        return
    for key in _empty(file.document.root, inside=False):
        words = key.text.split(maxsplit=1)
        lacks_colon = len(words) == 2
        findings.warning(
            "GW109",
            f"nothing stands behind `{key.text}`, which makes it null",
            key,
            help=f"write `{words[0]}: {words[1]}`" if lacks_colon else f"write its value, or `{key.text}: null`",
        )


def check_stray_brackets(file: RulesFile, findings: DocumentFindings) -> None:
    """Report texts without quotes that end with a bracket which nothing opens: the opening one was left out."""
    for scalar in _scalars(file.document.root):
        text = scalar.text if isinstance(scalar.value, str) and scalar.style == "" else ""
        for opening, closing in ("{}", "[]"):
            if text.endswith(closing) and text.count(closing) > text.count(opening):
                place = scalar.span_of(len(text) - 1, len(text))
                help = f"write the `{opening}` before it, or put the whole value in quotes"
                findings.error("GW005", f"this `{closing}` closes nothing", place, help=help)


def _scalars(node: Node | None) -> Iterator[Scalar]:
    match node:
        case Scalar():
            yield node
        case Sequence(items=items):
            for item in items:
                yield from _scalars(item)
        case Mapping(entries=entries):
            for _, item in entries:
                yield from _scalars(item)


def _empty(node: Node, *, inside: bool) -> Iterator[Scalar]:
    if isinstance(node, Sequence):
        for item in node.items:
            yield from _empty(item, inside=inside)
    elif isinstance(node, Mapping):
        for key, item in node.entries:
            is_value = inside or key.text == "missing"
            if is_value and isinstance(item, Scalar) and item.value is None and not item.raw.strip():
                yield key
            yield from _empty(item, inside=inside or key.text in _OF_VALUES)

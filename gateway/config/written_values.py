"""Values of steps as they are written: keys with nothing behind them, brackets that close nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.config.diagnostics import DocumentFindings, Position, Span
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


_CUT = re.compile(r"\s+(#(?:[$\d{]|\s*$))")


def check_cut_texts(file: RulesFile, findings: DocumentFindings) -> None:
    """Warn of texts that end where a ` #` begins a comment that was meant as a part of them."""
    if " #" not in file.document.text:
        return
    lines = file.document.text.split("\n")
    for scalar in _scalars(file.document.root):
        at = scalar.span.end
        line = lines[at.line - 1] if scalar.style == "" and isinstance(scalar.value, str | None) else ""
        cut = _CUT.match(line, at.column - 1)
        if cut is not None and line[at.column - 1 :].strip() != "#":
            place = Position(line=at.line, column=cut.start(1) + 1)
            end = Position(line=at.line, column=len(line.rstrip()) + 1)
            message = "what stands behind ` #` is a comment, and left out"
            findings.warning("GW006", message, Span(start=place, end=end), help="put the whole text in quotes")


def check_stray_quotes(file: RulesFile, findings: DocumentFindings) -> None:
    """Warn of keys and texts without quotes that end with a quote: the one before them was left out."""
    if file.document.root is None:
        return
    for scalar, is_key in _named(file.document.root):
        text = scalar.text if isinstance(scalar.value, str) and scalar.style == "" else ""
        if not text.endswith(('"', "'")) or text.count(text[-1]) % 2 == 0:
            continue
        if text[-1] == "'" and " " in text:
            continue  # an apostrophe
        if not is_key and text[-2:-1].isdigit():
            continue  # inches
        place = scalar.span_of(len(text) - 1, len(text))
        help = f"write the `{text[-1]}` before it too, or put the whole in quotes of the other kind"
        findings.warning("GW005", f"this `{text[-1]}` is part of the text: nothing opens it", place, help=help)


_NULLS = frozenset(("None", "nil", "undefined"))


def check_foreign_nulls(file: RulesFile, findings: DocumentFindings) -> None:
    """Warn of texts that are null in other languages."""
    for scalar in _scalars(file.document.root):
        if scalar.style == "" and scalar.value in _NULLS:
            message = f"`{scalar.text}` is a text here, and null in other languages"
            findings.warning("GW509", message, scalar, help=f"write `null`, or `'{scalar.text}'` for the text")


def _named(node: Node) -> Iterator[tuple[Scalar, bool]]:
    """Yield every scalar, and whether it is a key."""
    match node:
        case Scalar():
            yield node, False
        case Sequence(items=items):
            for item in items:
                yield from _named(item)
        case Mapping(entries=entries):
            for key, item in entries:
                yield key, True
                yield from _named(item)


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

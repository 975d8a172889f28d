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


def check_plain_texts(file: RulesFile, findings: DocumentFindings) -> None:
    """Report texts without quotes that are not what they look like: cut short, half quoted, null elsewhere."""
    lines = file.document.text.split("\n") if _CUT.search(file.document.text) else None
    for scalar, is_key in _plain(file.document.root):
        if lines is not None and not is_key:
            _check_cut(scalar, lines, findings)
        if not isinstance(scalar.value, str):
            continue
        last = scalar.value[-1:]
        if last in _BRACKETS and not is_key:
            _check_bracket(scalar, last, findings)
        elif last in _QUOTES:
            _check_quote(scalar, last, findings, is_key=is_key)
        elif scalar.value in _NULLS and not is_key:
            message = f"`{scalar.text}` is a text here, and null in other languages"
            findings.warning("GW509", message, scalar, help=f"write `null`, or `'{scalar.text}'` for the text")


_BRACKETS = {"}": "{", "]": "["}
_QUOTES = frozenset("\"'")
_NULLS = frozenset(("None", "nil", "undefined"))
_CUT = re.compile(r"[ \t]+(#[$\d{])")


def _check_bracket(scalar: Scalar, closing: str, findings: DocumentFindings) -> None:
    """Report a bracket at the end that nothing opens: the opening one was left out."""
    text, opening = scalar.text, _BRACKETS[closing]
    if text.count(closing) > text.count(opening):
        place = scalar.span_of(len(text) - 1, len(text))
        help = f"write the `{opening}` before it, or put the whole value in quotes"
        findings.error("GW005", f"this `{closing}` closes nothing", place, help=help)


def _check_quote(scalar: Scalar, quote: str, findings: DocumentFindings, *, is_key: bool) -> None:
    """Warn of a quote at the end that nothing opens; what may be an apostrophe or stand for inches is passed over."""
    text = scalar.text
    apostrophe = quote == "'" and " " in text
    if text.count(quote) % 2 == 0 or apostrophe or (not is_key and text[-2:-1].isdigit()):
        return
    place = scalar.span_of(len(text) - 1, len(text))
    help = f"write the `{quote}` before it too, or put the whole in quotes of the other kind"
    findings.warning("GW005", f"this `{quote}` is part of the text: nothing opens it", place, help=help)


def _check_cut(scalar: Scalar, lines: list[str], findings: DocumentFindings) -> None:
    """Warn of a text that ends where a ` #` begins a comment that was meant as a part of it."""
    at = scalar.span.end
    line = lines[at.line - 1] if isinstance(scalar.value, str | None) else ""
    cut = _CUT.match(line, at.column - 1)
    if cut is not None:
        place = Position(line=at.line, column=cut.start(1) + 1)
        end = Position(line=at.line, column=len(line.rstrip()) + 1)
        message = "what stands behind ` #` is a comment, and left out"
        findings.warning("GW006", message, Span(start=place, end=end), help="put the whole text in quotes")


def _plain(root: Node | None) -> Iterator[tuple[Scalar, bool]]:
    """Yield every scalar without quotes, and whether it is a key."""
    left: list[tuple[Node, bool]] = [] if root is None else [(root, False)]
    while left:
        node, is_key = left.pop()
        if isinstance(node, Scalar):
            if not node.style:
                yield node, is_key
        elif isinstance(node, Sequence):
            left += [(item, False) for item in node.items]
        else:
            for key, item in node.entries:
                left += ((key, True), (item, False))


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

"""Texts that are names in scope: taken as they stand, where `$` before them was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gateway.config.diagnostics import Severity
from gateway.config.nodes import Mapping as MappingNode
from gateway.config.nodes import Node, Scalar
from gateway.config.nodes import Sequence as SequenceNode
from gateway.config.scope_types import Bound
from gateway.config.suspicions import Suspicion
from gateway.config.tables import Column
from gateway.config.values import Located, Value
from gateway.expressions import Template


def forgotten_dollars(value: Value, names: Mapping[str, Bound]) -> Iterator[Suspicion]:
    """Yield the texts of a value that hold a field of what is in scope, or are a name in scope.

    A name of one word is one where it stands under a key of that name.
    """
    yield from _in_node(value.node, {id(part.node): part for part in value.parts}, names, "")


def _in_node(node: Node, parts: Mapping[int, Located], names: Mapping[str, Bound], key: str) -> Iterator[Suspicion]:
    match node:
        case MappingNode(entries=entries):
            for own, item in entries:
                yield from _in_node(item, parts, names, own.text)
        case SequenceNode(items=items):
            for item in items:
                yield from _in_node(item, parts, names, key)
        case Scalar(value=str(text)):
            written = _written(text, parts.get(id(node)))
            is_name = text in names and (text == key or ("_" in text and not node.style))
            found = text if is_name else _forgotten(written, names)
            if found is not None:
                yield _suspicion(node, found)


def _forgotten(text: str, names: Mapping[str, Bound]) -> str | None:
    """Return what stands in a text and was probably to be worked out: `{ expression }` or `row.column`."""
    for braces in _BRACES.finditer(text) if "{" in text else ():
        if text[: braces.start()].endswith("$"):
            continue  # an expression that cannot be read, which has been reported
        if any(word in names for word in _WORD.findall(braces[0])):
            return braces[0]
    for path in _DOTTED.finditer(text) if "." in text else ():
        first, second = path[0].split(".")[:2]
        if any(_has(names, first[at:], second) for at in _beginnings(first)):
            return path[0]
    return None


def _written(text: str, part: Located | None) -> str:
    """Return what is taken as it is written of a text: all but its placeholders."""
    if part is None or not isinstance(part.compiled, Template):
        return text
    return " ".join(piece for piece in part.compiled.parts if isinstance(piece, str))


_BRACES = re.compile(r"\{[^{}]*\}")
_DOTTED = re.compile(r"\b[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_WORD = re.compile(r"[A-Za-z_]\w*")


def _beginnings(word: str) -> list[int]:
    """Return where a name may begin in a word: at its start, and behind each `_`."""
    return [0, *(at + 1 for at, letter in enumerate(word) if letter == "_")]


def _has(names: Mapping[str, Bound], name: str, field: str) -> bool:
    fields = names[name].type.fields if name in names else None
    return fields is not None and field in fields


def forgotten_in_column(column: Column, node: Node, names: Mapping[str, Bound]) -> Iterator[Suspicion]:
    """Yield a text for a column of texts that is a name in scope of something that the column could hold."""
    text = node.value if isinstance(node, Scalar) else None
    if (
        not isinstance(node, Scalar)
        or not isinstance(text, str)
        or column.values
        or column.type != "text"
        or text not in names
    ):
        return
    kinds = names[text].type.certain
    if not kinds or "text" in kinds:
        yield _suspicion(node, text)


def _suspicion(node: Scalar, text: str) -> Suspicion:
    at = node.text.find(text)
    return Suspicion(
        code="GW509",
        message=f"`{text}` is taken as it is written, and could be worked out",
        span=node.span_of(at, at + len(text)),
        help=f"write `${text}` for what is called so",
        severity=Severity.WARNING,
    )

"""A name misspelt where it is declared: one finding there, not one at each place that uses it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingType
from dataclasses import replace

from gateway.config.diagnostics import Diagnostic, Findings, Span
from gateway.config.document import Document, Node, Scalar
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Sequence as SequenceNode

_NAMES = frozenset(("GW201", "GW202", "GW203", "GW204", "GW205", "GW212"))
_MEANT = re.compile(r"did you mean `([^`]+)`\?")
_QUOTED = re.compile(r"`([^`]+)`")
_DECLARING = ("as", "name", "schedule")
"""Keys whose value is a name that is declared there."""


def gather_at_definitions(documents: Iterable[Document], findings: Findings) -> None:
    """Put one finding at a declared name that nobody uses, for all that use a name which it is nearly.

    Where one place alone uses the other name, the finding stays there, and names the line of the declaration.
    """
    read = [document for document in documents if document.root is not None]
    for meant, found in _by_remedy(findings.diagnostics).items():
        places = list(_declared(meant, read))
        if len(places) != 1 or _times(meant, read) != 1:
            continue
        path, span = places[0]
        # One mistake in the file of its declaration, such as a misspelt use, is that use's own.
        if len(found) == 1:
            note = f"`{meant}` is declared in {path}:{span.start.line}, and used nowhere else"
            findings.replace(found, replace(found[0], notes=(*found[0].notes, note)))
        else:
            findings.replace(found, _at_declaration(meant, path, span, found))


def _by_remedy(diagnostics: Iterable[Diagnostic]) -> MappingType[str, list[Diagnostic]]:
    """Return the findings about names by the name that was probably meant, where that is one and the same mistake."""
    found: dict[tuple[str, str], list[Diagnostic]] = {}
    for one in diagnostics:
        meant = _MEANT.fullmatch(one.help or "")
        if one.code in _NAMES and meant is not None:
            found.setdefault((meant[1], _used(one)), []).append(one)
    single = {meant for meant, _ in found if sum(other == meant for other, _ in found) == 1}
    return {meant: ones for (meant, _), ones in found.items() if meant in single}


def _used(one: Diagnostic) -> str:
    """Return the name that a finding is about: the last one in its message that is no table."""
    names: list[str] = _QUOTED.findall(one.message)
    return names[0] if one.code in {"GW201", "GW204"} or "nothing is called" in one.message else names[-1]


def _at_declaration(meant: str, path: str, span: Span, found: list[Diagnostic]) -> Diagnostic:
    used = _used(found[0])
    lines = ", ".join(dict.fromkeys(str(one.span.start.line) for one in found[:6]))
    where = f"line {lines}" if len(found) == 1 else f"lines {lines}{' and more' if len(found) > 6 else ''}"
    return replace(
        found[0],
        severity=max(found, key=lambda one: one.severity == "error").severity,
        message=f"nothing uses `{meant}`, and `{used}`, which is used {len(found)} times, is declared nowhere",
        path=path,
        span=span,
        notes=(f"`{used}` stands in {where} of {found[0].path}",),
        help=f"did you mean `{used}`?",
    )


def _times(word: str, documents: Iterable[Document]) -> int:
    """Say how often a word stands in the files, comments left out."""
    pattern = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
    return sum(len(pattern.findall(line.partition(" #")[0])) for one in documents for line in one.text.split("\n"))


def _declared(word: str, documents: Iterable[Document]) -> Iterator[tuple[str, Span]]:
    for document in documents:
        if document.root is not None and word in document.text:
            for span in _places(word, document.root):
                yield document.path, span


def _places(word: str, node: Node) -> Iterator[Span]:
    """Yield the keys that are the word, and the names that steps bind."""
    if isinstance(node, SequenceNode):
        for item in node.items:
            yield from _places(word, item)
    elif isinstance(node, MappingNode):
        for key, item in node.entries:
            if key.text == word:
                yield key.span
            elif key.text in _DECLARING and isinstance(item, Scalar) and item.text == word:
                yield item.span
            yield from _places(word, item)

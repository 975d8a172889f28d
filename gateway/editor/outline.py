"""Reads YAML that is still being written: whatever the text, there is a tree of nodes with their places.

A well-formed file gives the tree that `gateway.config.composer` gives (tests hold it). In any other, a quote that is
not closed ends with its line, a bracket where a line is indented no more than the one it was opened in, and a line
without a colon is a key that has no value yet.
"""

from __future__ import annotations

import re

from gateway.config.nodes import Mapping, Node, Scalar, Sequence
from gateway.editor.scanning import BREAK, Scanner, block_text, folded, meaning, unquoted

MAX_DEPTH = 64
"""Nodes may be nested this deep; what is deeper is text."""

_QUOTED = r'"(?:\\.|[^"\\\n])*"|' + r"'(?:''|[^'\n])*'"
_KEY = re.compile(rf"({_QUOTED}|(?![\"'\[\]{{}},#&*!|>%@`]|[-?:](?:\s|$))(?:(?!\s#)[^\n])*?)[ \t]*:(?=[ \t\r\n]|$)")
_ITEM = re.compile(r"-(?=[ \t\r\n]|$)")
_PROPERTIES = re.compile(r"(?:[&!]([^ \t\r\n,\[\]{}]*)[ \t]*)+(?=[^ \t])")
_BLOCK = re.compile(r"[|>][-+0-9]*[ \t]*(?:#[^\n]*)?\r?(?:\n|$)")
_PLAIN = re.compile(r"(?:(?![ \t]#|:(?=[ \t\r\n]|$))[^\r\n])*")
_PLAIN_IN_FLOW = re.compile(r"(?:(?![ \t]#|:(?=[ \t\r\n,\[\]{}]|$))[^\r\n,\[\]{}])*")
_DOUBLE = re.compile(r'"(?:\\.|[^"\\])*"', re.DOTALL)
_SINGLE = re.compile(r"'(?:''|[^'])*'")
_LINE = re.compile(r"[^\r\n]*")


def outline(text: str) -> Node:
    """Return the tree of a text, however little of it is written yet."""
    return _Reader(text).document()


class _Reader(Scanner):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.anchors: dict[str, Node] = {}
        self.depth = 0

    def document(self) -> Node:
        at = self.next(0)
        if self._ends_document(at):
            at = self.next(at + 3)
        node, _ = self._block(at, 0)
        return node

    # blocks

    def _block(self, at: int, least: int) -> tuple[Node, int]:
        """Read the block node that begins at an offset; it and what follows of it is indented `least` or more."""
        if at >= len(self.text) or self.column(at) < least or self._ends_document(at):
            return self._empty(at), at
        self.depth += 1
        try:
            if self.depth <= MAX_DEPTH and _ITEM.match(self.text, at):
                return self._sequence(at)
            if self.depth <= MAX_DEPTH and self._key_at(at):
                return self._mapping(at)
            return self._value(at, least - 1)
        finally:
            self.depth -= 1

    def _ends_document(self, at: int) -> bool:
        return (
            self.text.startswith(("---", "..."), at) and self.column(at) == 0 and not self.text[at + 3 : at + 4].strip()
        )

    def _sequence(self, at: int) -> tuple[Node, int]:
        start, indent, items, end = at, self.column(at), list[Node](), at
        while at < len(self.text) and self.column(at) == indent and _ITEM.match(self.text, at):
            inner = self.behind_space(at + 1)
            if self.ends_line(inner):
                below = self.next(inner)
                nested = below < len(self.text) and self.column(below) > indent
                node, end = self._block(below, indent + 1) if nested else (self._empty(at + 1), at + 1)
            else:
                node, end = self._block(inner, indent + 1)
            items.append(node)
            at = self.next(end)
        return Sequence(items=tuple(items), span=self.span(start, end)), end

    def _key_at(self, at: int) -> re.Match[str] | None:
        return _KEY.match(self.text, at)

    def _mapping(self, at: int) -> tuple[Node, int]:
        start, indent, entries, end = at, self.column(at), dict[str, tuple[Scalar, Node]](), at
        while at < len(self.text) and self.column(at) >= indent and not self._ends_document(at):
            if self.column(at) == indent and _ITEM.match(self.text, at):
                break
            key, node, end = self._entry(at, indent)
            entries.setdefault(key.text, (key, node))
            at = self.next(end)
        return Mapping(entries=tuple(entries.values()), span=self.span(start, end)), end

    def _entry(self, at: int, indent: int) -> tuple[Scalar, Node, int]:
        found = self._key_at(at)
        if found is None:  # a key that is being written
            rest = _LINE.match(self.text, at)
            assert rest is not None
            return self._key(at, at + len(rest[0].rstrip())), self._empty(rest.end()), rest.end()
        key = self._key(at, found.end(1))
        inner = self.behind_space(found.end())
        if not self.ends_line(inner):
            return key, *self._value(inner, indent)
        below = self.next(inner)
        least = indent if _ITEM.match(self.text, below) else indent + 1
        if below < len(self.text) and self.column(below) >= least:
            return key, *self._block(below, least)
        return key, self._empty(found.end()), found.end()

    def _key(self, start: int, end: int) -> Scalar:
        raw = self.text[start:end]
        style = raw[0] if raw[:1] in ("'", '"') else ""
        text = unquoted(raw) if style else raw
        return Scalar(value=text, raw=raw, text=text, style=style, span=self.span(start, end))

    def _empty(self, at: int) -> Scalar:
        return Scalar(value=None, raw="", text="", style="", span=self.span(at, at))

    # values

    def _value(self, at: int, indent: int) -> tuple[Node, int]:
        """Read what stands behind a key or a dash; what is indented more than `indent` may go on with it."""
        properties = _PROPERTIES.match(self.text, at)
        if properties is None:
            return self._plain_or_other(at, indent)
        if self.ends_line(properties.end()):
            node, end = self._block(self.next(properties.end()), indent + 1)
        else:
            node, end = self._plain_or_other(properties.end(), indent)
        anchor = self.text[at + 1 : properties.end()].split() if self.text[at] == "&" else []
        if anchor:  # who has typed `&` alone is about to name it
            self.anchors[anchor[0]] = node
        return node, end

    def _plain_or_other(self, at: int, indent: int) -> tuple[Node, int]:
        first = self.text[at]
        if first in "[{" and self.depth < MAX_DEPTH:
            return self._flow(at, indent)
        if first in "\"'":
            return self._quoted(at)
        if _BLOCK.match(self.text, at):
            return self._block_scalar(at, indent)
        node, end = self._plain(at, indent, _PLAIN)
        return self.anchors.get(node.text[1:], node) if first == "*" else node, end

    def _plain(self, at: int, indent: int, pattern: re.Pattern[str]) -> tuple[Scalar, int]:
        start, end, lines = at, at, list[str]()
        while at >= 0:
            lines.extend([""] * (self.line(at) - self.line(end) - 1))
            found = pattern.match(self.text, at)
            assert found is not None
            lines.append(found[0].strip())
            end = at + len(found[0].rstrip())
            at = self._goes_on(found.end(), indent, pattern)
        text = folded(lines)
        raw = self.text[start:end]
        return Scalar(value=meaning(text), raw=raw, text=text, style="", span=self.span(start, end)), end

    def _goes_on(self, at: int, indent: int, pattern: re.Pattern[str]) -> int:
        """Return where a plain scalar goes on, below the line that ends at an offset; -1 where it does not."""
        if not self.ends_line(at):
            return -1
        below = at + len(self.text[at:]) - len(self.text[at:].lstrip())
        if below >= len(self.text) or self.column(below) <= indent or self.text[below] == "#":
            return -1
        if pattern is _PLAIN_IN_FLOW:
            return -1 if self.text[below] in ",[]{}:" else below
        return -1 if self._key_at(below) or _ITEM.match(self.text, below) or self._ends_document(below) else below

    def _quoted(self, at: int) -> tuple[Scalar, int]:
        whole = _DOUBLE if self.text[at] == '"' else _SINGLE
        found = whole.match(self.text, at)
        if found is None or self._runs_away(at, found.end()):
            found = _LINE.match(self.text, at)
        assert found is not None
        raw = found[0]
        text = unquoted(raw)
        return Scalar(value=text, raw=raw, text=text, style=raw[0], span=self.span(at, found.end())), found.end()

    def _runs_away(self, start: int, end: int) -> bool:
        """Say whether a quote over several lines is one that was not closed: it ends where another one begins."""
        if self.line(start) == self.line(end):
            return False
        return not re.match(r"[ \t]*(?:[,\]}:#\r\n]|$)", self.text[end:])

    def _block_scalar(self, at: int, indent: int) -> tuple[Scalar, int]:
        header = _LINE.match(self.text, at)
        assert header is not None
        end = following = header.end()
        while following < len(self.text):
            broken = BREAK.match(self.text, following)
            assert broken is not None
            line = _LINE.match(self.text, broken.end())
            assert line is not None
            filled = line[0].strip(" ")
            if filled and len(line[0]) - len(line[0].lstrip(" ")) <= indent:
                break
            following = line.end()
            end = following if filled else end
        raw = self.text[at:end].rstrip()
        text = block_text(raw)
        end = at + len(raw)
        return Scalar(value=text, raw=raw, text=text, style=raw[0], span=self.span(at, end)), end

    # flow

    def _flow(self, at: int, indent: int) -> tuple[Node, int]:
        self.depth += 1
        try:
            return self._flow_mapping(at, indent) if self.text[at] == "{" else self._flow_sequence(at, indent)
        finally:
            self.depth -= 1

    def _flow_sequence(self, at: int, indent: int) -> tuple[Node, int]:
        start, items, at = at, list[Node](), at + 1
        while not self._closed(at := self._next_in_flow(at, indent), indent):
            node, at = self._flow_item(at, indent)
            items.append(node)
        end = self._behind_bracket(at)
        return Sequence(items=tuple(items), span=self.span(start, end)), end

    def _flow_item(self, at: int, indent: int) -> tuple[Node, int]:
        node, end = self._flow_value(at, indent)
        colon = self.next(end)
        if not isinstance(node, Scalar) or not self._colon(colon):
            return node, end
        value, end = self._behind_colon(colon, indent)
        key = self._key(at, at + len(node.raw))
        return Mapping(entries=((key, value),), span=self.span(at, end)), end

    def _flow_mapping(self, at: int, indent: int) -> tuple[Node, int]:
        start, entries, at = at, dict[str, tuple[Scalar, Node]](), at + 1
        while not self._closed(at := self._next_in_flow(at, indent), indent):
            node, end = self._flow_value(at, indent)
            key = self._key(at, at + len(node.raw)) if isinstance(node, Scalar) else self._key(at, end)
            colon = self.next(end)
            value, at = self._behind_colon(colon, indent) if self._colon(colon) else (self._empty(end), end)
            entries.setdefault(key.text, (key, value))
        end = self._behind_bracket(at)
        return Mapping(entries=tuple(entries.values()), span=self.span(start, end)), end

    def _next_in_flow(self, at: int, indent: int) -> int:
        following = self.next(at)
        while following < len(self.text) and self.text[following] in ",:" and not self._outside(following, indent):
            following = self.next(following + 1)
        return following

    def _outside(self, at: int, indent: int) -> bool:
        """Say whether a line of blocks begins here: then the brackets before it were not closed."""
        begins = not self.text[self.starts[self.line(at) - 1] : at].strip()
        return begins and self.column(at) <= indent and self.text[at] not in "]}"

    def _closed(self, at: int, indent: int) -> bool:
        return at >= len(self.text) or self.text[at] in "]}" or self._outside(at, indent)

    def _behind_bracket(self, at: int) -> int:
        if at < len(self.text) and self.text[at] in "]}":
            return at + 1
        return len(self.text[:at].rstrip())

    def _colon(self, at: int) -> bool:
        return self.text.startswith(":", at)

    def _behind_colon(self, at: int, indent: int) -> tuple[Node, int]:
        inner = self.next(at + 1)
        if self._closed(inner, indent) or self.text[inner] == ",":
            return self._empty(at + 1), at + 1
        return self._flow_value(inner, indent)

    def _flow_value(self, at: int, indent: int) -> tuple[Node, int]:
        properties = _PROPERTIES.match(self.text, at)
        inner = at if properties is None else properties.end()
        if self.text[inner] in "[{" and self.depth < MAX_DEPTH:
            return self._flow(inner, indent)
        if self.text[inner] in "\"'":
            return self._quoted(inner)
        node, end = self._plain(inner, indent, _PLAIN_IN_FLOW)
        if end == inner:  # nothing that can stand here: passed over
            return node, inner + 1
        return self.anchors.get(node.text[1:], node) if node.text[:1] == "*" else node, end

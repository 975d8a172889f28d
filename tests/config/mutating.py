"""Mistakes as fingers make them: every place of a configuration file where one can be made, and the text it leaves.

A mutation is one slip: a word misspelt, a value of another type, a path shortened, an item moved, a quote or another
mark dropped. All that a file has are listed, in the order of the file; a fuzzer picks among them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gateway.config.diagnostics import Findings, Position, Span
from gateway.config.document import Mapping, Node, Scalar, read_document
from gateway.config.document import Sequence as SequenceNode

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One slip in one file."""

    kind: str
    file: str
    path: Path
    """The way to the node that was changed."""
    lines: frozenset[int]
    """The lines of the mutated text that hold the change: also those that something was taken away from."""
    text: str
    was: str
    now: str

    @property
    def name(self) -> str:
        """Return it in a line."""
        way = ".".join(str(step) for step in self.path)
        return f"{self.file}:{min(self.lines)} {self.kind} at {way}: {self.was!r} -> {self.now!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A node of a file, with what it stands in."""

    node: Node
    path: Path
    parent: Node | None
    is_key: bool = False


class Text:
    """A file's text, cut and changed by the places of its nodes."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.lines = text.split("\n")
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        document = read_document(file, text, Findings())
        assert document.root is not None
        self.root = document.root
        self.places = tuple(walk(document.root, (), None))

    def offset(self, position: Position) -> int:
        """Return where a position is in the text."""
        return self._starts[position.line - 1] + position.column - 1

    def cut(self, span: Span) -> tuple[int, int]:
        """Return where a place begins and ends in the text."""
        return self.offset(span.start), self.offset(span.end)

    def line_of(self, offset: int) -> int:
        """Return the line that an offset is on."""
        return self.text.count("\n", 0, offset) + 1

    def replaced(self, kind: str, path: Path, start: int, end: int, new: str) -> Mutation:
        """Return the text with a stretch of it replaced; an expression of several lines is one place."""
        first = self.line_of(start)
        lines = frozenset(range(first, first + new.count("\n") + 1)) | self._value_around(start)
        if self.text[start:end] == "-" and not self.text[self.text.rfind("\n", 0, start) + 1 : start].strip():
            lines |= {first + 1}  # without its dash, an entry's second line is the one that does not fit
        text = self.text[:start] + new + self.text[end:]
        return Mutation(kind=kind, file=self.file, path=path, lines=lines, text=text, was=self.text[start:end], now=new)

    def _value_around(self, offset: int) -> frozenset[int]:
        for place in self.places:
            if isinstance(place.node, Scalar):
                start, end = self.cut(place.node.span)
                if start <= offset < end:
                    return frozenset(range(place.node.span.start.line, place.node.span.end.line + 1))
        return frozenset()

    def rearranged(self, kind: str, path: Path, lines: Sequence[str], changed: set[int], was: str) -> Mutation:
        """Return the text with other lines; `changed` are the numbers of those that are another's now."""
        return Mutation(
            kind=kind,
            file=self.file,
            path=path,
            lines=frozenset(changed),
            text="\n".join(lines),
            was=was.strip()[:60],
            now=f"line {min(changed)}",
        )


def walk(node: Node, path: Path, parent: Node | None) -> Iterator[Place]:
    """Yield every node below one, keys before what stands under them."""
    yield Place(node=node, path=path, parent=parent)
    if isinstance(node, Mapping):
        for key, item in node.entries:
            yield Place(node=key, path=(*path, key.text), parent=node, is_key=True)
            yield from walk(item, (*path, key.text), node)
    elif isinstance(node, SequenceNode):
        for index, item in enumerate(node.items):
            yield from walk(item, (*path, index), node)


_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,}")
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\[\d+\])?(?:\.[A-Za-z_]\w*(?:\[[^\]]*\])?)+")


def slips(word: str, chance: random.Random) -> str:
    """Return a word with one slip in it: a letter dropped, doubled, or two swapped."""
    at = chance.randrange(1, len(word))
    way = chance.choice(("drop", "double", "swap"))
    if way == "swap" and word[at] != word[at - 1]:
        return word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]
    return word[:at] + word[at + 1 :] if way == "drop" else word[:at] + word[at] + word[at:]


def keys_misspelt(text: Text, chance: random.Random) -> Iterator[Mutation]:
    """Misspell each key."""
    for place in text.places:
        if place.is_key and isinstance(place.node, Scalar) and len(place.node.text) > 2:
            start, end = text.cut(place.node.span)
            written = text.text[start:end]
            found = list(_WORD.finditer(written))
            if found:
                word = chance.choice(found)
                new = written[: word.start()] + slips(word[0], chance) + written[word.end() :]
                yield text.replaced("a key misspelt", place.path, start, end, new)


def keys_taken_out(text: Text, chance: random.Random) -> Iterator[Mutation]:
    """Take each key out, with what stands under it, where it has lines of its own."""
    for place, first, last in _blocks(text):
        if place.is_key:
            lines = [*text.lines[: first - 1], *text.lines[last:]]
            was = text.lines[first - 1]
            around = {first - 1 or 1, first}
            yield text.rearranged("a key taken out", place.path, lines, around, was)


def words_misspelt(text: Text, chance: random.Random) -> Iterator[Mutation]:
    """Misspell one word of each value."""
    for place, start, end in _values(text):
        found = list(_WORD.finditer(text.text, start, end))
        if found:
            word = chance.choice(found)
            yield text.replaced("a word misspelt", place.path, word.start(), word.end(), slips(word[0], chance))


_OTHER = ("42", "true", "null", "[first, second]", "{first: second}", "some_word", "1.5", '""')


def values_of_another_type(text: Text, chance: random.Random) -> Iterator[Mutation]:
    """Put a value of another type in the place of each."""
    for place, start, end in _values(text):
        written = text.text[start:end]
        others = [other for other in _OTHER if _type(other) != _type(written)]
        yield text.replaced("a value of another type", place.path, start, end, chance.choice(others))


def _type(written: str) -> str:
    if written in {"true", "false"}:
        return "boolean"
    if written in {"null", "~"}:
        return "null"
    if re.fullmatch(r"-?\d+(\.\d+)?", written):
        return "number"
    return {"[": "list", "{": "mapping"}.get(written[:1], "text")


def paths_shortened(text: Text, chance: random.Random) -> Iterator[Mutation]:
    """Leave out one part of each dotted path."""
    for place, start, end in _values(text):
        for path in _DOTTED.finditer(text.text, start, end):
            parts = path[0].split(".")
            del parts[chance.randrange(len(parts))]
            yield text.replaced("a path shortened", place.path, path.start(), path.end(), ".".join(parts))


def items_moved(text: Text, chance: random.Random) -> Iterator[Mutation]:
    """Move each entry with lines of its own behind the one after it, a level out, or a level in."""
    blocks = list(_blocks(text))
    for place, first, last in blocks:
        own = text.lines[first - 1 : last]
        way = chance.choice(("behind", "out", "in"))
        if way == "behind":
            after = next((b for a, f, b in blocks if f == last + 1 and a.parent is place.parent), None)
            if after is not None:
                lines = [*text.lines[: first - 1], *text.lines[last:after], *own, *text.lines[after:]]
                moved = set(range(first, after + 1))
                yield text.rearranged("an item moved behind the next", place.path, lines, moved, own[0])
            continue
        by = -2 if way == "out" else 2
        if by < 0 and not all(line.startswith("  ") or not line.strip() for line in own):
            continue
        shifted = [line[2:] if by < 0 else f"  {line}" if line.strip() else line for line in own]
        lines = [*text.lines[: first - 1], *shifted, *text.lines[last:]]
        # The lines around it are part of the place: what is indented wrongly shows where the next begins.
        moved = set(range(max(first - 1, 1), last + 2))
        yield text.rearranged(f"an item moved a level {way}", place.path, lines, moved, own[0])


_MARKS = "\"'`:$,[]{}-|&=!<>()."


def quotes_dropped(text: Text, chance: random.Random) -> Iterator[Mutation]:
    """Drop each quote and backtick."""
    yield from _dropped(text, "a quote dropped", "\"'`")


def marks_dropped(text: Text, chance: random.Random) -> Iterator[Mutation]:
    """Drop each other mark."""
    yield from _dropped(text, "a mark dropped", ":$,[]{}-|&=!<>()")


def _dropped(text: Text, kind: str, marks: str) -> Iterator[Mutation]:
    comment = _comments(text)
    path: Path = ()
    starts = {text.offset(place.node.span.start): place.path for place in text.places}
    for at, character in enumerate(text.text):
        path = starts.get(at, path)
        if character in marks and at not in comment and path != ("description",):
            yield text.replaced(kind, path, at, at + 1, "")


def _comments(text: Text) -> set[int]:
    """Return the offsets of all that stands in no node and behind a `#`."""
    inside: set[int] = set()
    for place in text.places:
        if isinstance(place.node, Scalar):
            inside.update(range(*text.cut(place.node.span)))
    found: set[int] = set()
    at = 0
    for line in text.lines:
        sign = next((i for i, c in enumerate(line) if c == "#" and at + i not in inside), None)
        if sign is not None:
            found.update(range(at + sign, at + len(line)))
        at += len(line) + 1
    return found


def _values(text: Text) -> Iterator[tuple[Place, int, int]]:
    """Yield every scalar that is no key, with the stretch of text that it is written in."""
    for place in text.places:
        if isinstance(place.node, Scalar) and not place.is_key:
            start, end = text.cut(place.node.span)
            if start < end and place.path[:1] != ("description",):
                yield place, start, end


def _blocks(text: Text) -> Iterator[tuple[Place, int, int]]:
    """Yield each entry of a mapping, by its key, and each item of a list that has lines of its own; first and last."""
    for place in text.places:
        node = place.node
        if isinstance(place.parent, Mapping) and place.is_key and isinstance(node, Scalar):
            value = place.parent.get(node.text)
            before = text.lines[node.span.start.line - 1][: node.span.start.column - 1]
            if value is not None and not before.strip():
                yield place, node.span.start.line, _last(text, node.span.start.line)
        elif isinstance(place.parent, SequenceNode):
            before = text.lines[node.span.start.line - 1][: node.span.start.column - 1]
            if before.strip() == "-":
                yield place, node.span.start.line, _last(text, node.span.start.line)


def _last(text: Text, first: int) -> int:
    """Return the last line of what begins on a line: those below it that are indented further."""
    indent = len(text.lines[first - 1]) - len(text.lines[first - 1].lstrip())
    last = first
    for number in range(first + 1, len(text.lines) + 1):
        line = text.lines[number - 1]
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        own = len(line) - len(line.lstrip())
        if own <= indent and not (own == indent and line.lstrip().startswith("- ") and _is_key(text.lines[first - 1])):
            break
        last = number
    return last


def _is_key(line: str) -> bool:
    return not line.lstrip().startswith("- ")


KINDS: dict[str, Callable[[Text, random.Random], Iterator[Mutation]]] = {
    "keys misspelt": keys_misspelt,
    "keys taken out": keys_taken_out,
    "words misspelt": words_misspelt,
    "values of another type": values_of_another_type,
    "paths shortened": paths_shortened,
    "items moved": items_moved,
    "quotes dropped": quotes_dropped,
    "marks dropped": marks_dropped,
}
"""Every kind of slip."""


def mutations(text: Text, kind: str, seed: int = 0) -> list[Mutation]:
    """Return all slips of a kind in a file; `seed` chooses among the ways to make one at a place."""
    chance = random.Random(f"{text.file} {kind} {seed}")
    return [one for one in KINDS[kind](text, chance) if one.text != text.text]

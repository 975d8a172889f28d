"""What is being written at a place inside an expression: a member of what, and what that may be.

An expression that is half written has no tree. What stands before the cursor is read word by word: brackets that are
still open say what a name is looked up in, and what is complete before a dot is given to the inference of types.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from gateway.expressions import ExpressionError
from gateway.expressions.inference import infer
from gateway.expressions.inferred import Known
from gateway.expressions.syntax import parse
from gateway.expressions.types import ANY, Type

_WORD = re.compile(
    r"(?s)'(?:\\.|[^'\\])*'?|`(?:\\.|[^`\\])*`?|\"(?:\\.|[^\"\\])*\"?|\|\||&&|[=!<>]=|\[\?|\.\s*[\[{]|[A-Za-z_]\w*|."
)
_MEMBER = re.compile(r"(?s)(?P<before>(?:.*\.)?)\s*(?P<word>[A-Za-z_]\w*|)")
_PLACEHOLDER = re.compile(r"\$(?P<path>(?:[A-Za-z_]\w*\.)*(?:[A-Za-z_]\w*)?)")
_OPERATORS = ("||", "&&", "==", "!=", "<=", ">=", "<", ">", "!")
_CLOSED = re.compile(r"(?s)'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|\"(?:\\.|[^\"\\])*\"")
_AT = ".{at: @}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A name in an expression, complete or not."""

    owner: Type
    """What it is looked up in."""
    word: str
    start: int
    """Where it begins in the text, 0-based."""
    first: bool
    """Whether it begins an operand, so that it may be a function as well."""
    in_scope: bool
    """Whether it is looked up in the scope itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A text in quotes that something is compared with."""

    against: Type
    word: str
    start: int


@dataclass(slots=True, kw_only=True)
class _Frame:
    """A bracket that is open, or the whole expression."""

    opened: str
    scope: Type
    outside: Type
    """The scope that the next argument is looked up in: `&` and `|` change that of one."""
    whole_outside: bool
    whole: bool
    """Whether that scope is the one of the whole expression."""
    begun: int
    """Where the expression begins that a `|` would take the value of."""
    operand: int
    left: tuple[int, int] | None = None
    """The operand before a comparison."""
    named: bool = False
    """Of an object being made: whether the key is written, so that its value follows."""

    def begin(self, at: int) -> None:
        self.begun = self.operand = at
        self.left, self.named = None, False
        self.scope, self.whole = self.outside, self.whole_outside


def member_at(text: str, end: int, known: Known, *, template: bool) -> Member | Literal | None:
    """Return the name or literal that ends at an offset of a text: of an expression, or of a template."""
    start = 0
    if template:
        opened = _open_placeholder(text, end)
        if opened is None:
            return _plain_name(text, end, known)
        start = opened
    found = _Reading(text[start:end], known).at_end()
    return None if found is None else replace(found, start=found.start + start)


def word_end(text: str, offset: int) -> int:
    """Return where the name ends that an offset is in or right before."""
    while offset < len(text) and (text[offset].isalnum() or text[offset] == "_"):
        offset += 1
    return offset


def _open_placeholder(text: str, end: int) -> int | None:
    """Return where the expression of a `${` begins that is not closed before an offset, or None."""
    position = 0
    while (dollar := text.find("$", position, end)) >= 0:
        if text.startswith("$$", dollar) or not text.startswith("${", dollar):
            position = dollar + (2 if text.startswith("$$", dollar) else 1)
            continue
        position = _behind_placeholder(text[:end], dollar + 2)
        if position < 0:
            return dollar + 2 if dollar + 2 <= end else None
    return None


def _behind_placeholder(text: str, at: int) -> int:
    depth = 1
    while at < len(text):
        quoted = _CLOSED.match(text, at)
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at = quoted.end() if quoted else at + 1
        if depth == 0:
            return at
    return -1


def _plain_name(text: str, end: int, known: Known) -> Member | None:
    """Return what a `$name.member` outside braces is, where one ends at an offset."""
    found = next((one for one in _PLACEHOLDER.finditer(text, 0) if one.start() < end <= one.end()), None)
    if found is None or (found.start() and text[found.start() - 1] == "$"):
        return None
    before, _, word = text[found.start() + 1 : end].rpartition(".")
    owner = _type_at(before, known) if before else known.scope
    return Member(owner=owner, word=word, start=end - len(word), first=False, in_scope=not before)


class _Reading:
    """Reads an expression up to its end, which is where the cursor is."""

    def __init__(self, text: str, known: Known) -> None:
        self.text = text
        self.known = known
        self.frames = [self._frame("", known.scope, 0, whole=True)]

    def at_end(self) -> Member | Literal | None:
        for word in _WORD.finditer(self.text):
            if word[0][0] in "'`\"" and not _CLOSED.fullmatch(word[0]):
                return self._literal(word[0], word.start())
            self._take(word[0], word.start(), word.end())
        return self._member()

    def _take(self, word: str, at: int, end: int) -> None:
        frame = self.frames[-1]
        if word[0] in "([{" or (word[0] == "." and word[-1] in "[{"):
            self._open(word, at, end)
        elif word in (")", "]", "}"):
            self.frames = self.frames[:-1] if len(self.frames) > 1 else self.frames
        elif word == ",":
            frame.begin(end)
        elif word == "|":
            piped = self._value(frame.begun, at)
            frame.begun = frame.operand = end
            frame.scope, frame.whole = piped, False
        elif word == ":" and frame.opened.endswith("{"):
            frame.begun = frame.operand = end
            frame.named = True
        elif word == "&":
            frame.scope, frame.operand = self._element(frame, at), end
            frame.whole = False
        elif word in _OPERATORS:
            frame.left = (frame.operand, at) if word in ("==", "!=") else None
            frame.operand = end

    def _open(self, word: str, at: int, end: int) -> None:
        frame = self.frames[-1]
        operand = self.text[frame.operand : at].strip()
        if operand and (word == "[?" or word[0] == "."):
            inner, whole = self._at(frame.operand, at, "[]" if word == "[?" else ""), False
        else:
            inner, whole = frame.scope, frame.whole
        self.frames.append(self._frame(word, inner, end, whole=whole))

    def _frame(self, opened: str, scope: Type, at: int, *, whole: bool) -> _Frame:
        return _Frame(opened=opened, scope=scope, outside=scope, whole_outside=whole, whole=whole, begun=at, operand=at)

    def _member(self) -> Member | None:
        frame = self.frames[-1]
        if frame.opened.endswith("{") and not frame.named:
            return None
        operand = self.text[frame.operand :]
        found = _MEMBER.fullmatch(operand)
        if found is None:
            return None
        start = len(self.text) - len(found["word"])
        before = found["before"].strip()
        if not before:
            return Member(owner=frame.scope, word=found["word"], start=start, first=True, in_scope=frame.whole)
        dot = frame.operand + len(found["before"]) - 1
        owner = self._at(frame.operand, dot, "")
        in_scope = before == "@." and frame.whole
        return Member(owner=owner, word=found["word"], start=start, first=False, in_scope=in_scope)

    def _literal(self, word: str, at: int) -> Literal | None:
        left = self.frames[-1].left
        if word[0] != "'" or left is None:
            return None
        return Literal(against=self._value(*left), word=word[1:], start=at + 1)

    def _value(self, start: int, end: int) -> Type:
        return _type_of(self.text[start:end], replace(self.known, scope=self.frames[-1].scope))

    def _at(self, start: int, end: int, suffix: str) -> Type:
        return _type_at(self.text[start:end] + suffix, replace(self.known, scope=self.frames[-1].scope))

    def _element(self, frame: _Frame, at: int) -> Type:
        """Return the type of the elements that a `&` is applied to: of the list before it among the arguments."""
        before = self.text[self._opening(frame) : at].rstrip().removesuffix(",")
        found = _type_of(before, replace(self.known, scope=frame.outside))
        return found.element or ANY

    def _opening(self, frame: _Frame) -> int:
        depth = 0
        for at in range(frame.operand - 1, -1, -1):
            depth += {")": 1, "]": 1, "(": -1, "[": -1}.get(self.text[at], 0)
            if depth < 0:
                return at + 1
        return frame.operand


def _type_of(text: str, known: Known) -> Type:
    try:
        return infer(parse(text), known).type
    except ExpressionError:
        return ANY


def _type_at(text: str, known: Known) -> Type:
    """Return the type of what a member written behind a text is looked up in: of elements, behind a projection."""
    found = _type_of(text + _AT, known)
    while found.element is not None and "object" not in found.kinds:
        found = found.element
    inner = found.fields.get("at") if found.fields is not None else None
    return inner or ANY

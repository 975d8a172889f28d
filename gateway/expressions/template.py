"""Texts with `$name`, `$name.field` and `${ expression }` in them; `$$` is a dollar."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from gateway.expressions import tree
from gateway.expressions.context import Context
from gateway.expressions.errors import ExpressionError
from gateway.expressions.expression import REMEMBERED, Expression
from gateway.expressions.names import Reference
from gateway.expressions.syntax import parse
from gateway.expressions.writing import to_text

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_STOPS = re.compile(r"[{}'\"`]")

Part = str | Expression


class Template:
    """A compiled template: `template(root, context)` fills it in; raises EvaluationError.

    A text that is one placeholder and nothing else gives the placeholder's value as it is; otherwise values
    are written into the text. Positions in `names`, `calls` and `parts` count from the start of `text`.
    """

    __slots__ = ("calls", "evaluate", "expressions", "names", "only", "parts", "plain_names", "text")

    evaluate: Callable[[Any, Context], Any]
    """The closure itself, as in Expression."""

    def __init__(self, text: str, parts: tuple[Part, ...]) -> None:
        self.text = text
        self.parts = parts
        """Literal text (`$$` already a dollar) and expressions, in order."""
        self.expressions = tuple(part for part in parts if isinstance(part, Expression))
        self.only = self.expressions[0] if self.expressions and len(parts) == 1 else None
        """The placeholder that the text is and nothing else, else None."""
        self.names: tuple[Reference, ...] = tuple(name for part in self.expressions for name in part.names)
        self.plain_names = tuple(part.names[0] for part in self.expressions if _is_plain(part))
        """The placeholders that are a name and its fields alone."""
        self.calls: tuple[tree.FunctionCall, ...] = tuple(call for part in self.expressions for call in part.calls)
        self.evaluate = _filling(parts)

    def __call__(self, root: Any, context: Context) -> Any:
        """Fill the template in. Raises EvaluationError."""
        return self.evaluate(root, context)

    @property
    def is_literal(self) -> bool:
        """Return whether the text has no placeholder, so that its value is always the same."""
        return not self.expressions

    def __repr__(self) -> str:
        return f"Template({self.text!r})"


@lru_cache(REMEMBERED)
def compile_template(text: str) -> Template:
    """Return the compiled form of a template; raises ExpressionError, with offsets into `text`."""
    return Template(text, tuple(_joined(_parts(text))))


def _is_plain(part: Expression) -> bool:
    return bool(part.names) and (part.names[0].start, part.names[0].end) == (part.tree.start, part.tree.end)


def _filling(parts: tuple[Part, ...]) -> Callable[[Any, Context], Any]:
    match parts:
        case () | (str(),):
            constant = "".join(part for part in parts if isinstance(part, str))
            return lambda _root, _context: constant
        case (Expression() as only,):
            return only.evaluate
        case _:
            return _writing([_written(part) for part in parts])


def _writing(pieces: list[Callable[[Any, Context], str]]) -> Callable[[Any, Context], str]:
    return lambda root, context: "".join([piece(root, context) for piece in pieces])


def _written(part: Part) -> Callable[[Any, Context], str]:
    if isinstance(part, str):
        return lambda _root, _context: part
    evaluate = part.evaluate
    return lambda root, context: to_text(evaluate(root, context))


def _joined(parts: Iterator[Part]) -> Iterator[Part]:
    literal = ""
    for part in parts:
        if isinstance(part, str):
            literal += part
            continue
        if literal:
            yield literal
        literal = ""
        yield part
    if literal:
        yield literal


def _parts(text: str) -> Iterator[Part]:
    position = 0
    while (dollar := text.find("$", position)) >= 0:
        yield text[position:dollar]
        part, position = _placeholder(text, dollar)
        yield part
    yield text[position:]


def _placeholder(text: str, dollar: int) -> tuple[Part, int]:
    if text.startswith("$$", dollar):
        return "$", dollar + 2
    if text.startswith("${", dollar):
        end = _closing_brace(text, dollar)
        inner = text[dollar + 2 : end]
        return Expression(inner, parse(inner, dollar + 2)), end + 1
    found = _NAME.match(text, dollar + 1)
    if found is None:
        message = "`$` stands before a name or `{`"
        raise ExpressionError(message, dollar, dollar + 1, "a dollar sign is written `$$`")
    return _named(found), found.end()


def _named(found: re.Match[str]) -> Expression:
    fields: list[tree.Node] = []
    start = found.start()
    for name in found[0].split("."):
        fields.append(tree.Field(name=name, quoted=False, start=start, end=start + len(name)))
        start += len(name) + 1
    if len(fields) == 1:
        return Expression(found[0], fields[0])
    return Expression(found[0], tree.Path(parts=tuple(fields), start=found.start(), end=found.end()))


def _closing_brace(text: str, dollar: int) -> int:
    # Braces inside quotes belong to the expression's text, by the lexer's own rules of quoting.
    depth, position = 0, dollar + 1
    while (found := _STOPS.search(text, position)) is not None:
        position = found.end()
        if found[0] == "{":
            depth += 1
        elif found[0] == "}":
            depth -= 1
            if depth == 0:
                return found.start()
        else:
            position = _after_quote(text, found.start())
    raise ExpressionError("`${` is never closed", dollar, dollar + 2, "add `}`; a dollar sign is written `$$`")


_QUOTED = re.compile(r"(?s)(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|`(?:\\.|[^`\\])*`)")


def _after_quote(text: str, start: int) -> int:
    found = _QUOTED.match(text, start)
    if found is None:
        raise ExpressionError(f"the quote {text[start]} is never closed", start, len(text))
    return found.end()

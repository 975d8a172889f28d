"""The typed parameters of the Stripe SDK, read off its source into the lines of a `stripe_parameters.Table`."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module

Members = tuple[tuple[str, ast.expr], ...]
"""The names of a typed dictionary, and what each is annotated with."""
Classes = Mapping[str, Members]
"""The typed dictionaries of a module."""

_SCALARS = {"str": "s", "int": "i", "float": "n", "Decimal": "n", "bool": "b", "Any": "?"}


@cache
def typed_classes(module: str) -> Classes:
    """Return the typed dictionaries of a module of the SDK."""
    found: dict[str, Members] = {}
    for node in ast.parse(inspect.getsource(import_module(module))).body:
        if isinstance(node, ast.ClassDef):
            inherited = [one for base in node.bases if isinstance(base, ast.Name) for one in found.get(base.id, ())]
            found[node.name] = (*inherited, *_annotated(node))
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            # Names that are words of Python, such as `in`, can only be written as a call.
            name, members = node.targets[0], node.value.args[1]
            if isinstance(name, ast.Name) and isinstance(members, ast.Dict):
                found[name.id] = tuple(_written(members))
    return found


def _annotated(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    for one in node.body:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            yield one.target.id, one.annotation


def _written(members: ast.Dict) -> Iterator[tuple[str, ast.expr]]:
    for key, value in zip(members.keys, members.values, strict=True):
        if isinstance(key, ast.Constant):
            yield str(key.value), value


class Interning:
    """Lines of a table as they are made: what is the same stands in one line."""

    def __init__(self) -> None:
        """Begin with no line."""
        self.lines: list[str] = []
        self._at: dict[str, int] = {}

    def of_class(self, classes: Classes, name: str) -> int:
        """Return the line that holds the members of a typed dictionary."""
        return self._line({key: self._member(classes, node) for key, node in sorted(classes[name], key=_name)})

    def _line(self, held: Mapping[str, str] | Sequence[str]) -> int:
        text = json.dumps(held, separators=(",", ":"))
        if text not in self._at:
            self._at[text] = len(self.lines)
            self.lines.append(text)
        return self._at[text]

    def _member(self, classes: Classes, node: ast.expr) -> str:
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "NotRequired":
            return self._taken(classes, node.slice)
        return f"!{self._taken(classes, node)}"

    def _taken(self, classes: Classes, node: ast.expr) -> str:
        """Return what is taken, as the lines write it."""
        options = list(_options(node))
        words = [word for one in options if isinstance(one, list) for word in one]
        others = [one for one in options if not isinstance(one, list)]
        written = dict.fromkeys(self._one(classes, one) for one in others)
        found = ["e"] if "" in words else []
        if any(words):
            found.append(f"{'W' if 's' in written else 'w'}{self._line([word for word in words if word])}")
            written.pop("s", None)
        # A list, or an object of anybody's names, takes all that follows it.
        found += sorted(written, key=lambda one: one[0] in "[{")
        return "|".join(found)

    def _one(self, classes: Classes, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            return _SCALARS.get(node.id) or f"o{self.of_class(classes, node.id)}"
        assert isinstance(node, ast.Subscript)
        match ast.unparse(node.value), node.slice:
            case "List", element:
                return f"[{self._taken(classes, element)}"
            case "Dict", ast.Tuple(elts=[_, value]):
                return f"{{{self._taken(classes, value)}"
            case "UntypedStripeObject", value:
                return f"{{{self._taken(classes, value)}"
        raise ValueError(f"the SDK writes a type in a new way: {ast.unparse(node)}")


def _name(member: tuple[str, ast.expr]) -> str:
    return member[0]


def _options(node: ast.expr) -> Iterator[ast.expr | list[str]]:
    """Yield the alternatives of an annotation: words as a list, all else as it is written."""
    match node:
        case ast.Constant(value=str() as text):
            yield from _options(ast.parse(text, mode="eval").body)
        case ast.BinOp(left=left, right=right):
            yield from _options(left)
            yield from _options(right)
        case ast.Subscript(value=ast.Name(id="Union"), slice=ast.Tuple(elts=parts)):
            for part in parts:
                yield from _options(part)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=words):
            yield list(map(str, _words(words)))
        case _:
            yield node


def _words(node: ast.expr) -> Sequence[object]:
    found = ast.literal_eval(node)
    return found if isinstance(found, tuple) else (found,)

"""What a function of the expression language is: its name, arguments, result, and one sentence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from gateway.expressions import tree
from gateway.expressions.arithmetic import is_integral
from gateway.expressions.errors import EvaluationError
from gateway.expressions.kinds import exact, kind_of
from gateway.expressions.writing import shown
from gateway.records import dataclass

Run = Callable[..., object]
"""A function's work, called with its arguments, which have been checked."""

PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, Decimal),
    "integer": (int,),
    "boolean": (bool,),
    "date": (date,),
    "timestamp": (datetime,),
    "list": (list,),
    "object": (dict,),
}
"""The Python types that need no further look, by what a parameter wants."""

_WORDS = {"integer": "a whole number", "number": "a number", "text": "text"}


@cache
def _types_of(kinds: tuple[str, ...]) -> frozenset[type] | None:
    if kinds in (("any",), ("expression",)):
        return None
    return frozenset(found for kind in kinds for found in PYTHON_TYPES[kind])


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One argument of a function.

    `kinds` are what it may be: `text`, `number`, `integer` (a number with nothing after the point),
    `boolean`, `date`, `timestamp`, `list`, `object`, `any`, or `expression` (`&…`). `elements`, for a list,
    are the kinds of its elements, all of one of them. With `nullable` the function itself looks at null;
    otherwise null in is null out.
    """

    name: str
    kinds: tuple[str, ...]
    elements: tuple[str, ...] = ()
    nullable: bool = False

    @property
    def types(self) -> frozenset[type] | None:
        """Return the Python types that are accepted at a glance; None when everything is."""
        return _types_of(self.kinds)

    def wanted(self) -> str:
        """Return in words what this argument may be."""
        return " or ".join(_WORDS.get(kind, f"a {kind}") for kind in self.kinds).replace("a object", "an object")

    def accept(self, value: Any) -> object:
        """Return an unusual value (a subclass, a float, a whole decimal) as the function takes it.

        Raises ValueError when it is none of `kinds`.
        """
        kind = kind_of(value)
        if kind == "number":
            number = exact(value)
            if "number" in self.kinds:
                return number
            if "integer" in self.kinds and is_integral(number):
                return int(number)
        if kind in self.kinds:
            return list(value) if kind == "list" else value
        raise ValueError(kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function: its spec, from which checks and documentation are made, and its work.

    `result` are the kinds of what it returns beside null: those of a parameter, and `decimal`. `example`
    is an expression over `{}`, `gives` its result as JSON. A `variadic` function takes its last parameter
    once or more. With `needs_context` the work is called with the context of the evaluation first. `prepare`
    may look at the written arguments when an expression is compiled, refuse them with an ExpressionError,
    and return other work for this call.
    """

    name: str
    parameters: tuple[Parameter, ...]
    result: tuple[str, ...]
    doc: str
    example: str
    gives: str
    run: Run
    variadic: bool = False
    needs_context: bool = False
    prepare: Callable[[tuple[tree.Node, ...]], Run | None] | None = None

    @property
    def signature(self) -> str:
        """Return how a call is written: `split(text, separator)`."""
        names = ", ".join(parameter.name for parameter in self.parameters)
        return f"{self.name}({names}{', …' if self.variadic else ''})"

    def parameter(self, index: int) -> Parameter:
        """Return the parameter that the argument at a 0-based index belongs to."""
        return self.parameters[min(index, len(self.parameters) - 1)]

    def takes(self, count: int) -> bool:
        """Return whether a call may have this many arguments."""
        return count >= len(self.parameters) if self.variadic else count == len(self.parameters)

    def arguments(self, values: list[Any]) -> list[Any] | None:
        """Return the arguments as the work takes them, or None when null in is null out.

        Raises EvaluationError that names the function, the position, what was wanted and what was given.
        """
        if any(value is None and not self.parameter(at).nullable for at, value in enumerate(values)):
            return None
        return [self._argument(at, value) for at, value in enumerate(values)]

    def _argument(self, at: int, value: Any) -> Any:
        parameter = self.parameter(at)
        types = parameter.types
        if types is None or value is None or value.__class__ in types:
            return value
        try:
            return parameter.accept(value)
        except ValueError:
            place = f"argument {at + 1} (`{parameter.name}`) of `{self.name}`"
            raise EvaluationError(f"{place} must be {parameter.wanted()}, got {shown(value)}") from None


def elements_of_one_kind(name: str, items: list[Any], allowed: tuple[str, ...]) -> list[Any]:
    """Return a list whose elements are all of one of the allowed kinds, floats made exact.

    Raises EvaluationError that names the function and the first element that is not.
    """
    kinds = [kind_of(item) for item in items]
    for at, kind in enumerate(kinds):
        if kind not in allowed:
            wanted = " or ".join(_WORDS.get(kind, f"a {kind}") for kind in allowed)
            raise EvaluationError(
                f"element {at} of the list given to `{name}` must be {wanted}, got {shown(items[at])}"
            )
        if kind != kinds[0]:
            both = f"{shown(items[0])} and {shown(items[at])}"
            raise EvaluationError(f"the list given to `{name}` mixes {both}")
    return [exact(item) for item in items] if kinds and kinds[0] == "number" else items

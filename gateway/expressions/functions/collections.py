"""Functions of lists and objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from gateway.expressions.comparison import same
from gateway.expressions.context import Context
from gateway.expressions.errors import CoercionError, EvaluationError
from gateway.expressions.functions.spec import Function, Parameter, elements_of_one_kind
from gateway.expressions.kinds import kind_of
from gateway.expressions.values import coerce
from gateway.expressions.writing import shown, to_text

_ORDERED = ("number", "text", "date", "timestamp")
_LIST = Parameter(name="list", kinds=("list",))
_ORDERED_LIST = Parameter(name="list", kinds=("list",), elements=_ORDERED)
_OBJECT = Parameter(name="object", kinds=("object",))
_EXPRESSION = Parameter(name="expression", kinds=("expression",))

Each = Callable[[object], Any]
"""A `&expression` argument, applied to one element."""


def _contains(subject: Any, search: object) -> bool | None:
    if isinstance(subject, str):
        if search is None:
            return None
        if not isinstance(search, str):
            raise EvaluationError(f"argument 2 (`search`) of `contains` must be text within text, got {shown(search)}")
        return search in subject
    return any(same(item, search) for item in subject)


def _keys(subject: Mapping[str, object]) -> list[str]:
    return list(subject)


def _values(subject: Mapping[str, object]) -> list[object]:
    return list(subject.values())


def _merge(*objects: Mapping[str, object]) -> dict[str, object]:
    merged: dict[str, object] = {}
    for subject in objects:
        merged.update(subject)
    return merged


def _largest(items: list[Any]) -> Any:
    return max(items, default=None)


def _smallest(items: list[Any]) -> Any:
    return min(items, default=None)


def _map(expression: Each, items: list[object]) -> list[object]:
    return [expression(item) for item in items]


def _keyed(name: str, items: list[Any], expression: Each) -> list[tuple[Any, Any]]:
    keys = elements_of_one_kind(name, [expression(item) for item in items], _ORDERED)
    return list(zip(keys, items, strict=True))


def _largest_by(items: list[Any], expression: Each) -> Any:
    return max(_keyed("max_by", items, expression), key=itemgetter(0), default=(None, None))[1]


def _smallest_by(items: list[Any], expression: Each) -> Any:
    return min(_keyed("min_by", items, expression), key=itemgetter(0), default=(None, None))[1]


def _sort_by(items: list[Any], expression: Each) -> list[Any]:
    return [item for _key, item in sorted(_keyed("sort_by", items, expression), key=itemgetter(0))]


def _lookup(context: Context, table: Any, key: object) -> object:
    if isinstance(table, str):
        return context.lookup(table, key)
    if isinstance(key, str) and key in table:
        return table[key]
    found = next((entry for entry in table if _is_key(entry, key)), None)
    return None if found is None else table[found]


def _is_key(entry: object, key: object) -> bool:
    # `9.99` finds the key "9.99", and "9.90": a number is looked up by its value, however it is written.
    if to_text(entry) == to_text(key):
        return True
    if kind_of(key) != "number":
        return False
    try:
        return same(coerce(entry, "decimal"), key)
    except CoercionError:
        return False


COLLECTION_FUNCTIONS = (
    Function(
        name="contains",
        parameters=(
            Parameter(name="subject", kinds=("list", "text")),
            Parameter(name="search", kinds=("any",), nullable=True),
        ),
        result=("boolean",),
        doc="Whether a list has an element, or a text another text in it.",
        example="contains(['card', 'pix'], 'pix')",
        gives="true",
        run=_contains,
    ),
    Function(
        name="keys",
        parameters=(_OBJECT,),
        result=("list",),
        doc="The keys of an object.",
        example='keys(`{"a": 1, "b": 2}`)',
        gives='["a","b"]',
        run=_keys,
    ),
    Function(
        name="length",
        parameters=(Parameter(name="value", kinds=("text", "list", "object")),),
        result=("integer",),
        doc="The number of characters of a text, elements of a list, or keys of an object.",
        example="length(['a', 'b'])",
        gives="2",
        run=len,
    ),
    Function(
        name="lookup",
        parameters=(
            Parameter(name="table", kinds=("text", "object")),
            Parameter(name="key", kinds=("text", "number", "boolean", "date", "timestamp")),
        ),
        result=("any",),
        doc="The row of the table that a text names, by its key, or the entry of an object, numbers by "
        "their value; null when there is none.",
        example='lookup(`{"9.99": 30, "99.99": 365}`, `9.99`)',
        gives="30",
        run=_lookup,
        needs_context=True,
    ),
    Function(
        name="map",
        parameters=(_EXPRESSION, _LIST),
        result=("list",),
        doc="An expression applied to each element of a list, nulls kept.",
        example='map(&id, `[{"id": 1}, {}]`)',
        gives="[1,null]",
        run=_map,
    ),
    Function(
        name="max",
        parameters=(_ORDERED_LIST,),
        result=_ORDERED,
        doc="The largest of a list of numbers, texts, dates or timestamps; null for an empty list.",
        example="max(`[1, 3, 2]`)",
        gives="3",
        run=_largest,
    ),
    Function(
        name="max_by",
        parameters=(_LIST, _EXPRESSION),
        result=("any",),
        doc="The element of a list for which an expression is largest; null for an empty list.",
        example='max_by(`[{"n": 1}, {"n": 2}]`, &n)',
        gives='{"n":2}',
        run=_largest_by,
    ),
    Function(
        name="merge",
        parameters=(_OBJECT,),
        result=("object",),
        doc="One object with the entries of all, a later one's in place of an earlier one's.",
        example='merge(`{"a": 1, "b": 1}`, `{"b": 2}`)',
        gives='{"a":1,"b":2}',
        run=_merge,
        variadic=True,
    ),
    Function(
        name="min",
        parameters=(_ORDERED_LIST,),
        result=_ORDERED,
        doc="The smallest of a list of numbers, texts, dates or timestamps; null for an empty list.",
        example="min(`[1, 3, 2]`)",
        gives="1",
        run=_smallest,
    ),
    Function(
        name="min_by",
        parameters=(_LIST, _EXPRESSION),
        result=("any",),
        doc="The element of a list for which an expression is smallest; null for an empty list.",
        example='min_by(`[{"n": 1}, {"n": 2}]`, &n)',
        gives='{"n":1}',
        run=_smallest_by,
    ),
    Function(
        name="sort",
        parameters=(_ORDERED_LIST,),
        result=("list",),
        doc="A list of numbers, texts, dates or timestamps in rising order.",
        example="sort(['b', 'a'])",
        gives='["a","b"]',
        run=sorted,
    ),
    Function(
        name="sort_by",
        parameters=(_LIST, _EXPRESSION),
        result=("list",),
        doc="A list in rising order of an expression; equal elements keep their order.",
        example='sort_by(`[{"n": 2}, {"n": 1}]`, &n)',
        gives='[{"n":1},{"n":2}]',
        run=_sort_by,
    ),
    Function(
        name="values",
        parameters=(_OBJECT,),
        result=("list",),
        doc="The values of an object.",
        example='values(`{"a": 1, "b": 2}`)',
        gives="[1,2]",
        run=_values,
    ),
)

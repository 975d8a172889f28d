"""Functions that look at what a value is, or write it otherwise."""

from __future__ import annotations

import re
from typing import Any

from gateway.expressions.errors import CoercionError
from gateway.expressions.functions.spec import Function, Parameter
from gateway.expressions.kinds import kind_of
from gateway.expressions.values import coerce
from gateway.expressions.writing import to_text

_ANY = Parameter(name="value", kinds=("any",))
_ANY_OR_NULL = Parameter(name="value", kinds=("any",), nullable=True)
_JMESPATH_NAMES = {"text": "string", "list": "array"}
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def _not_null(*values: object) -> object:
    return next((value for value in values if value is not None), None)


def _to_array(value: object) -> object:
    return value if kind_of(value) == "list" else [value]


def _to_number(value: Any) -> object:
    kind = kind_of(value)
    if kind == "number":
        return value
    if kind != "text" or not _JSON_NUMBER.fullmatch(value):
        return None
    try:
        return coerce(value, "integer" if value.lstrip("-").isdigit() else "decimal")
    except CoercionError:
        return None


def _type(value: object) -> str:
    kind = kind_of(value)
    return _JMESPATH_NAMES.get(kind, kind)


CONVERSION_FUNCTIONS = (
    Function(
        name="not_null",
        parameters=(_ANY_OR_NULL,),
        result=("any",),
        doc="The first of its arguments that is not null.",
        example="not_null(`null`, 'a', 'b')",
        gives='"a"',
        run=_not_null,
        variadic=True,
    ),
    Function(
        name="to_array",
        parameters=(_ANY_OR_NULL,),
        result=("list",),
        doc="A list as it is, anything else as the only element of one.",
        example="to_array('a')",
        gives='["a"]',
        run=_to_array,
    ),
    Function(
        name="to_number",
        parameters=(_ANY,),
        result=("number",),
        doc="The number that a text holds, as JSON writes numbers; null when it holds none.",
        example="to_number('9.90')",
        gives="9.90",
        run=_to_number,
    ),
    Function(
        name="to_string",
        parameters=(_ANY,),
        result=("text",),
        doc="A value as text: a list or object as JSON, a time as ISO 8601.",
        example='to_string(`{"a": 1.50}`)',
        gives='"{\\"a\\":1.50}"',
        run=to_text,
    ),
    Function(
        name="type",
        parameters=(_ANY_OR_NULL,),
        result=("text",),
        doc="The type of a value: string, number, boolean, date, timestamp, array, object or null.",
        example="type('a')",
        gives='"string"',
        run=_type,
    ),
)

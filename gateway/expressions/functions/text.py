"""Functions of text."""

from __future__ import annotations

from typing import Any

from gateway.expressions import tree
from gateway.expressions.errors import EvaluationError, ExpressionError
from gateway.expressions.functions.spec import Function, Parameter, Run
from gateway.expressions.patterns import compile_pattern
from gateway.expressions.writing import TEXT_LIMIT

_TEXT = Parameter(name="text", kinds=("text",))


def _capture(text: str, pattern: str) -> str | None:
    try:
        return compile_pattern(pattern).capture(text)
    except ExpressionError as error:
        raise EvaluationError(error.message) from None


def _prepared_capture(arguments: tuple[tree.Node, ...]) -> Run | None:
    written = arguments[1]
    if not isinstance(written, tree.Literal) or not isinstance(written.value, str):
        return None
    try:
        pattern = compile_pattern(written.value)
    except ExpressionError as error:
        raise ExpressionError(error.message, written.start, written.end, error.help) from None
    return lambda text, _pattern: pattern.capture(text)


def _split(text: str, separator: str) -> list[str]:
    if not separator:
        raise EvaluationError("`split` needs a separator, got an empty text")
    return text.split(separator)


def _hash(text: str) -> str:
    import hashlib  # 4 ms (OpenSSL) that most commands need not pay

    try:
        return hashlib.sha256(text.encode()).hexdigest()
    except UnicodeEncodeError:
        raise EvaluationError("a text with half a surrogate pair has no hash") from None


def _join(glue: str, items: list[str]) -> str:
    length = sum(map(len, items)) + len(glue) * max(0, len(items) - 1)
    if length > TEXT_LIMIT:
        raise EvaluationError(f"`join` would make a text of {length} characters; the most is {TEXT_LIMIT}")
    return glue.join(items)


def _reverse(value: Any) -> Any:
    return value[::-1]


TEXT_FUNCTIONS = (
    Function(
        name="capture",
        parameters=(_TEXT, Parameter(name="pattern", kinds=("text",))),
        result=("text",),
        doc="The first group of an RE2 pattern where it first matches a text (the whole match when it has "
        "no group); null when it does not match.",
        example="capture('https://api.example.com/v2/orders/5AB', '/(?:orders|checkouts)/([A-Z0-9]+)')",
        gives='"5AB"',
        run=_capture,
        prepare=_prepared_capture,
    ),
    Function(
        name="ends_with",
        parameters=(_TEXT, Parameter(name="suffix", kinds=("text",))),
        result=("boolean",),
        doc="Whether a text ends with another.",
        example="ends_with('invoice.paid', '.paid')",
        gives="true",
        run=str.endswith,
    ),
    Function(
        name="hash",
        parameters=(_TEXT,),
        result=("text",),
        doc="The SHA-256 of a text's UTF-8 bytes, in hexadecimal.",
        example="hash('a')",
        gives='"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"',
        run=_hash,
    ),
    Function(
        name="join",
        parameters=(
            Parameter(name="glue", kinds=("text",)),
            Parameter(name="list", kinds=("list",), elements=("text",)),
        ),
        result=("text",),
        doc="The texts of a list put together, with a text between them.",
        example="join(', ', ['a', 'b'])",
        gives='"a, b"',
        run=_join,
    ),
    Function(
        name="lower",
        parameters=(_TEXT,),
        result=("text",),
        doc="A text in lower case.",
        example="lower('BRL')",
        gives='"brl"',
        run=str.lower,
    ),
    Function(
        name="reverse",
        parameters=(Parameter(name="value", kinds=("text", "list")),),
        result=("text", "list"),
        doc="A text or list from its end to its beginning.",
        example="reverse(['a', 'b'])",
        gives='["b","a"]',
        run=_reverse,
    ),
    Function(
        name="split",
        parameters=(_TEXT, Parameter(name="separator", kinds=("text",))),
        result=("list",),
        doc="The parts of a text between the places where a separator stands.",
        example="split('evt_1&2', '&')",
        gives='["evt_1","2"]',
        run=_split,
    ),
    Function(
        name="starts_with",
        parameters=(_TEXT, Parameter(name="prefix", kinds=("text",))),
        result=("boolean",),
        doc="Whether a text begins with another.",
        example="starts_with('cus_123', 'cus_')",
        gives="true",
        run=str.startswith,
    ),
    Function(
        name="trim",
        parameters=(_TEXT,),
        result=("text",),
        doc="A text without the white space around it.",
        example="trim(' a b ')",
        gives='"a b"',
        run=str.strip,
    ),
    Function(
        name="upper",
        parameters=(_TEXT,),
        result=("text",),
        doc="A text in upper case.",
        example="upper('brl')",
        gives='"BRL"',
        run=str.upper,
    ),
)

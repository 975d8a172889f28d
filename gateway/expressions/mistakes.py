"""What people write in an expression by mistake, and what they meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from gateway.expressions.errors import ExpressionError

_CHARACTERS = {
    "=": "to compare, write `==`",
    "-": 'a name with a hyphen stands in double quotes: "content-type"; to subtract, write sub(a, b)',
    "+": "to add, write add(a, b); to put text together, join('', [a, b])",
    "/": "to divide, write div(a, b)",
    "%": "there is no remainder operator; the functions of arithmetic are add, sub, mul and div",
    "?": "a choice is written `condition && yes || no`",
    "$": "inside an expression a name is written without `$`",
    "“": "text is written in straight single quotes: 'paid'",
    "”": "text is written in straight single quotes: 'paid'",
    "‘": "text is written in straight single quotes: 'paid'",
    "’": "text is written in straight single quotes: 'paid'",
}
_OUTSIDE = re.compile(r"\s*(?:env|file):[^}]*", re.IGNORECASE)
_WORDS = {"and": "&&", "or": "||", "not": "!"}
_MEANT = {
    "in": "to look for an element of a list, write contains(list, element)",
    "is": "to compare, write `==`; absent is `null`",
    "like": "to look at parts of a text, use starts_with, ends_with, contains or capture",
    "if": "a choice is written `condition && yes || no`",
    "&": "`and` is written `&&`",
    "*": "to multiply, write mul(a, b)",
    ">": "unequal is written `!=`",
}
_FUNCTIONS = {
    "if": "a choice is written `condition && yes || no`",
    "iif": "a choice is written `condition && yes || no`",
    "ifelse": "a choice is written `condition && yes || no`",
    "concat": "to put text together, write join('', [a, b])",
    "format": "to put text together, write join('', [a, b])",
    "coalesce": "the first that is not null: not_null(a, b)",
    "default": "the first that is there: `a || b`",
    "ifnull": "the first that is not null: not_null(a, b)",
    "matches": "to look for a pattern, write capture(text, 'pattern')",
    "match": "to look for a pattern, write capture(text, 'pattern')",
    "regex": "to look for a pattern, write capture(text, 'pattern')",
    "count": "the number of elements: length(list)",
    "today": "`now` is the time, which is the same for the whole run",
    "int": "to_number(text) reads a text as a number",
    "float": "to_number(text) reads a text as a number",
    "str": "to_string(value) writes a value as text",
    "includes": "to look for an element of a list, write contains(list, element)",
    "exists": "what is there is not null: `x != null`, with backticks round null",
}
_NAMES = ("now", "event", "settings")
_TOKENS = {
    "rparen": "`)`",
    "rbracket": "`]`",
    "rbrace": "`}`",
    "colon": "`:`",
    "comma": "`,`",
    "star": "`*`",
    "quoted_identifier": "a name",
    "unquoted_identifier": "a name",
}
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?(?![A-Za-z_0-9])")


def unknown_character(text: str, start: int) -> ExpressionError:
    """Return the error for a character that begins no token."""
    character = text[start]
    if text.startswith("=~", start):
        help_text = "to look for a pattern, write capture(text, 'pattern'): what its first group fits, or null"
        return ExpressionError("`=~` is not part of the expression language", start, start + 2, help_text)
    return ExpressionError(
        f"`{character}` is not part of the expression language", start, start + 1, _CHARACTERS.get(character)
    )


def bare_number(text: str, start: int) -> ExpressionError:
    """Return the error for a number outside backticks."""
    found = _NUMBER.match(text, start)
    end = found.end() if found else start + 1
    number = text[start:end]
    return ExpressionError(
        f"numbers in an expression are written in backticks: `{number}`",
        start,
        end,
        f"write {text[:start]}`{number}`{text[end:]}",
    )


def bare_constant(text: str, start: int, end: int) -> ExpressionError:
    """Return the error for `true`, `false` or `null` outside backticks, where it would be a field's name."""
    name = text[start:end]
    return ExpressionError(
        f"`{name}` is a field name here; the value is written in backticks: `{name}`",
        start,
        end,
        f"write {text[:start]}`{name}`{text[end:]}",
    )


def unexpected(text: str, tokens: Sequence[dict[str, Any]], at: int, wanted: str | None) -> ExpressionError:
    """Return the error for the token at index `at`, where something else was wanted.

    `wanted` is in words, or None when nothing more was expected.
    """
    outside = _OUTSIDE.match(text)
    if outside is not None:
        return ExpressionError(
            f"`{outside[0]}` is read in gateway.yaml alone",
            outside.start(),
            outside.end(),
            "give the value to the rules as a setting: `settings: {name: ${env:NAME}}` of the source",
        )
    token = tokens[at]
    start, end = token["start"], token["end"]
    expected = f", expected {wanted}" if wanted else ""
    if token["type"] == "eof":
        return ExpressionError(f"the expression ends too early{expected}", end, end)
    if token["type"] == "number" and wanted == A_VALUE:
        return bare_number(text, start)
    before = tokens[at - 1] if at else token
    help_text = _meant(text, token, before)
    if text[before["start"] : before["end"]].lower() == "not":
        start, end = before["start"], before["end"]
    return ExpressionError(f"unexpected `{text[start:end]}`{expected}", start, end, help_text)


def _meant(text: str, token: dict[str, Any], before: dict[str, Any]) -> str | None:
    written = text[token["start"] : token["end"]]
    previous = text[before["start"] : before["end"]]
    for word in (written, previous):
        if word.lower() in _WORDS:
            return f"`{word}` is written `{_WORDS[word.lower()]}`"
    if token["type"] == "number":
        return _stray_number(written, previous)
    if previous == "[":
        return _in_brackets(token, written)
    return _MEANT.get(written.lower())


def _stray_number(number: str, previous: str) -> str:
    if previous == ".":
        return f"an element of a list is written [{number}]; a name like this stands in double quotes"
    return f"numbers in an expression are written in backticks: `{number}`"


def _in_brackets(token: dict[str, Any], written: str) -> str:
    if token["type"] == "literal":
        return f'a field is written after a dot: ."{token["value"]}"'
    return f"a field is written after a dot: .{written}; to look up by value, write lookup(object, {written})"


A_VALUE = "a value"
"""What `unexpected` is told where any operand could stand."""


def in_words(token_types: str | Sequence[str]) -> str:
    """Return what jmespath expected, as people call it."""
    names = [token_types] if isinstance(token_types, str) else token_types
    return " or ".join(dict.fromkeys(_TOKENS.get(name, name) for name in names))


def unknown_function(name: str, start: int, known: Sequence[str]) -> ExpressionError:
    """Return the error for a function that does not exist, with a near spelling when there is one."""
    from difflib import get_close_matches  # only a mistake pays for its import

    if name in _NAMES:
        help_text = f"`{name}` is a name, which is written without `()`"
        return ExpressionError(f"there is no function `{name}`", start, start + len(name), help_text, about="function")
    if name.lower() in _FUNCTIONS:
        help_text = _FUNCTIONS[name.lower()]
        return ExpressionError(f"there is no function `{name}`", start, start + len(name), help_text, about="function")
    near = get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    help_text = f"did you mean `{near[0]}`?" if near else "the functions are " + ", ".join(known)
    return ExpressionError(f"there is no function `{name}`", start, start + len(name), help_text, about="function")

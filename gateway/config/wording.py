"""The words of messages about shape: what was expected, what was found, how to mend it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from gateway.config.nodes import Mapping as MappingNode
from gateway.config.nodes import Node, Scalar, Sequence, kind_of
from gateway.config.units import meant_duration

Schema = Mapping[str, Any]

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "null": "null",
}
_UNITS = {"a duration": "s", "a size": "B", "a rate": "/s", "a percentage": "%"}
_MEANS_TRUE = frozenset(("yes", "on", "y", "true"))
_MEANS_FALSE = frozenset(("no", "off", "n", "false"))
_SYNONYMS = {
    "text": ("string", "str", "varchar", "char", "uuid", "enum"),
    "integer": ("number", "bigint", "smallint", "serial"),
    "decimal": ("float", "double", "numeric", "money", "real", "number"),
    "boolean": ("bool", "flag", "bit"),
    "timestamp": ("datetime", "time", "timestamptz"),
    "json": ("object", "array", "list", "map", "dict", "jsonb"),
    "gte": (">=", "ge", "min", "from"),
    "gt": (">", "after"),
    "lte": ("<=", "max", "until"),
    "lt": ("<", "before"),
    "ne": ("!=", "<>", "not"),
    "eq": ("=", "==", "equals"),
}
"""What is called otherwise elsewhere."""
_UNNAMED = "the value"
_QUOTE_LIMIT = 60


def both(names: Iterable[str]) -> str:
    """Return names as `a`, `b` and `c`."""
    return _joined([f"`{name}`" for name in names], "and")


def either(names: Iterable[str]) -> str:
    """Return names as `a`, `b` or `c`."""
    return _joined([f"`{name}`" for name in names], "or")


def listed(values: Iterable[object]) -> str:
    """Return values as `a`, `b`, `c`."""
    return ", ".join(f"`{_written(value)}`" for value in values)


def expected(schemas: Iterable[Schema]) -> str:
    """Return what schemas allow, in words."""
    return _joined(list(dict.fromkeys(word for schema in schemas for word in _allowed(schema))), "or")


def synonym(word: str, allowed: Iterable[object]) -> str | None:
    """Return what is allowed under the name that something has in other languages."""
    allowed = [one for one in allowed if isinstance(one, str)]
    folded = word.casefold()
    return next((name for name in reversed(_SYNONYMS) if name in allowed and folded in _SYNONYMS[name]), None)


def noun(schema: Schema) -> str | None:
    """Return what a schema calls its values: a title such as "a duration", not one such as "Rules"."""
    title = str(schema.get("title", ""))
    return title if title.startswith(("a ", "an ")) else None


def found(node: Node, schema: Schema) -> str:
    """Return what a node is, with its text where that helps and may be shown."""
    if not isinstance(node, Scalar) or node.value is None or isinstance(node.value, bool):
        return kind_of(node)
    if node.origin is not None or schema.get("writeOnly"):
        return kind_of(node)
    if not node.text:
        return "an empty text"
    return f"the {kind_of(node).removeprefix('a ')} `{_short(node.text)}`"


def quoted(node: Node, schema: Schema) -> str:
    """Return a value for a message, unless it came from elsewhere or is a secret."""
    if not isinstance(node, Scalar) or node.origin is not None or schema.get("writeOnly"):
        return _UNNAMED
    return f"`{_short(node.text)}`" if node.text else "an empty text"


def origin_note(node: Node | None) -> str | None:
    """Say where a value was taken from that the file only refers to."""
    if isinstance(node, Scalar) and node.origin is not None:
        return f"the value comes from {node.origin}"
    items = node.items if isinstance(node, Sequence) else ()
    origins = [item.origin for item in items if isinstance(item, Scalar) and item.origin is not None]
    return f"the values come from {_joined(origins, 'and')}" if origins else None


def limit(keyword: str, value: Any, node: Node, schema: Schema) -> str:
    """Return the sentence for a value that is of the right kind but outside a limit."""
    what = quoted(node, schema)
    match keyword:
        case "pattern" | "format" | "anyOf" | "oneOf" if noun(schema):
            return f"expected {noun(schema)}, found {'text' if what == _UNNAMED else what}"
        case "minimum":
            return f"{what} is less than {value}"
        case "maximum":
            return f"{what} is more than {value}"
        case "exclusiveMinimum":
            return f"{what} is not more than {value}"
        case "exclusiveMaximum":
            return f"{what} is not less than {value}"
        case "minLength" if value == 1:
            return "the text is empty"
        case "minLength":
            return f"the text is shorter than {value} characters"
        case "maxLength":
            return f"the text is longer than {value} characters"
        case "minItems" | "minProperties" if value == 1:
            return f"{kind_of(node)} needs at least one entry"
        case "minItems" | "minProperties":
            return f"{kind_of(node)} needs at least {value} entries"
        case "maxItems" | "maxProperties":
            return f"{kind_of(node)} may have {value} entries at most"
        case "uniqueItems":
            return f"{what} is written twice"
        case "dependentRequired":
            return f"{both(_lacking_partners(node, value))} must stand beside it"
        case "false":
            return "this may not be written here"
        case _:
            return f"{what} does not fit"


def remedy(node: Node, schemas: Iterable[Schema]) -> str | None:
    """Return how a value of the wrong kind can be mended, where one can tell."""
    schemas = list(schemas)
    types = {name for schema in schemas for name in _types(schema)}
    if isinstance(node, Scalar) and node.origin is None and node.text:
        return _remedy_for_scalar(node, types, schemas)
    if types == {"string"} and isinstance(node, (MappingNode, Sequence)):
        return _remedy_for_nested(node, schemas)
    if types == {"object"} and isinstance(node, MappingNode | Sequence):
        return "a mapping has one `name: value` a line, without dashes" if isinstance(node, Sequence) else None
    if types == {"array"} and isinstance(node, MappingNode):
        return "a list has one entry a line, each begun with `- `"
    if types == {"array"} and isinstance(node, Scalar) and node.origin is not None:
        return f"a list of one is written `[{node.raw}]`" if node.raw.startswith(('"', "'")) else None
    return None


def _remedy_for_nested(node: MappingNode | Sequence, schemas: list[Schema]) -> str | None:
    examples = [example for schema in schemas for example in schema.get("examples", ())]
    only = node.items[0] if isinstance(node, Sequence) and len(node.items) == 1 else None
    if isinstance(only, Scalar):
        return f"one text is written without brackets: `{_short(only.raw)}`" if only.origin or only.text else None
    return f"for example {listed(examples[:3])}" if examples else "text that begins with `[` or `{` needs quotes"


def lacking(missing: Iterable[str], known: Mapping[str, Schema]) -> str | None:
    """Return examples of missing keys, from the schema."""
    examples = {name: known.get(name, {}).get("examples") for name in missing}
    lines = [
        f"`{name}: {text}`" for name, found in examples.items() if found and "`" not in (text := _written(found[0]))
    ]
    return f"for example {', '.join(lines)}" if lines else None


def values(schemas: Iterable[Schema]) -> list[object]:
    """Return the constants that schemas allow."""
    return [value for schema in schemas for value in schema.get("enum", [schema.get("const")]) if value]


def same_kind(node: Node, values: Iterable[object]) -> bool:
    """Say whether a scalar is of the kind of any of the values."""
    return isinstance(node, Scalar) and any(isinstance(node.value, type(value)) for value in values)


def matches(pattern: str, text: str) -> bool:
    """Say whether a schema's pattern fits."""
    return re.search(pattern, text) is not None


def _remedy_for_scalar(node: Scalar, types: set[str], schemas: list[Schema]) -> str | None:
    word = node.text.casefold()
    if "boolean" in types and isinstance(node.value, int) and node.text in ("0", "1"):
        return f"write `{'true' if node.text == '1' else 'false'}`"
    constants = [schema["const"] for schema in schemas if "const" in schema]
    if constants and not isinstance(node.value, type(constants[0])):
        return f"write `{_written(constants[0])}`"
    if "boolean" in types and word in _MEANS_TRUE | _MEANS_FALSE:
        return f"write `{'true' if word in _MEANS_TRUE else 'false'}`, without quotes"
    if types & {"integer", "number"} and node.style and re.fullmatch(r"-?[0-9.]+", node.text):
        return "leave the quotes out"
    if (meant := _meant_unit(node.text, schemas)) is not None:
        return f"write `{meant}`"
    examples = [example for schema in schemas for example in schema.get("examples", ())]
    if isinstance(node.value, (int, Decimal)) and "string" in types:
        return _with_unit(node.text, schemas) or f'quotes make it text: `"{_short(node.text)}"`'
    if types == {"array"}:
        return f"a list of one is written `[{_short(node.text)}]`" if isinstance(node.value, str) else None
    return f"for example {listed(examples[:3])}" if examples and "string" in types else None


def _meant_unit(text: str, schemas: list[Schema]) -> str | None:
    """Return a duration as it is written here, of one that is written otherwise: `5 min`, `1 month`."""
    if not any(str(schema.get("title", "")).startswith("a duration") for schema in schemas):
        return None
    return meant_duration(text)


def _with_unit(text: str, schemas: list[Schema]) -> str | None:
    titles = [str(schema.get("title", "")) for schema in schemas]
    if any(title.startswith("a percentage") for title in titles) and re.fullmatch(r"0?\.[0-9]+|0\.0+|1\.0*", text):
        return f"write the unit: `{(Decimal(text) * 100).normalize():f}%`"
    unit = next((name for name in _UNITS if any(title.startswith(name) for title in titles)), None)
    if unit == "a duration":
        return f"write the unit: `{text}s`, `{text}d`"
    return None if unit is None else f"write the unit: `{text}{_UNITS[unit]}`"


def _lacking_partners(node: Node, partners: Mapping[str, list[str]]) -> list[str]:
    keys = node.keys() if isinstance(node, MappingNode) else ()
    return [name for key, names in partners.items() if key in keys for name in names if name not in keys]


def _allowed(schema: Schema) -> list[str]:
    if title := noun(schema):
        return [title]
    if "enum" in schema or "const" in schema:
        return [f"`{_written(value)}`" for value in schema.get("enum", [schema.get("const")])]
    for keyword in ("anyOf", "oneOf"):
        words = [word for inner in schema.get(keyword, ()) for word in _allowed(inner)]
        if words:
            return words
    return [_TYPES[name] for name in _types(schema)]


def _types(schema: Schema) -> list[str]:
    types = schema.get("type", [])
    inner = [name for keyword in ("anyOf", "oneOf") for each in schema.get(keyword, ()) for name in _types(each)]
    return [types] if isinstance(types, str) else [*types, *inner]


def _written(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _QUOTE_LIMIT else text[: _QUOTE_LIMIT - 1] + "…"


def _joined(words: list[str], link: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {link} {words[-1]}"

"""Extraction: names for the values that rules take out of a payload."""

from __future__ import annotations

from gateway.config.diagnostics import DocumentFindings
from gateway.config.document import Mapping, Node, Scalar, Sequence
from gateway.config.tables import UNSET
from gateway.config.values import Condition, read_expression
from gateway.expressions import VALUE_TYPES, CoercionError, ExpressionError, coerce
from gateway.records import dataclass

EXTRACTION_SCHEMA = {
    "description": "A JMESPath into the payload; a list of them, the first that is not null counts; or a mapping.",
    "examples": ["payment.customer || subscription.customer", {"path": "payment.dueDate", "as": "date"}],
    "oneOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}},
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "path": {
                    "type": "string",
                    "description": "A JMESPath into the payload.",
                    "examples": ["payment.dueDate"],
                },
                "first": {
                    "type": "array",
                    "minItems": 1,
                    "items": {"type": "string"},
                    "description": "Paths tried in order; the first that is not null (and fits `match`) counts.",
                    "examples": [["payment.customer", "subscription.customer"]],
                },
                "match": {
                    "type": "string",
                    "description": "An RE2 pattern; its first group is the value.",
                    "examples": ["^user:(.+)$"],
                },
                "as": {
                    "enum": list(VALUE_TYPES),
                    "description": "Convert to this type; what cannot be converted fails the event.",
                },
                "zone": {
                    "type": "string",
                    "description": "The IANA time zone of times that name none, such as `America/Sao_Paulo`.",
                    "examples": ["America/Sao_Paulo"],
                },
                "required": {"type": "boolean", "description": "Whether the event fails when there is no value."},
                "default": {"description": "The value when there is none.", "examples": ["unknown"]},
            },
        },
    ],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """One name and where its value comes from."""

    name: str
    alternatives: tuple[Condition, ...]
    match: str | None = None
    as_type: str | None = None
    zone: str | None = None
    required: bool = False
    default: object = UNSET
    node: Node
    key: Scalar


def read_extractions(node: Node | None, findings: DocumentFindings) -> tuple[Extraction, ...]:
    """Read an `extract` mapping; what cannot be read becomes findings."""
    entries = node.entries if isinstance(node, Mapping) else ()
    return tuple(_read(key, item, findings) for key, item in entries)


def _read(key: Scalar, node: Node, findings: DocumentFindings) -> Extraction:
    name = str(key.value)
    if name in RESERVED:
        findings.error("GW206", f"`{name}` is a name of the language", key, help="choose another name")
    elif not name.replace("_", "a").isalnum() or name[:1].isdigit():
        findings.error(
            "GW104", f"`{name}` is not a name", key, help="letters, digits and `_`, so that `$name` can stand in text"
        )
    if not isinstance(node, Mapping):
        return Extraction(name=name, alternatives=_paths(node, findings), node=node, key=key)
    paths, first = node.get("path"), node.get("first")
    if (paths is None) == (first is None):
        findings.error("GW102", f"`{name}` needs either `path` or `first`", key)
    match, as_type, zone = _text(node, "match"), _text(node, "as"), _text(node, "zone")
    _check_pattern(match, node.get("match"), findings)
    _check_zone(zone, node.get("zone"), findings)
    required = node.get("required")
    if isinstance(required, Scalar) and required.value is True and node.get("default") is not None:
        message = "`required` says nothing beside a `default`: there is always a value"
        findings.warning("GW310", message, node.key("required") or key, help="take one of the two out")
    return Extraction(
        name=name,
        alternatives=_paths(paths if paths is not None else first, findings),
        match=match,
        as_type=as_type,
        zone=zone,
        required=isinstance(required, Scalar) and required.value is True,
        default=_default(node.get("default"), as_type, findings),
        node=node,
        key=key,
    )


RESERVED = ("settings", "event", "now", "payload")
"""Names that a rule's scope always has."""


def _paths(node: Node | None, findings: DocumentFindings) -> tuple[Condition, ...]:
    items = node.items if isinstance(node, Sequence) else (node,) if node is not None else ()
    read = (read_expression(item, findings) for item in items)
    return tuple(path for path in read if path is not None)


def _text(node: Mapping, key: str) -> str | None:
    item = node.get(key)
    return str(item.value) if isinstance(item, Scalar) else None


def _default(node: Node | None, as_type: str | None, findings: DocumentFindings) -> object:
    if node is None:
        return UNSET
    value = node.plain()
    if as_type is None or value is None:
        return value
    try:
        return coerce(value, as_type)
    except CoercionError as error:
        findings.error("GW305", f"the default is not {as_type}: {error}", node)
        return UNSET


def _check_pattern(pattern: str | None, node: Node | None, findings: DocumentFindings) -> None:
    if pattern is None or node is None:
        return
    from gateway.expressions import compile_pattern

    if len(pattern) > 2 and pattern[0] == pattern[-1] == "/":
        help = f"write `{pattern[1:-1]}`"
        findings.warning("GW304", "the `/` at both ends are part of the pattern, and are looked for", node, help=help)
    try:
        compile_pattern(pattern)
    except ExpressionError as error:
        findings.error("GW304", error.message, node, help=error.help)


def _check_zone(zone: str | None, node: Node | None, findings: DocumentFindings) -> None:
    if zone is None or node is None:
        return
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        findings.error("GW104", f"unknown time zone `{zone}`", node, help="IANA names, such as `America/Sao_Paulo`")

"""Reads the tables that a rules file declares."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.config.diagnostics import DocumentFindings
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node, Scalar
from gateway.config.document import Sequence as SequenceNode
from gateway.config.tables import UNSET, Column, Table
from gateway.config.wording import synonym
from gateway.expressions import VALUE_TYPES, CoercionError, fit
from gateway.records import replace


def read_tables(node: Node | None, path: str, findings: DocumentFindings) -> dict[str, Table]:
    """Read the tables that a file declares; `path` is how the file is shown."""
    entries = node.entries if isinstance(node, MappingNode) else ()
    return {str(key.value): _table(key, item, path, findings) for key, item in entries if isinstance(item, MappingNode)}


def _table(key: Scalar, node: MappingNode, path: str, findings: DocumentFindings) -> Table:
    columns_node = node.get("columns")
    entries = columns_node.entries if isinstance(columns_node, MappingNode) else ()
    columns = tuple(_column(name, item, path, findings) for name, item in entries)
    existing = node.get("existing")
    is_existing = isinstance(existing, Scalar) and existing.value is True
    if not is_existing and not columns:
        is_existing = True  # no columns are declared, which has been reported: none is unknown then
    elif not is_existing:
        _check_key(key, [name for (name, _), one in zip(entries, columns, strict=True) if one.primary_key], findings)
        _check_names([name for name, _ in entries], findings)
    if str(key.value).startswith("gateway_") or str(key.value).startswith("sqlite_"):
        findings.error("GW104", f"table name `{key.value}` is the gateway's own", key, help="choose another prefix")
    return Table(name=str(key.value), columns=columns, existing=is_existing)


def _check_key(table: Scalar, keys: Sequence[Scalar], findings: DocumentFindings) -> None:
    if len(keys) != 1:
        findings.error(
            "GW102",
            f"table `{table.value}` needs exactly one column with `primary_key: true`",
            keys[1] if keys else table,
            help="mark the column that names a row: `id: {type: text, primary_key: true}`"
            if not keys
            else f"`{keys[0].text}` is the key; a column that no two rows share is `unique: true`",
        )


_NAME = re.compile(r"[^\W\d]\w*")


def _check_names(keys: Sequence[Scalar], findings: DocumentFindings) -> None:
    """Report names of columns that expressions cannot write, and two that databases do not tell apart."""
    folded: dict[str, str] = {}
    for key in keys:
        before = folded.setdefault(key.text.casefold(), key.text)
        if before != key.text:
            message = f"to databases the columns `{before}` and `{key.text}` have the same name"
            findings.error("GW206", message, key, help="capital letters alone tell nothing apart")
        if not _NAME.fullmatch(key.text):
            help = "letters, digits and `_`, so that `$row.column` can be written"
            findings.warning("GW104", f"`{key.text}` is no name that expressions can write", key, help=help)


def _column(key: Scalar, node: Node, path: str, findings: DocumentFindings) -> Column:
    if not isinstance(node, MappingNode):  # which has been reported, as has a type that is none
        node = MappingNode(entries=((key, node),), span=node.span)
        return Column(name=str(key.value), type=_type_of(node.get(key.text)), primary_key=False)
    spec = node.plain()
    assert isinstance(spec, dict)
    type_name = _type_of(node.get("type"))
    column = Column(
        name=str(key.value),
        type=type_name,
        primary_key=spec.get("primary_key") is True,
        unique=spec.get("unique") is True,
        required=spec.get("required") is True,
        indexed=spec.get("index") is True,
        values=_values(node.get("values"), type_name, findings),
        place=f"{path}:{key.span.start.line}",
    )
    if "default" not in spec:
        return column
    default_node = node.get("default") or node
    default = _literal(spec["default"], type_name, default_node, findings)
    if column.values and default not in (None, UNSET) and default not in column.values:
        findings.error("GW305", f"default `{default}` is not one of the column's `values`", default_node)
    return replace(column, default=default)


def _values(node: Node | None, type_name: str, findings: DocumentFindings) -> tuple[object, ...]:
    values: list[object] = []
    for item in _items(node):
        value = _literal(item.plain(), type_name, item, findings)
        if value is UNSET:
            continue
        if value is None:
            help = "every column may be null, unless it is `required`"
            findings.error("GW104", "null is not one of the `values` of a column", item, help=help)
        elif value in values:
            findings.warning("GW104", f"`{value}` is written twice", item, help="take one of them out")
        elif value is not UNSET:  # one that is of another type has been reported
            values.append(value)
    return tuple(values)


def _literal(value: object, type_name: str, node: Node, findings: DocumentFindings) -> object:
    try:
        return None if value is None else fit(value, type_name)
    except CoercionError as error:
        findings.error("GW305", f"the column is {type_name}: {error}", node)
        return UNSET


def _type_of(node: Node | None) -> str:
    """Return the type that was written, or meant; one that may hold anything where that cannot be told."""
    written = node.text if isinstance(node, Scalar) else ""
    return written if written in VALUE_TYPES else synonym(written, VALUE_TYPES) or "json"


def _items(node: Node | None) -> tuple[Node, ...]:
    return node.items if isinstance(node, SequenceNode) else ()

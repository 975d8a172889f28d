"""Consistency checks of a rules file: rows of one table that lack their row in another, and what repairs them."""

from __future__ import annotations

from datetime import timedelta

from gateway.config.conditions import ColumnTest, Where, read_where
from gateway.config.diagnostics import DocumentFindings
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node, Scalar
from gateway.config.schema_parts import TEXT, WAIT, described, named, section
from gateway.config.steps import StepReader
from gateway.config.units import parse_duration
from gateway.config.values import Value
from gateway.expressions import Expression, Template
from gateway.expressions.tree import Field, Path
from gateway.records import dataclass

_CHECK = section(
    "Rows that lack something, and what mends it.",
    {
        "description": {"type": "string", "description": "For people.", "examples": ["Payments without a membership."]},
        "find": described(TEXT, "The table whose rows are looked at.", examples=["membership_payments"]),
        "where": {
            "type": "object",
            "minProperties": 1,
            "description": "Which of its rows: columns and their values, as in `find` steps.",
            "examples": [{"status": "paid"}],
        },
        "as": {
            "type": "string",
            "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
            "description": "What a row is called in `by` and in the procedure that repairs it.",
            "examples": ["payment"],
        },
        "lacks": described(TEXT, "The table that must have a row for each.", examples=["membership_subscriptions"]),
        "by": {
            "type": "object",
            "minProperties": 1,
            "description": "The columns of that row and their values: a column of the row that was found, "
            "`$payment.user_id`, or what is the same for all.",
            "examples": [{"user_id": "$payment.user_id"}],
        },
        "repair": described(
            TEXT, "The procedure that mends one; it is run as an event of its own, on request.", examples=["grant_days"]
        ),
        "every": described(WAIT, "How often the running gateway looks by itself; never when left out."),
        "notify": described(TEXT, "The channel that is told when what it finds has changed.", examples=["admins"]),
    },
    required=["find", "as", "lacks", "by"],
)

CHECKS_SCHEMA = named(
    _CHECK,
    "What must hold between rows; `gateway check` looks.",
    examples=[
        {
            "paid_without_days": {
                "find": "payments",
                "as": "payment",
                "lacks": "subscriptions",
                "by": {"user_id": "$payment.user_id"},
            }
        }
    ],
)
"""JSON Schema of `checks` in a rules file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyCheck:
    """Rows of one table that lack their row in another."""

    name: str
    table: str
    where: Where | None
    bind_as: str
    other: str
    """The table that must have a row."""
    by: Where
    repair: str | None
    every: timedelta | None
    notify: str | None
    node: MappingNode
    key: Scalar

    def column_of(self, test: ColumnTest) -> str | None:
        """Return the column of the row found that a test of `by` compares with; None where the value is another."""
        return None if test.value is None else column_read(test.value, self.bind_as)


def column_read(value: Value, name: str) -> str | None:
    """Return the column when a value is `$name.column` and nothing else, else None."""
    parts = value.parts
    compiled = parts[0].compiled if len(parts) == 1 and parts[0].node is value.node else None
    inner = compiled.parts[0] if isinstance(compiled, Template) and len(compiled.parts) == 1 else None
    tree = inner.tree if isinstance(inner, Expression) else None
    match tree:
        case Path(parts=(Field(name=first), Field(name=column))) if first == name:
            return column
    return None


def read_checks(node: Node | None, findings: DocumentFindings) -> dict[str, ConsistencyCheck]:
    """Read `checks`; those that have not the shape of one have been reported and are left out."""
    entries = node.entries if isinstance(node, MappingNode) else ()
    read = (_read(key, item, findings) for key, item in entries if isinstance(item, MappingNode))
    return {check.name: check for check in read if check is not None}


def _read(key: Scalar, node: MappingNode, findings: DocumentFindings) -> ConsistencyCheck | None:
    reader = StepReader(node=node, findings=findings, action="check")
    where, by = read_where(reader), read_where(reader, "by")
    if len(by) != 1 or not all(reader.text(name) for name in ("find", "as", "lacks")):
        return None
    return ConsistencyCheck(
        name=str(key.value),
        table=reader.text("find"),
        where=where[0] if where else None,
        bind_as=reader.text("as"),
        other=reader.text("lacks"),
        by=by[0],
        repair=reader.text("repair") or None,
        every=_duration(reader.text("every")),
        notify=reader.text("notify") or None,
        node=node,
        key=key,
    )


def _duration(text: str) -> timedelta | None:
    try:
        return parse_duration(text) if text else None
    except ValueError:  # the schema has reported it
        return None

"""Values in rules: literals, `$name` text and nested mappings, compiled once.

Where a rule writes a value (`set`, `values`, `with`, `json`, …) text is literal except `$name`,
`$name.field` and `${ JMESPath }`. Mappings and lists hold values in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gateway.config.diagnostics import DocumentFindings
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node, Scalar
from gateway.config.document import Sequence as SequenceNode
from gateway.expressions import (
    Context,
    Expression,
    ExpressionError,
    Reference,
    Template,
    compile_expression,
    compile_template,
)
from gateway.expressions.inference import infer
from gateway.expressions.inferred import Known
from gateway.expressions.types import TEXT, Type, list_of, object_of, type_of, union
from gateway.records import dataclass

Evaluate = Callable[[Mapping[str, object], Context], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """An expression or template, with the node it was read from, so that a finding can point into it."""

    compiled: Expression | Template
    node: Scalar

    @property
    def names(self) -> tuple[Reference, ...]:
        """Return the names it reads from the scope."""
        return self.compiled.names

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Return its expressions: itself, or what stands for the placeholders of a template."""
        return self.compiled.expressions

    @property
    def is_expression(self) -> bool:
        """Say whether its value is that of its one expression; else it is text with values written into it."""
        return self.compiled.only is not None

    def type(self, known: Known) -> Type:
        """Return the type of its value; `known` is what there is where it stands."""
        only = self.compiled.only
        return TEXT if only is None else infer(only.tree, known).type

    @property
    def plain_names(self) -> tuple[Reference, ...]:
        """Return the placeholders of a template that are a name and its fields alone."""
        return self.compiled.plain_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value of a rule: call it with the scope to get what it stands for."""

    node: Node
    evaluate: Evaluate
    parts: tuple[Located, ...]
    literal: bool
    """Whether it is the same for every event."""
    expression: Expression | None = None
    """The expression that it is and nothing else, else None."""

    def __call__(self, scope: Mapping[str, object], context: Context) -> object:
        """Return the value. Raises EvaluationError."""
        return self.evaluate(scope, context)

    @property
    def constant(self) -> object:
        """Return the value of a literal."""
        return self.node.plain() if not isinstance(self.node, Scalar) else self.evaluate({}, _NOTHING)


def type_of_value(value: Value, known: Known) -> Type:
    """Return the type of a value; `known` is what there is where it stands."""
    return _type_of_node(value.node, {id(part.node): part for part in value.parts}, known)


def _type_of_node(node: Node, parts: Mapping[int, Located], known: Known) -> Type:
    if isinstance(node, Scalar):
        part = parts.get(id(node))
        return type_of(_written(node)) if part is None else part.type(known)
    if isinstance(node, SequenceNode):
        return list_of(union(_type_of_node(item, parts, known) for item in node.items))
    return object_of({key.text: _type_of_node(item, parts, known) for key, item in node.entries})


def _written(node: Scalar) -> object:
    # `$$` is the one thing that a literal text does not hold as it is written.
    return node.value.replace("$$", "$") if isinstance(node.value, str) else node.value


class _Nothing:
    def lookup(self, table: str, key: object) -> None:
        raise AssertionError("a literal looks nothing up")


_NOTHING = _Nothing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A JMESPath condition or path of a rule, with its place."""

    expression: Expression
    node: Scalar

    @property
    def located(self) -> Located:
        """Return it as something that reads names."""
        return Located(compiled=self.expression, node=self.node)


def read_value(node: Node, findings: DocumentFindings) -> Value:
    """Compile a value of a rule; what cannot be compiled becomes a finding and a null."""
    if isinstance(node, Scalar):
        return _read_scalar(node, findings)
    if isinstance(node, SequenceNode):
        items = [read_value(item, findings) for item in node.items]
        return _collect(node, items, _list_of([item.evaluate for item in items]))
    assert isinstance(node, MappingNode)
    entries = {str(key.value): read_value(item, findings) for key, item in node.entries}
    return _collect(node, list(entries.values()), _mapping_of({k: v.evaluate for k, v in entries.items()}))


def _collect(node: Node, items: Sequence[Value], evaluate: Evaluate) -> Value:
    parts = tuple(part for item in items for part in item.parts)
    return Value(node=node, evaluate=evaluate, parts=parts, literal=all(item.literal for item in items))


def _list_of(items: list[Evaluate]) -> Evaluate:
    return lambda scope, context: [item(scope, context) for item in items]


def _mapping_of(items: dict[str, Evaluate]) -> Evaluate:
    return lambda scope, context: {key: item(scope, context) for key, item in items.items()}


def _read_scalar(node: Scalar, findings: DocumentFindings) -> Value:
    if not isinstance(node.value, str):
        constant = node.value
        return Value(node=node, evaluate=lambda scope, context: constant, parts=(), literal=True)
    try:
        template = compile_template(node.value)
    except ExpressionError as error:
        report_syntax(error, node, findings)
        return Value(node=node, evaluate=lambda scope, context: None, parts=(), literal=True)
    parts = () if template.is_literal else (Located(compiled=template, node=node),)
    literal, only = template.is_literal, template.only
    return Value(node=node, evaluate=template.evaluate, parts=parts, literal=literal, expression=only)


def read_expression(node: Node, findings: DocumentFindings) -> Condition | None:
    """Compile a JMESPath expression; None when it cannot be, which is then a finding."""
    if not isinstance(node, Scalar) or node.value is None or isinstance(node.value, bool):
        return None  # it is no text, which the check of the shape has reported
    try:
        return Condition(expression=compile_expression(str(node.value)), node=node)
    except ExpressionError as error:
        report_syntax(error, node, findings)
        return None


_CODES = {"syntax": "GW301", "function": "GW302", "arguments": "GW303", "pattern": "GW304"}


def report_syntax(error: ExpressionError, node: Scalar, findings: DocumentFindings) -> None:
    """Report an expression that cannot be compiled, at its place inside the text."""
    findings.error(_CODES[error.about], error.message, node.span_of(error.start, error.end), help=error.help)

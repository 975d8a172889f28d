"""The expression language: JMESPath over exact values, functions, and text with `$name` in it.

Where it differs from JMESPath, on purpose: numbers are integers and exact decimals; dates and timestamps are
values; two values of kinds that cannot be compared are an error, never a silent false; functions give null
for null; `!a.b` is `!(a.b)`.
"""

from gateway.expressions.context import NO_CONTEXT, Context
from gateway.expressions.errors import CoercionError, EvaluationError, ExpressionError
from gateway.expressions.expression import Expression, compile_expression
from gateway.expressions.functions import FUNCTIONS, Function, Parameter
from gateway.expressions.kinds import is_true, kind_of
from gateway.expressions.names import Reference
from gateway.expressions.patterns import Pattern, compile_pattern
from gateway.expressions.template import Template, compile_template
from gateway.expressions.tree import FunctionCall
from gateway.expressions.values import VALUE_TYPES, coerce, coercion, fit
from gateway.expressions.writing import to_json, to_text

__all__ = [
    "FUNCTIONS",
    "NO_CONTEXT",
    "VALUE_TYPES",
    "CoercionError",
    "Context",
    "EvaluationError",
    "Expression",
    "ExpressionError",
    "Function",
    "FunctionCall",
    "Parameter",
    "Pattern",
    "Reference",
    "Template",
    "coerce",
    "coercion",
    "compile_expression",
    "compile_pattern",
    "compile_template",
    "fit",
    "is_true",
    "kind_of",
    "to_json",
    "to_text",
]

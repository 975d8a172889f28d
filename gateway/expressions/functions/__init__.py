"""The functions of the expression language, each with its spec."""

from __future__ import annotations

from gateway.expressions.functions.collections import COLLECTION_FUNCTIONS
from gateway.expressions.functions.conversions import CONVERSION_FUNCTIONS
from gateway.expressions.functions.money import MONEY_FUNCTIONS
from gateway.expressions.functions.numbers import NUMBER_FUNCTIONS
from gateway.expressions.functions.spec import Function, Parameter
from gateway.expressions.functions.text import TEXT_FUNCTIONS
from gateway.expressions.functions.times import TIME_FUNCTIONS

FUNCTIONS: tuple[Function, ...] = (
    *CONVERSION_FUNCTIONS,
    *TEXT_FUNCTIONS,
    *NUMBER_FUNCTIONS,
    *MONEY_FUNCTIONS,
    *TIME_FUNCTIONS,
    *COLLECTION_FUNCTIONS,
)
"""Every function, by subject."""

BY_NAME: dict[str, Function] = {function.name: function for function in FUNCTIONS}

__all__ = ["BY_NAME", "FUNCTIONS", "Function", "Parameter"]

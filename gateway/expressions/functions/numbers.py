"""Functions of numbers: exact, and refused where a result would be too long."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from gateway.expressions.arithmetic import Number, add, divide, multiply, rounded, subtract, to_integer
from gateway.expressions.functions.spec import Function, Parameter

_NUMBER = Parameter(name="number", kinds=("number",))
_NUMBERS = Parameter(name="list", kinds=("list",), elements=("number",))
_TWO = (Parameter(name="a", kinds=("number",)), Parameter(name="b", kinds=("number",)))


def _absolute(number: Number) -> Number:
    return number.copy_abs() if isinstance(number, Decimal) else abs(number)


def _ceiling(number: Number) -> int:
    return to_integer(number, ROUND_CEILING)


def _floor(number: Number) -> int:
    return to_integer(number, ROUND_FLOOR)


def _sum(numbers: list[Number]) -> Number:
    total: Number = 0
    for number in numbers:
        total = add(total, number)
    return total


def _average(numbers: list[Number]) -> Number | None:
    return divide(_sum(numbers), len(numbers)) if numbers else None


NUMBER_FUNCTIONS = (
    Function(
        name="abs",
        parameters=(_NUMBER,),
        result=("number",),
        doc="A number without its sign.",
        example="abs(`-9.99`)",
        gives="9.99",
        run=_absolute,
    ),
    Function(
        name="add",
        parameters=_TWO,
        result=("number",),
        doc="The exact sum of two numbers.",
        example="add(`0.1`, `0.2`)",
        gives="0.3",
        run=add,
    ),
    Function(
        name="avg",
        parameters=(_NUMBERS,),
        result=("number",),
        doc="The mean of a list of numbers, divided as by `div`; null for an empty list.",
        example="avg(`[1, 2]`)",
        gives="1.5",
        run=_average,
    ),
    Function(
        name="ceil",
        parameters=(_NUMBER,),
        result=("integer",),
        doc="The smallest integer that is not below a number.",
        example="ceil(`1.2`)",
        gives="2",
        run=_ceiling,
    ),
    Function(
        name="div",
        parameters=_TWO,
        result=("number",),
        doc="The first number divided by the second, with 28 significant digits when it does not come "
        "out even; a division by zero is an error.",
        example="div(`100`, `8`)",
        gives="12.5",
        run=divide,
    ),
    Function(
        name="floor",
        parameters=(_NUMBER,),
        result=("integer",),
        doc="The largest integer that is not above a number.",
        example="floor(`1.8`)",
        gives="1",
        run=_floor,
    ),
    Function(
        name="mul",
        parameters=_TWO,
        result=("number",),
        doc="The exact product of two numbers.",
        example="mul(`19.99`, `3`)",
        gives="59.97",
        run=multiply,
    ),
    Function(
        name="round",
        parameters=(_NUMBER, Parameter(name="digits", kinds=("integer",))),
        result=("number",),
        doc="A number with this many digits after the point, a tie going away from zero (as on invoices); "
        "negative digits round to tens and hundreds.",
        example="round(`2.345`, `2`)",
        gives="2.35",
        run=rounded,
    ),
    Function(
        name="sub",
        parameters=_TWO,
        result=("number",),
        doc="The first number less the second, exactly.",
        example="sub(`10`, `0.01`)",
        gives="9.99",
        run=subtract,
    ),
    Function(
        name="sum",
        parameters=(_NUMBERS,),
        result=("number",),
        doc="The exact sum of a list of numbers; 0 for an empty list.",
        example="sum(`[0.1, 0.2]`)",
        gives="0.3",
        run=_sum,
    ),
)

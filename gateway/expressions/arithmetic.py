"""Exact arithmetic with bounds: no rounding that nobody asked for, no number too long to hold."""

from __future__ import annotations

from collections.abc import Callable
from decimal import (
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Clamped,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    Subnormal,
    Underflow,
)

from gateway.expressions.errors import EvaluationError
from gateway.expressions.writing import shown

Number = int | Decimal

MAX_DIGITS = 100
"""Digits that the result of arithmetic may have, before the point and after it."""

QUOTIENT_DIGITS = 28
"""Significant digits of a division that does not come out even; the last is rounded half to even."""

_LARGEST = 10**MAX_DIGITS
_EXACT = Context(
    prec=2 * MAX_DIGITS,
    Emin=-2 * MAX_DIGITS,
    Emax=2 * MAX_DIGITS,
    traps=[Inexact, InvalidOperation, Overflow, Underflow, Subnormal, Clamped],
)
_DIVISION = Context(
    prec=QUOTIENT_DIGITS,
    rounding=ROUND_HALF_EVEN,
    Emin=-2 * MAX_DIGITS,
    Emax=2 * MAX_DIGITS,
    traps=[DivisionByZero, InvalidOperation, Overflow, Underflow, Subnormal],
)


def add(left: Number, right: Number) -> Number:
    """Return the exact sum; raises EvaluationError when it is too long."""
    if isinstance(left, int) and isinstance(right, int):
        return bounded(left + right)
    return _calculated(_EXACT.add, left, right)


def subtract(left: Number, right: Number) -> Number:
    """Return the exact difference; raises EvaluationError when it is too long."""
    if isinstance(left, int) and isinstance(right, int):
        return bounded(left - right)
    return _calculated(_EXACT.subtract, left, right)


def multiply(left: Number, right: Number) -> Number:
    """Return the exact product; raises EvaluationError when it is too long."""
    if isinstance(left, int) and isinstance(right, int):
        return bounded(bounded(left) * bounded(right))
    return _calculated(_EXACT.multiply, left, right)


def divide(left: Number, right: Number) -> Number:
    """Return the quotient, an integer when two integers divide evenly, else of QUOTIENT_DIGITS digits.

    Raises EvaluationError for a division by zero.
    """
    if not right:
        raise EvaluationError(f"cannot divide {shown(left)} by zero")
    if isinstance(left, int) and isinstance(right, int) and left % right == 0:
        return bounded(left // right)
    return _calculated(_DIVISION.divide, left, right)


def rounded(number: Number, digits: int) -> Number:
    """Return a number with `digits` digits after the point, a tie going away from zero.

    Negative `digits` round to tens, hundreds and so on. An integer stays one. Raises EvaluationError when
    `digits` is beyond MAX_DIGITS.
    """
    if abs(digits) > MAX_DIGITS:
        raise EvaluationError(f"cannot round to {digits} digits: the most is {MAX_DIGITS}")
    if isinstance(number, int):
        return number if digits >= 0 else int(_quantized(number, digits))
    return _quantized(number, digits)


def _quantized(number: Number, digits: int) -> Decimal:
    context = Context(prec=2 * MAX_DIGITS, rounding=ROUND_HALF_UP, traps=[InvalidOperation])
    step = Decimal((0, (1,), -digits))
    try:
        return context.plus(context.quantize(Decimal(number), step))
    except InvalidOperation:
        raise _too_long() from None


def to_integer(number: Number, rounding: str) -> int:
    """Return a number rounded to an integer by one of decimal's rounding modes; raises EvaluationError."""
    if isinstance(number, int):
        return number
    if number.adjusted() >= MAX_DIGITS and number:
        raise _too_long()
    return int(number.to_integral_value(rounding))


def scaled(number: Number, power: int) -> Decimal:
    """Return a number times ten to a small power, exactly; raises EvaluationError when it is too long."""
    return Decimal(_calculated(_EXACT.scaleb, number, power))


def is_integral(number: Number) -> bool:
    """Return whether a number has nothing after the point; safe for any exponent."""
    if isinstance(number, int):
        return True
    if not number.is_finite() or number.adjusted() >= MAX_DIGITS:
        return False
    return number == number.to_integral_value()


def bounded(number: Number) -> Number:
    """Return a number; raises EvaluationError when it has too many digits."""
    if isinstance(number, int):
        fits = -_LARGEST < number < _LARGEST
    else:
        exponent = number.as_tuple().exponent
        fits = isinstance(exponent, int) and number.adjusted() < MAX_DIGITS and exponent >= -MAX_DIGITS
    if not fits:
        raise _too_long()
    return number


def _calculated(operation: Callable[[Decimal, Decimal], Decimal], left: Number, right: Number) -> Number:
    try:
        return bounded(operation(Decimal(left), Decimal(right)))
    except DecimalException:
        raise _too_long() from None


def _too_long() -> EvaluationError:
    return EvaluationError(f"the result has more than {MAX_DIGITS} digits before or after the point")

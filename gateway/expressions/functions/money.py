"""Functions of money: minor units (cents) and major units, by currency."""

from __future__ import annotations

from decimal import Decimal

from gateway.expressions.arithmetic import Number, is_integral, scaled
from gateway.expressions.errors import EvaluationError
from gateway.expressions.functions.spec import Function, Parameter
from gateway.expressions.writing import number_text

# docs.stripe.com/currencies. UGX and ISK have no decimals in the world, but are charged with two.
ZERO_DECIMAL = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
"""Currencies whose smallest unit is the unit itself."""

THREE_DECIMAL = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))
"""Currencies whose smallest unit is a thousandth."""

_AMOUNT = Parameter(name="amount", kinds=("number",))
_CURRENCY = Parameter(name="currency", kinds=("text",))


def minor_digits(currency: str) -> int:
    """Return how many decimals a currency has, in whatever case it is written; 2 for an unknown one."""
    code = currency.upper()
    if code in ZERO_DECIMAL:
        return 0
    return 3 if code in THREE_DECIMAL else 2


def from_minor(amount: Number, currency: str) -> Decimal:
    """Return an amount in minor units as major units, with the decimals of its currency."""
    return scaled(amount, -minor_digits(currency))


def to_minor(amount: Number, currency: str) -> int:
    """Return an amount in major units as minor units; raises EvaluationError for a fraction of one."""
    minor = scaled(amount, minor_digits(currency))
    if not is_integral(minor):
        digits = minor_digits(currency)
        what = f"`to_minor` cannot write {number_text(amount)} {currency.upper()} in minor units"
        raise EvaluationError(f"{what}: the currency has {digits} decimals")
    return int(minor)


MONEY_FUNCTIONS = (
    Function(
        name="from_minor",
        parameters=(_AMOUNT, _CURRENCY),
        result=("decimal",),
        doc="An amount in minor units (cents) as the exact amount in major units, by the currency's decimals "
        "(JPY 0, KWD 3, otherwise 2).",
        example="from_minor(`1999`, 'usd')",
        gives="19.99",
        run=from_minor,
    ),
    Function(
        name="to_minor",
        parameters=(_AMOUNT, _CURRENCY),
        result=("integer",),
        doc="An amount in major units as minor units (cents); an amount with more decimals than the currency "
        "has is an error, never rounded.",
        example="to_minor(`19.99`, 'usd')",
        gives="1999",
        run=to_minor,
    ),
)

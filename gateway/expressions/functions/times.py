"""Functions of dates and timestamps."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TypeVar

from gateway.expressions.errors import CoercionError, EvaluationError
from gateway.expressions.functions.spec import Function, Parameter
from gateway.expressions.kinds import instant
from gateway.expressions.values import coerce
from gateway.expressions.writing import shown

_TIMES = ("date", "timestamp")
_TIME = Parameter(name="t", kinds=_TIMES)
_COUNT = Parameter(name="n", kinds=("integer",))


_Time = TypeVar("_Time", bound=date)


def _moved(name: str, start: _Time, n: int, unit: timedelta) -> _Time:
    try:
        return start + n * unit
    except OverflowError:
        raise EvaluationError(f"`{name}` with {shown(n)} leaves the years 1 to 9999") from None


def _add_days(t: date, n: int) -> date:
    return _moved("add_days", t, n, timedelta(days=1))


def _add_minutes(t: date, n: int) -> datetime:
    return _moved("add_minutes", instant(t), n, timedelta(minutes=1))


def _days_between(a: date, b: date) -> int:
    return (instant(b) - instant(a)).days


def _later(a: date | None, b: date | None) -> date | None:
    if a is None or b is None:
        return b if a is None else a
    return b if instant(b) > instant(a) else a


def _parse_time(value: object) -> datetime:
    try:
        moment: datetime = coerce(value, "timestamp")
    except CoercionError as error:
        raise EvaluationError(error.message) from None
    return moment


TIME_FUNCTIONS = (
    Function(
        name="add_days",
        parameters=(_TIME, _COUNT),
        result=_TIMES,
        doc="A date or timestamp moved by whole days (of 24 hours), back when negative.",
        example="add_days(parse_time('2024-02-28T12:00:00Z'), `2`)",
        gives='"2024-03-01T12:00:00Z"',
        run=_add_days,
    ),
    Function(
        name="add_minutes",
        parameters=(_TIME, _COUNT),
        result=("timestamp",),
        doc="A timestamp moved by whole minutes, back when negative; a date counts as its midnight in UTC.",
        example="add_minutes(parse_time('2024-01-15T23:50:00Z'), `15`)",
        gives='"2024-01-16T00:05:00Z"',
        run=_add_minutes,
    ),
    Function(
        name="days_between",
        parameters=(Parameter(name="a", kinds=_TIMES), Parameter(name="b", kinds=_TIMES)),
        result=("integer",),
        doc="The whole days from a to b, rounded down, negative when b is earlier; a date counts as its "
        "midnight in UTC.",
        example="days_between(parse_time('2024-01-10'), parse_time('2024-01-15T23:00:00Z'))",
        gives="5",
        run=_days_between,
    ),
    Function(
        name="later",
        parameters=(
            Parameter(name="a", kinds=_TIMES, nullable=True),
            Parameter(name="b", kinds=_TIMES, nullable=True),
        ),
        result=_TIMES,
        doc="The later of two dates or timestamps; when one is null, the other; a date counts as its midnight in UTC.",
        example="later(parse_time('2024-01-15'), `null`)",
        gives='"2024-01-15T00:00:00Z"',
        run=_later,
    ),
    Function(
        name="parse_time",
        parameters=(Parameter(name="x", kinds=("text", "number", *_TIMES)),),
        result=("timestamp",),
        doc="The timestamp that a text names (ISO 8601, or a date as `yyyy-MM-dd` or `dd/MM/yyyy`; UTC where "
        "no offset is written), or a number (epoch seconds, or milliseconds from 10^11).",
        example="parse_time('2024-01-15T09:00:00-03:00')",
        gives='"2024-01-15T12:00:00Z"',
        run=_parse_time,
    ),
)

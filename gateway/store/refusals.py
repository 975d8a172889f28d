"""Which column PostgreSQL means when it refuses a value: it says what is wrong with it, and not where it was to stand.

Tables that an operator made himself may have columns narrower than the types of rules: `smallint`, `varchar(3)`,
`numeric(5,2)`, `uuid`, an enumeration. Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

from gateway.expressions import to_text
from gateway.store.database import PostgresError

_TOO_LONG, _OUT_OF_RANGE = "22001", "22003"
_NUMBERS = re.compile(r"\d+")
_LONGEST_SHOWN = 60


def refusal_text(error: BaseException, table: str, values: Mapping[str, object]) -> str:
    """Return what a refusal says, with the column and the value that it must be about; a value may be a list."""
    said = str(error)
    if not isinstance(error, PostgresError):
        return said
    meant = {name: one for name, value in values.items() for one in _each(value) if _is_about(error, one)}
    if not meant:
        return said
    names = " or ".join(f"`{table}.{name}`" for name in meant)
    shown = {_shown(value) for value in meant.values() if f'"{to_text(value)}"' not in said}
    got = f", got `{'` or `'.join(sorted(shown))}`" if shown else ""
    detail = f": {error.detail.rstrip('.')}" if error.detail and error.sqlstate == _OUT_OF_RANGE else ""
    return f"column {names}: {said}{got}{detail}"


def _each(value: object) -> Iterable[object]:
    return value if isinstance(value, list | tuple) else (value,)


def _is_about(error: PostgresError, value: object) -> bool:
    """Say whether a refusal can be about a value. Messages come in the server's language, numbers in all of them."""
    if value is None:
        return False
    if error.sqlstate == _TOO_LONG:
        most = _NUMBERS.findall(str(error))
        return isinstance(value, str) and bool(most) and len(value) > int(most[-1])
    if error.sqlstate == _OUT_OF_RANGE and error.detail and isinstance(value, int | Decimal):
        return _overflows(Decimal(value), error.detail)
    return f'"{to_text(value)}"' in str(error)


def _overflows(value: Decimal, detail: str) -> bool:
    """Say whether a number is too large for the precision and scale that a detail names first."""
    numbers = list(map(int, _NUMBERS.findall(detail)))
    if len(numbers) < 2:
        return False
    precision, scale = numbers[:2]
    return abs(round(value, scale)) >= Decimal(10) ** (precision - scale)


def _shown(value: object) -> str:
    text = to_text(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"

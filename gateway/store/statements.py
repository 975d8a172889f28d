"""SQL written once: SQLAlchemy Core composes a statement for a dialect, the drivers run its text.

Composing takes tenths of a millisecond and happens when rules are loaded; running one is a plain call of the
driver with a tuple of values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement

_DIALECTS: dict[str, Any] = {
    "sqlite": sqlite.dialect,
    # Values are written `?` on both; `store.dialects` numbers them.
    "postgresql": partial(postgresql.dialect, paramstyle="qmark"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement's text, and the names of its values in the order that the driver wants them."""

    sql: str
    names: tuple[str, ...]

    def values(self, by_name: Mapping[str, object]) -> Sequence[object]:
        """Return the values in order."""
        return [by_name[name] for name in self.names]

    def arrange(self) -> Any:
        """Return a fast function from a mapping of values to the tuple that the driver takes."""
        if not self.names:
            return lambda by_name: ()
        getter = itemgetter(*self.names)
        return getter if len(self.names) > 1 else lambda by_name: (getter(by_name),)


@lru_cache
def dialect_named(name: str) -> Dialect:
    """Return SQLAlchemy's dialect of that name."""
    dialect: Dialect = _DIALECTS[name]()
    return dialect


def compile_statement(clause: ClauseElement, dialect: str) -> Statement:
    """Write a statement for a dialect. Every value in it must be a named `bindparam`."""
    compiled = clause.compile(dialect=dialect_named(dialect))
    names = getattr(compiled, "positiontup", None)
    return Statement(sql=str(compiled), names=tuple(names or ()))

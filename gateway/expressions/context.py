"""What an expression may ask for beside its scope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gateway.expressions.errors import EvaluationError


class Context(Protocol):
    """The world of one evaluation."""

    def lookup(self, table: str, key: object) -> Mapping[str, object] | None:
        """Return the row of a table with this key, or None.

        Raises EvaluationError when there is no such table.
        """


class NoContext:
    """A world without tables, for expressions that only read their scope."""

    def lookup(self, table: str, key: object) -> Mapping[str, object] | None:
        """Refuse: raises EvaluationError."""
        raise EvaluationError(f"table `{table}` cannot be read here")


NO_CONTEXT: Context = NoContext()

"""The tables that rules keep: their columns, types and keys, as the operator declared them."""

from __future__ import annotations

from gateway.records import dataclass, field

UNSET = object()
"""Stands where a column has no default (a default of null is `None`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of an operator's table."""

    name: str
    type: str
    """One of the value types: text integer decimal boolean timestamp date json."""
    primary_key: bool = False
    unique: bool = False
    required: bool = False
    values: tuple[object, ...] = ()
    """The only values the column may hold; empty when any will do."""
    default: object = UNSET
    indexed: bool = False
    place: str | None = field(default=None, compare=False)
    """Where it is declared, as `rules/payments.yaml:12`."""

    @property
    def has_default(self) -> bool:
        """Say whether a new row gets a value for this column by itself."""
        return self.default is not UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of rows: made and migrated by the gateway, or an existing one used as it stands."""

    name: str
    columns: tuple[Column, ...]
    existing: bool = False
    _by_name: dict[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Lay out the columns by name (called when one is made)."""
        object.__setattr__(self, "_by_name", {column.name: column for column in reversed(self.columns)})

    @property
    def key(self) -> Column | None:
        """Return the column that identifies a row, where a single one does."""
        keys = [column for column in self.columns if column.primary_key]
        return keys[0] if len(keys) == 1 else None

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns in the order declared."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column | None:
        """Return the column called `name`, or None."""
        return self._by_name.get(name)

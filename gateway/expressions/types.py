"""What is known of a value before there is one: its kinds, and what lists and objects hold.

A type is a claim that can only be too wide: what is not known is left open, so that whoever reads it never takes
something possible for impossible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import partial, reduce

from gateway.records import dataclass, replace

KINDS = frozenset(
    ("null", "boolean", "integer", "decimal", "text", "date", "timestamp", "list", "object"),
)
"""Every kind of value."""

_NULL = frozenset({"null"})
_ALWAYS_TRUE = frozenset(("integer", "decimal", "date", "timestamp"))
_LITERAL_KINDS = frozenset(("boolean", "text"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """What a value may be.

    `kinds` are among KINDS; none at all is a value that never comes to be. `element` is the type of a list's
    elements and `fields` those of an object's members, None where that is not known; an object that is not `open` has
    no others. `values` are all the texts and booleans that it can be, None where that is not known.
    """

    kinds: frozenset[str]
    element: Type | None = None
    fields: Mapping[str, Type] | None = None
    open: bool = True
    values: frozenset[object] | None = None
    name: str | None = None
    """What an object is called in messages, such as ``a row of `tenants` ``."""
    documented: bool = False
    """Whether an object's members, or the words of a text, are known from a schema of payloads, not from what the
    operator wrote in rules."""
    minor: bool = False
    """Whether a number is an amount of money in minor units, such as cents."""
    listed: frozenset[object] | None = None
    """The words that are known of a text which may hold others too."""

    def __or__(self, other: Type) -> Type:
        """Return the type of a value that is of either."""
        return _union(self, other)

    @property
    def certain(self) -> frozenset[str]:
        """Return the kinds beside null, which anything may be."""
        return self.kinds - _NULL

    @property
    def nullable(self) -> Type:
        """Return the type with null beside it."""
        return self if "null" in self.kinds else self.of_kinds(self.kinds | _NULL)

    def of_kinds(self, kinds: frozenset[str]) -> Type:
        """Return the type with other kinds: `replace`, in a third of its time."""
        return Type(
            kinds=kinds,
            element=self.element,
            fields=self.fields,
            open=self.open,
            values=self.values,
            name=self.name,
            documented=self.documented,
            minor=self.minor,
            listed=self.listed,
        )

    @property
    def truthy(self) -> Type:
        """Return what is left of it when its value counts as true."""
        kinds = self.certain
        values = None if self.values is None else self.values - {False, ""}
        if values is not None:
            kinds -= {kind for kind in _LITERAL_KINDS if not any(_literal_kind(value) == kind for value in values)}
        elif "boolean" in kinds and kinds.isdisjoint({"text"}):
            values = frozenset({True})
        if self.element is not None and not self.element.kinds:
            kinds -= {"list"}
        return replace(self, kinds=kinds, values=values)

    @property
    def falsy(self) -> Type:
        """Return what is left of it when its value counts as false."""
        kinds = self.kinds - _ALWAYS_TRUE
        values = frozenset({False, ""}) if self.values is None else self.values & {False, ""}
        kinds -= {kind for kind in _LITERAL_KINDS if not any(_literal_kind(value) == kind for value in values)}
        return Type(kinds=kinds, element=NEVER if "list" in kinds else None, values=values, name=self.name)


def _literal_kind(value: object) -> str:
    return "boolean" if isinstance(value, bool) else "text"


def _union(left: Type, right: Type) -> Type:
    if left is NEVER:
        return right
    if left is right or left == right:
        return left
    return Type(
        kinds=left.kinds | right.kinds,
        element=_joined_elements(left, right),
        fields=_joined_fields(left, right),
        open=("object" in left.kinds and left.open) or ("object" in right.kinds and right.open),
        values=_joined_values(left, right),
        name=_joined_name(left, right),
        documented=left.documented or right.documented,
        minor=(left.minor or not left.certain) and (right.minor or not right.certain),
        listed=_joined_listed(left, right),
    )


def _joined_elements(left: Type, right: Type) -> Type | None:
    if "list" not in left.kinds:
        return right.element
    if "list" not in right.kinds:
        return left.element
    return None if left.element is None or right.element is None else left.element | right.element


def _joined_listed(left: Type, right: Type) -> frozenset[object] | None:
    if "text" not in left.kinds:
        return right.listed
    return left.listed if "text" not in right.kinds or left.listed == right.listed else None


def _joined_name(left: Type, right: Type) -> str | None:
    if "object" not in left.kinds:
        return right.name
    return left.name if "object" not in right.kinds or left.name == right.name else None


def _joined_fields(left: Type, right: Type) -> Mapping[str, Type] | None:
    if "object" not in left.kinds:
        return right.fields
    if "object" not in right.kinds:
        return left.fields
    if left.fields is None or right.fields is None:
        return None
    names = dict.fromkeys([*left.fields, *right.fields])
    return LazyFields({name: partial(_joined_field, left, right, name) for name in names})


def _joined_field(left: Type, right: Type, name: str) -> Type:
    return _field(left, name) | _field(right, name)


class LazyFields(Mapping[str, Type]):
    """The fields of an object whose types are made when they are asked for, as objects may hold one another."""

    def __init__(self, makers: Mapping[str, Callable[[], Type]]) -> None:
        """Take what makes the type of each field."""
        self._makers = makers
        self._made: dict[str, Type] = {}
        self._any: Type | None = None

    def __getitem__(self, name: str) -> Type:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def any(self) -> Type:
        """Return the type of a value that is one of the fields."""
        if self._any is None:
            self._any = union(self.values())
        return self._any

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    # Compared field by field, two objects that hold one another would never end.
    __eq__ = object.__eq__
    __hash__ = object.__hash__


def _field(owner: Type, name: str) -> Type:
    assert owner.fields is not None
    found = owner.fields.get(name)
    return found if found is not None else ANY if owner.open else NULL


def _joined_values(left: Type, right: Type) -> frozenset[object] | None:
    if left.kinds.isdisjoint(_LITERAL_KINDS):
        return right.values
    if right.kinds.isdisjoint(_LITERAL_KINDS):
        return left.values
    if left.values is None or right.values is None or left.values is right.values:
        return None if right.values is None else left.values
    return left.values | right.values


NEVER = Type(kinds=frozenset())
"""The type of no value."""

ANY = Type(kinds=KINDS)
"""Nothing is known."""

NULL = Type(kinds=frozenset({"null"}))
BOOLEAN = Type(kinds=frozenset({"boolean"}))
INTEGER = Type(kinds=frozenset({"integer"}))
DECIMAL = Type(kinds=frozenset({"decimal"}))
NUMBER = Type(kinds=frozenset({"integer", "decimal"}))
TEXT = Type(kinds=frozenset({"text"}))
DATE = Type(kinds=frozenset({"date"}))
TIMESTAMP = Type(kinds=frozenset({"timestamp"}))
LIST = Type(kinds=frozenset({"list"}))

BY_VALUE_TYPE: Mapping[str, Type] = {
    "text": TEXT,
    "integer": INTEGER,
    "decimal": DECIMAL,
    "boolean": BOOLEAN,
    "timestamp": TIMESTAMP,
    "date": DATE,
    "json": ANY,
}
"""The type of a value of each of the language's value types (of columns and of `as:`)."""

_OF_KIND: Mapping[str, frozenset[str]] = {
    "any": KINDS,
    "number": frozenset({"integer", "decimal"}),
    # A decimal may be whole, and is then taken.
    "integer": frozenset({"integer", "decimal"}),
    "expression": frozenset(),
}


def kinds_of(kinds: Iterable[str]) -> frozenset[str]:
    """Return the kinds of values that a parameter of these kinds takes, or a result of these kinds is."""
    return frozenset(kind for name in kinds for kind in _OF_KIND.get(name, frozenset({name})))


def union(types: Iterable[Type]) -> Type:
    """Return the type of a value that is of any of these; NEVER for none."""
    return reduce(_union, types, NEVER)


def list_of(element: Type) -> Type:
    """Return the type of a list."""
    return Type(kinds=frozenset({"list"}), element=element)


def object_of(fields: Mapping[str, Type], *, open: bool = False, name: str | None = None) -> Type:
    """Return the type of an object."""
    return Type(kinds=frozenset({"object"}), fields=fields, open=open, name=name)


def text_of(values: Iterable[str]) -> Type:
    """Return the type of a text that is one of a few."""
    return Type(kinds=frozenset({"text"}), values=frozenset(values))


def type_of(value: object) -> Type:
    """Return the type of a value that is known."""
    match value:
        case None:
            return NULL
        case bool() | str():
            return Type(kinds=frozenset({_literal_kind(value)}), values=frozenset({value}))
        case int():
            return INTEGER
        case float() | Decimal():
            return DECIMAL
        case datetime():
            return TIMESTAMP
        case date():
            return DATE
        case list() | tuple():
            return list_of(union(map(type_of, value)))
        case Mapping():
            return object_of({str(key): type_of(item) for key, item in value.items()})
    return ANY


def widened(found: Type) -> Type:
    """Return a type without the values it is known to have: of a setting, which an operator may change."""
    fields = None if found.fields is None else {name: widened(field) for name, field in found.fields.items()}
    element = None if found.element is None else widened(found.element)
    kinds = found.kinds | ({"integer", "decimal"} if found.kinds & {"integer", "decimal"} else frozenset())
    return replace(found, kinds=kinds, fields=fields, element=element, values=None)


_ARTICLES = {"integer": "a number", "decimal": "a number", "object": "an object", "text": "text", "null": "null"}
_ORDER = ("text", "integer", "decimal", "boolean", "date", "timestamp", "list", "object")


def in_words(found: Type) -> str:
    """Return what a value is, as messages say it: `text`, `a number or null` is just `a number`."""
    kinds = found.certain
    if not kinds:
        return "null"
    return " or ".join(dict.fromkeys(_ARTICLES.get(kind, f"a {kind}") for kind in _ORDER if kind in kinds))

"""The types of what stands in the scope of a step: rows, settings, the event, answers, what was extracted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from gateway.config.extraction import Extraction
from gateway.config.nodes import Scalar
from gateway.config.tables import UNSET, Column, Table
from gateway.config.values import Value
from gateway.expressions import tree
from gateway.expressions.inference import infer
from gateway.expressions.inferred import Known
from gateway.expressions.types import (
    ANY,
    BY_VALUE_TYPE,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Type,
    object_of,
    text_of,
    type_of,
    union,
    widened,
)

SETTINGS = "`settings`"
"""What messages call a file's settings."""

HEADERS = object_of({}, open=True)
"""The headers of a request or answer: any names, all texts."""

HTTP_ANSWER = object_of({"status": INTEGER, "headers": HEADERS, "body": ANY}, name="the answer")
"""What an awaited `send` binds."""


class Bound:
    """What is known of a name in scope."""

    __slots__ = ("_type", "condition", "given", "known", "left_null", "line", "origin", "perhaps", "place", "value")

    def __init__(
        self,
        *,
        type: Type | Callable[[], Type] = ANY,
        given: Scalar | None = None,
        perhaps: bool = False,
        condition: str = "",
        left_null: bool = False,
        line: int | None = None,
    ) -> None:
        """Take the type, or what finds it out when it is asked for: a rule reads few of the values of its file."""
        self._type = type
        self.given = given
        """The literal that `with` gives a procedure under this name."""
        self.perhaps = perhaps
        """Whether only a step under a `when` binds it, so that it may be absent."""
        self.condition = condition
        """That `when`."""
        self.left_null = left_null
        """Whether it is null where the step that binds it finds nothing, and goes on."""
        self.line = line
        """The line of the step that binds it, if one does."""
        self.origin: str | None = None
        """Where that step is, in words."""
        self.place: str | None = None
        """Where it is extracted, in words."""
        self.value: Value | None = None
        """What `with` gives a procedure under this name, where that is worked out for each event."""
        self.known: Known | None = None
        """What is known where that is given."""

    @property
    def type(self) -> Type:
        """Return what the value may be."""
        if not isinstance(self._type, Type):
            self._type = self._type()
        return self._type

    def type_of(self, node: tree.Node) -> Type:
        """Return the type of a part of the expression that `with` gives."""
        return ANY if self.known is None else infer(node, self.known).type

    @property
    def surely(self) -> Bound:
        """Return the same, known to be there."""
        same = Bound(type=self._type, given=self.given, condition=self.condition, line=self.line)
        same.origin, same.place, same.value, same.known = self.origin, self.place, self.value, self.known
        return same


def bound(types: Mapping[str, Type | Callable[[], Type]]) -> dict[str, Bound]:
    """Return names with their types, as a scope begins."""
    return {name: Bound(type=found) for name, found in types.items()}


class NameTypes(Mapping[str, Type]):
    """The names in scope as the members of the object that expressions are applied to."""

    def __init__(self, names: Mapping[str, Bound]) -> None:
        """Take the names, which may become more."""
        self._names = names

    def __getitem__(self, name: str) -> Type:
        """Return the type of a name."""
        return self._names[name].type

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(self._names)

    # A name may stand for the whole scope (`with: {all: "${ @ }"}`), which then holds itself.
    __eq__ = object.__eq__
    __hash__ = object.__hash__


def row_type(table: Table) -> Type:
    """Return the type of a row of a table."""
    columns = {column.name: column_type(column) for column in table.columns}
    return object_of(columns, open=table.existing and not columns, name=f"a row of `{table.name}`")


def column_type(column: Column) -> Type:
    """Return the type of what a column of a row holds."""
    found = BY_VALUE_TYPE[column.type]
    if column.type == "text" and column.values:
        found = text_of(value for value in column.values if isinstance(value, str))
    return found if column.required or column.primary_key else found.nullable


def setting_types(own: Mapping[str, object], overrides: Iterable[Mapping[str, object]]) -> Type:
    """Return the type of `settings`: a file's own, and what its sources give instead."""
    found = {name: replace(_setting(value), name=f"`settings.{name}`") for name, value in own.items()}
    for changed in overrides:
        for name in changed.keys() & found.keys():
            found[name] = found[name] | replace(_setting(changed[name]), name=found[name].name)
    return object_of(found, name=SETTINGS)


def _setting(value: object) -> Type:
    # What is empty is there to be filled in by a source.
    return ANY if value in (None, [], {}) else widened(type_of(value))


def event_type(payload: Type, types: Collection[str] = (), sources: Collection[str] = ()) -> Type:
    """Return the type of `event`; `types` and `sources` are all that there can be, empty where that is not known."""
    return object_of(
        {
            "id": TEXT,
            "type": text_of(types) if types else TEXT,
            "source": text_of(sources) if sources else TEXT,
            "occurred_at": TIMESTAMP.nullable,
            "received_at": TIMESTAMP,
            "attempt": INTEGER,
            "payload": payload,
            "headers": HEADERS,
            "key": TEXT.nullable,
        },
        name="`event`",
    )


def extraction_type(extraction: Extraction, known: Known) -> Type:
    """Return the type of an extracted value; `known.scope` is the payload."""
    found = _converted(extraction, known)
    default = None if extraction.default is UNSET else extraction.default
    if default is not None:
        return found | widened(type_of(default))
    return found if extraction.required else found.nullable


def _converted(extraction: Extraction, known: Known) -> Type:
    if extraction.as_type is not None:
        found = BY_VALUE_TYPE.get(extraction.as_type, ANY)
        counts = extraction.as_type in {"integer", "decimal"} and extraction.match is None
        return replace(found, minor=True) if counts and _paths(extraction, known).minor else found
    if extraction.match is not None or not extraction.alternatives:
        return TEXT if extraction.match is not None else ANY
    return _paths(extraction, known)


def _paths(extraction: Extraction, known: Known) -> Type:
    """Return the type of what its paths lead to."""
    found = union(infer(path.expression.tree, known).type for path in extraction.alternatives)
    return found.of_kinds(found.certain)

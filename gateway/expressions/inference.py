"""The type of an expression, inferred over its tree; and what can be seen to be wrong in it.

Only what is wrong for every event is a problem: where a value may be of a kind that fits, nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from gateway.expressions import tree
from gateway.expressions.contradictions import Remark, idle, lost_by_pipe, never_both, same_sides, twice
from gateway.expressions.functions import BY_NAME, Function
from gateway.expressions.results import RESULTS
from gateway.expressions.types import (
    ANY,
    BOOLEAN,
    LIST,
    NEVER,
    NULL,
    LazyFields,
    Type,
    in_words,
    kinds_of,
    list_of,
    object_of,
    type_of,
    union,
)
from gateway.records import dataclass, field, replace

About = Literal["field", "kind", "compare", "argument", "never", "idle", "table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that is wrong for every event; `start` and `end` are offsets into the expression's text."""

    about: About
    """`field`: a member that the object never has; `kind`: a member, element or projection of what has none;
    `compare`: two values that cannot be compared; `argument`: one that a function refuses; `never`: a comparison that
    always comes out the same; `idle`: an alternative that never counts; `table`: a table that nobody declared."""
    message: str
    start: int
    end: int
    owner: Type | None = None
    """For `field`: the object; for `never`: what is compared; for `table`: an object of all tables."""
    name: str | None = None
    """For `field`: the member; for `never`: the text it is compared with; for `table`: the table."""
    given: tuple[Type, ...] = ()
    """For `compare`: the types of both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known where an expression stands."""

    scope: Type
    """The object of all names."""
    tables: Mapping[str, Type] = field(default_factory=dict)
    """The type of a row of each table, for `lookup`."""
    found: dict[int, tuple[tree.Node, Inferred]] = field(default_factory=dict, repr=False)
    """What was inferred already, by the identity of the node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inferred:
    """The outcome of an inference."""

    type: Type
    problems: tuple[Problem, ...]


def infer(node: tree.Node, known: Known) -> Inferred:
    """Return the type of an expression and what is wrong in it."""
    before = known.found.get(id(node))
    if before is not None:
        return before[1]
    inference = _Inference(known)
    found = inference.of(node, known.scope)
    inferred = Inferred(type=found, problems=tuple(inference.problems))
    known.found[id(node)] = (node, inferred)
    return inferred


_FAMILIES = (
    frozenset({"boolean"}),
    frozenset({"integer", "decimal"}),
    frozenset({"text"}),
    frozenset({"date", "timestamp"}),
    frozenset({"list"}),
    frozenset({"object"}),
)
_ORDERED = frozenset({"integer", "decimal", "text", "date", "timestamp"})


_PLURALS = {"number": "numbers", "text": "texts"}


class _Inference:
    def __init__(self, known: Known) -> None:
        self.known = known
        self.problems: list[Problem] = []

    def of(self, node: tree.Node, current: Type) -> Type:
        """Return the type of a node that is applied to a value of type `current`."""
        return _RULES[type(node)](self, node, current)

    def report(self, about: About, message: str, node: tree.Node, **more: Any) -> None:
        self.problems.append(Problem(about=about, message=message, start=node.start, end=node.end, **more))

    def literal(self, node: tree.Literal, _current: Type) -> Type:
        return type_of(node.value)

    def current(self, _node: tree.Current, current: Type) -> Type:
        return current

    def member(self, node: tree.Field, current: Type) -> Type:
        if not current.kinds:
            return NEVER
        if "object" not in current.kinds:
            return self._member_of_none(node, current)
        if current.fields is None:
            return ANY
        found = current.fields.get(node.name)
        if found is None and not current.open:
            what = current.name or "this object"
            self.report("field", f"{what} has no `{node.name}`", node, owner=current, name=node.name)
        if found is None:
            return ANY
        return found if current.kinds == {"object"} else found.nullable

    def _member_of_none(self, node: tree.Field, current: Type) -> Type:
        if current.kinds == {"null"}:
            return NULL
        said = f"{in_words(current)} has no `{node.name}`"
        if "list" in current.kinds:
            said += ": to read it of each element, write `[].`; of the first, `[0].`"
        self.report("kind", said, node)
        return ANY

    def index(self, node: tree.Index, current: Type) -> Type:
        self._must_be_list(node, current, "element")
        return NULL if current.kinds <= {"null"} else (current.element or ANY).nullable

    def slice(self, node: tree.Slice, current: Type) -> Type:
        self._must_be_list(node, current, "elements")
        return _only_list(current)

    def _must_be_list(self, node: tree.Node, current: Type, what: str) -> None:
        if current.certain and "list" not in current.kinds:
            self.report("kind", f"{in_words(current)} has no {what}", node)

    def piped(self, node: tree.Pipe, current: Type) -> Type:
        self._remark("idle", lost_by_pipe(node))
        for at, part in enumerate(node.parts):
            if at:
                self._look_at_handed_on(part, current)
            current = self.of(part, current)
        return current

    def _look_at_handed_on(self, part: tree.Node, current: Type) -> None:
        """Report a name in scope behind a `|`, where it is looked for in what stands before."""
        if current.kinds and not current.kinds & {"object", "null"}:
            return  # it has no members, which is reported
        first = part.parts[0] if isinstance(part, tree.Path) else part
        fields = self.known.scope.fields or {}
        if isinstance(first, tree.Field) and first.name in fields and first.name not in (current.fields or {}):
            said = f"behind `|`, `{first.name}` is looked for in what stands before it: `||` takes what is there"
            self.report("idle", said, first)

    def in_turn(self, node: tree.Path, current: Type) -> Type:
        for part in node.parts:
            current = self.of(part, current)
        return current

    def projection(self, node: tree.Projection, current: Type) -> Type:
        source = self.of(node.source, current)
        self._must_be_list(node.source, source, "elements")
        return self._projected(node.target, source, source.element)

    def filter_projection(self, node: tree.FilterProjection, current: Type) -> Type:
        source = self.of(node.source, current)
        self._must_be_list(node.source, source, "elements")
        if "list" in source.kinds and source.element is not None and source.element.kinds:
            self.of(node.condition, source.element)
        return self._projected(node.target, source, source.element)

    def value_projection(self, node: tree.ValueProjection, current: Type) -> Type:
        source = self.of(node.source, current)
        if source.certain and "object" not in source.kinds:
            self.report("kind", f"{in_words(source)} has no members", node.source)
        known = source.fields is not None and not source.open
        element = _any_of(source.fields) if known and source.fields is not None else None
        found = self._projected(node.target, list_of(element) if element is not None else LIST, element)
        return found if source.kinds == {"object"} else found.nullable

    def _projected(self, target: tree.Node, source: Type, element: Type | None) -> Type:
        found = ANY if element is None else NEVER if not element.kinds else self.of(target, element)
        projected = list_of(found.of_kinds(found.certain))
        return projected if source.kinds == {"list"} else projected.nullable

    def flatten(self, node: tree.Flatten, current: Type) -> Type:
        source = self.of(node.source, current)
        self._must_be_list(node.source, source, "elements")
        inner = source.element
        if inner is None or ("list" in inner.kinds and inner.element is None):
            return _only_list(source, None)
        flat = replace(inner, kinds=inner.kinds - {"list"}, element=None)
        return _only_list(source, flat if inner.element is None else flat | inner.element)

    def multi_select_list(self, node: tree.MultiSelectList, current: Type) -> Type:
        found = list_of(union(self.of(item, current) for item in node.items))
        return found.nullable if "null" in current.kinds else found

    def multi_select_hash(self, node: tree.MultiSelectHash, current: Type) -> Type:
        found = object_of({entry.key: self.of(entry.value, current) for entry in node.entries})
        return found.nullable if "null" in current.kinds else found

    def comparison(self, node: tree.Comparison, current: Type) -> Type:
        left, right = self.of(node.left, current), self.of(node.right, current)
        ordering = node.operator not in {"==", "!="}
        if left.certain and right.certain and not _comparable(left, right, ordering=ordering):
            by = f" by `{node.operator}`" if ordering else ""
            said = f"cannot compare {in_words(left)} with {in_words(right)}{by}"
            self.report("compare", said, node, given=(left, right))
        elif same_sides(node):
            self.report("never", "both sides are the same", node)
        elif not ordering:
            self._look_at_values(node, left, right)
        return BOOLEAN.nullable if ordering else BOOLEAN

    def _look_at_values(self, node: tree.Comparison, left: Type, right: Type) -> None:
        for one, place in ((left, node.right), (right, node.left)):
            self._look_at_word(one, place)

    def _look_at_word(self, one: Type, place: tree.Node) -> None:
        """Report a text that something is compared with and can never be."""
        if one.certain != {"text"} or not isinstance(place, tree.Literal) or not isinstance(place.value, str):
            return
        if one.values is not None and place.value not in one.values:
            words = sorted(map(str, one.values))
            listed = ", ".join(f"`{word}`" for word in words[:12])
            said = f"this is never `{place.value}`: it is one of {listed}{', …' if len(words) > 12 else ''}"
            self.report("never", said, place, owner=one, name=place.value)

    def either(self, node: tree.Or, current: Type) -> Type:
        self._remark("never", never_both(node.operands, "!="))
        self._remark("idle", idle(node.operands))
        *others, last = (self.of(operand, current) for operand in node.operands)
        return union([*(other.truthy for other in others), last])

    def both(self, node: tree.And, current: Type) -> Type:
        self._remark("never", never_both(node.operands, "=="))
        self._remark("idle", twice(node.operands))
        *others, last = (self.of(operand, current) for operand in node.operands)
        return union([*(other.falsy for other in others), last])

    def _remark(self, about: About, remarks: Iterable[Remark]) -> None:
        for message, place in remarks:
            self.report(about, message, place)

    def opposite(self, node: tree.Not, current: Type) -> Type:
        self.of(node.operand, current)
        return BOOLEAN

    def reference(self, node: tree.ExpressionReference, current: Type) -> Type:
        # What it reads is looked at where the function applies it.
        return ANY

    def call(self, node: tree.FunctionCall, current: Type) -> Type:
        function = BY_NAME.get(node.name)
        if function is None:
            return ANY
        arguments = [self.of(argument, current) for argument in node.arguments]
        for at, (written, given) in enumerate(zip(node.arguments, arguments, strict=True)):
            if not isinstance(written, tree.ExpressionReference):
                self._look_at_argument(function, at, written, given)
                if isinstance(written, tree.MultiSelectList) and function.parameter(at).elements:
                    self._look_at_items(function, at, written, current)
        look = _LOOKS.get(node.name)
        if look is not None:
            look(self, node, arguments)
        return self._result(function, node, arguments)

    def _look_at_alternatives(self, node: tree.FunctionCall, _arguments: list[Type]) -> None:
        self._remark("idle", idle(node.arguments))

    def _look_at_table(self, node: tree.FunctionCall, _arguments: list[Type]) -> None:
        name = node.arguments[0].value if isinstance(node.arguments[0], tree.Literal) else None
        if isinstance(name, str) and self.known.tables and name not in self.known.tables:
            known = object_of(self.known.tables)
            self.report("table", f"unknown table `{name}`", node.arguments[0], owner=known, name=name)

    def _look_at_elements(self, node: tree.FunctionCall, arguments: list[Type]) -> None:
        (subject, search), (listed, written) = arguments, node.arguments
        element = subject.element if subject.certain == {"list"} else None
        if subject.certain == {"text"} and search.certain and "text" not in search.certain:
            said = f"a text is not looked through for {in_words(search)}: the list is the first argument of `contains`"
            self.report("argument", said, written)
        elif element is not None and element.certain and search.certain:
            if not _comparable(element, search, ordering=False):
                self.report("never", f"no element is {in_words(search)}: this list holds {in_words(element)}", written)
            self._look_at_word(element, written)
        for item in listed.items if isinstance(listed, tree.MultiSelectList) else ():
            self._look_at_word(search, item)

    def _look_at_argument(self, function: Function, at: int, written: tree.Node, given: Type) -> None:
        parameter = function.parameter(at)
        place = f"argument {at + 1} (`{parameter.name}`) of `{function.name}`"
        if given.certain and given.certain.isdisjoint(kinds_of(parameter.kinds)):
            self.report("argument", f"{place} must be {parameter.wanted()}, this is {in_words(given)}", written)
        elements = given.element if "list" in given.kinds else None
        wrong = elements is not None and elements.certain.isdisjoint(kinds_of(parameter.elements))
        if parameter.elements and elements is not None and elements.certain and wrong:
            wanted = " or ".join(_PLURALS.get(kind, f"{kind}s") for kind in parameter.elements)
            self.report("argument", f"{place} must be a list of {wanted}, this holds {in_words(elements)}", written)

    def _look_at_items(self, function: Function, at: int, written: tree.MultiSelectList, current: Type) -> None:
        """Report elements of a list that is written out, where others fit: each must be of a kind that is wanted."""
        parameter = function.parameter(at)
        wanted = " or ".join(_PLURALS.get(kind, f"{kind}s") for kind in parameter.elements)
        silent = _Inference(self.known)  # what is wrong inside the elements has been reported
        found = [(item, silent.of(item, current)) for item in written.items]
        wrong = [one for one in found if one[1].certain and one[1].certain.isdisjoint(kinds_of(parameter.elements))]
        for item, given in wrong if len(wrong) < len(found) else ():
            place = f"argument {at + 1} (`{parameter.name}`) of `{function.name}`"
            self.report("argument", f"{place} must be a list of {wanted}, this is {in_words(given)}", item)

    def _result(self, function: Function, node: tree.FunctionCall, arguments: list[Type]) -> Type:
        special = RESULTS.get(function.name)
        if special is not None:
            found = special(_Arguments(self, node, arguments))
            if found is not None:
                return found.nullable
        kinds = frozenset({"any"}) if function.result == ("any",) else frozenset(function.result)
        return ANY if "any" in kinds else Type(kinds=_result_kinds(function.result) | {"null"})


def _result_kinds(result: tuple[str, ...]) -> frozenset[str]:
    # A parameter takes a whole decimal for an integer; a result that is an integer is one.
    return frozenset({"integer"}) if result == ("integer",) else kinds_of(result)


def _any_of(fields: Mapping[str, Type]) -> Type:
    return fields.any() if isinstance(fields, LazyFields) else union(fields.values())


def _only_list(found: Type, element: Type | Literal["same"] | None = "same") -> Type:
    inner = found.element if element == "same" else element
    only = Type(kinds=frozenset({"list"}), element=inner)
    return only if found.kinds == {"list"} else only.nullable


def _comparable(left: Type, right: Type, *, ordering: bool) -> bool:
    a, b = left.certain, right.certain
    if ordering:
        a, b = a & _ORDERED, b & _ORDERED
    return any(a & family and b & family for family in _FAMILIES)


class _Arguments:
    """The arguments of a call, as what decides its result sees them."""

    def __init__(self, inference: _Inference, node: tree.FunctionCall, types: list[Type]) -> None:
        self.types = types
        self.tables = inference.known.tables
        self._inference = inference
        self._node = node

    def literal(self, at: int) -> object:
        """Return the value of an argument that is written out, or None."""
        written = self._node.arguments[at]
        return written.value if isinstance(written, tree.Literal) else None

    def applied(self, at: int, element: Type | None) -> Type:
        """Return the type of an `&expression` argument for elements of a type."""
        written = self._node.arguments[at]
        if element is None or not isinstance(written, tree.ExpressionReference):
            return ANY
        return self._inference.of(written.expression, element)


_LOOKS: dict[str, Callable[[_Inference, tree.FunctionCall, list[Type]], None]] = {
    "contains": _Inference._look_at_elements,
    "lookup": _Inference._look_at_table,
    "not_null": _Inference._look_at_alternatives,
}
"""What is looked at in calls of some functions, beside the kinds of their arguments."""

_RULES: dict[type[tree.Node], Callable[[_Inference, Any, Type], Type]] = {
    tree.Literal: _Inference.literal,
    tree.Current: _Inference.current,
    tree.Field: _Inference.member,
    tree.Index: _Inference.index,
    tree.Slice: _Inference.slice,
    tree.Path: _Inference.in_turn,
    tree.Pipe: _Inference.piped,
    tree.Projection: _Inference.projection,
    tree.ValueProjection: _Inference.value_projection,
    tree.FilterProjection: _Inference.filter_projection,
    tree.Flatten: _Inference.flatten,
    tree.MultiSelectList: _Inference.multi_select_list,
    tree.MultiSelectHash: _Inference.multi_select_hash,
    tree.Comparison: _Inference.comparison,
    tree.Or: _Inference.either,
    tree.And: _Inference.both,
    tree.Not: _Inference.opposite,
    tree.ExpressionReference: _Inference.reference,
    tree.FunctionCall: _Inference.call,
}

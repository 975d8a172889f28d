"""The type of an expression, inferred over its tree; and what can be seen to be wrong in it.

Only what is wrong for every event is a problem: where a value may be of a kind that fits, nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from gateway.expressions import tree
from gateway.expressions.arguments import argument_problems, call_problems, comparable, impossible_word
from gateway.expressions.contradictions import Remark, idle, lost_by_pipe, never_both, same_sides, twice
from gateway.expressions.functions import BY_NAME, Function
from gateway.expressions.inferred import About, Inferred, Known, Problem
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
from gateway.records import replace


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
        if left.certain and right.certain and not comparable(left, right, ordering=ordering):
            by = f" by `{node.operator}`" if ordering else ""
            said = f"cannot compare {in_words(left)} with {in_words(right)}{by}"
            self.report("compare", said, node, given=(left, right))
        elif same_sides(node):
            self.report("never", "both sides are the same", node)
        elif not ordering:
            self.problems += [*impossible_word(left, node.right), *impossible_word(right, node.left)]
        return BOOLEAN.nullable if ordering else BOOLEAN

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
        silent = _Inference(self.known)  # what is wrong inside the elements of a list is reported with the list
        self.problems += argument_problems(
            function, node, arguments, lambda written: [silent.of(item, current) for item in written.items]
        )
        self.problems += call_problems(node, arguments, self.known)
        return self._result(function, node, arguments)

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

"""What can be seen to be wrong in a call: its arguments, and what two values that are compared have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from gateway.expressions import tree
from gateway.expressions.contradictions import idle
from gateway.expressions.functions import Function
from gateway.expressions.inferred import Known, Problem
from gateway.expressions.types import Type, in_words, kinds_of, object_of

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


def comparable(left: Type, right: Type, *, ordering: bool) -> bool:
    """Say whether some values of two types can be equal; or be put in order."""
    a, b = left.certain, right.certain
    if ordering:
        a, b = a & _ORDERED, b & _ORDERED
    return any(a & family and b & family for family in _FAMILIES)


def impossible_word(one: Type, place: tree.Node) -> Iterator[Problem]:
    """Yield a text that something is compared with and can never be."""
    if one.certain != {"text"} or not isinstance(place, tree.Literal) or not isinstance(place.value, str):
        return
    if one.values is not None and place.value not in one.values:
        words = sorted(map(str, one.values))
        listed = ", ".join(f"`{word}`" for word in words[:12])
        said = f"this is never `{place.value}`: it is one of {listed}{', …' if len(words) > 12 else ''}"
        yield Problem(about="never", message=said, start=place.start, end=place.end, owner=one, name=place.value)
    elif one.values is None and one.listed is not None and place.value not in one.listed:
        said = f"`{place.value}` is none of the words that are known of this"
        yield Problem(about="unlisted", message=said, start=place.start, end=place.end, owner=one, name=place.value)


def argument_problems(
    function: Function,
    node: tree.FunctionCall,
    given: Sequence[Type],
    items: Callable[[tree.MultiSelectList], list[Type]],
) -> Iterator[Problem]:
    """Yield arguments of kinds that a function refuses; `items` gives the types of what a written list holds."""
    for at, (written, found) in enumerate(zip(node.arguments, given, strict=True)):
        if not isinstance(written, tree.ExpressionReference):
            yield from _refused(function, at, written, found)
            if isinstance(written, tree.MultiSelectList) and function.parameter(at).elements:
                yield from _refused_items(function, at, written, items(written))


def call_problems(node: tree.FunctionCall, given: Sequence[Type], known: Known) -> Iterator[Problem]:
    """Yield what is wrong with the arguments of some functions, beside their kinds."""
    look = _LOOKS.get(node.name)
    return iter(()) if look is None else look(node, given, known)


def _refused(function: Function, at: int, written: tree.Node, given: Type) -> Iterator[Problem]:
    parameter = function.parameter(at)
    place = f"argument {at + 1} (`{parameter.name}`) of `{function.name}`"
    if given.certain and given.certain.isdisjoint(kinds_of(parameter.kinds)):
        yield _wrong(f"{place} must be {parameter.wanted()}, this is {in_words(given)}", written)
    elements = given.element if "list" in given.kinds else None
    wrong = elements is not None and elements.certain.isdisjoint(kinds_of(parameter.elements))
    if parameter.elements and elements is not None and elements.certain and wrong:
        yield _wrong(
            f"{place} must be a list of {_plural(parameter.elements)}, this holds {in_words(elements)}", written
        )


def _refused_items(
    function: Function, at: int, written: tree.MultiSelectList, given: Sequence[Type]
) -> Iterator[Problem]:
    """Yield elements of a list that is written out, where others fit: each must be of a kind that is wanted."""
    parameter = function.parameter(at)
    takes = kinds_of(parameter.elements)
    found = list(zip(written.items, given, strict=True))
    wrong = [one for one in found if one[1].certain and one[1].certain.isdisjoint(takes)]
    for item, one in wrong if len(wrong) < len(found) else ():
        place = f"argument {at + 1} (`{parameter.name}`) of `{function.name}`"
        yield _wrong(f"{place} must be a list of {_plural(parameter.elements)}, this is {in_words(one)}", item)


def _plural(kinds: Sequence[str]) -> str:
    return " or ".join(_PLURALS.get(kind, f"{kind}s") for kind in kinds)


def _idle_alternatives(node: tree.FunctionCall, _given: Sequence[Type], _known: Known) -> Iterator[Problem]:
    for message, place in idle(node.arguments):
        yield Problem(about="idle", message=message, start=place.start, end=place.end)


def _unknown_table(node: tree.FunctionCall, given: Sequence[Type], known: Known) -> Iterator[Problem]:
    place, key_place = node.arguments[0], node.arguments[1]
    name = place.value if isinstance(place, tree.Literal) else None
    if not isinstance(name, str):
        return
    if known.tables and name not in known.tables:
        said, tables = f"unknown table `{name}`", object_of(known.tables)
        yield Problem(about="table", message=said, start=place.start, end=place.end, owner=tables, name=name)
    key = known.keys.get(name)
    if key is not None and given[1].certain and not comparable(key, given[1], ordering=False):
        yield _wrong(f"the key of `{name}` is {in_words(key)}, this is {in_words(given[1])}", key_place)


def _wrong_elements(node: tree.FunctionCall, given: Sequence[Type], _known: Known) -> Iterator[Problem]:
    (subject, search), (listed, written) = given, node.arguments
    element = subject.element if subject.certain == {"list"} else None
    if subject.certain == {"text"} and search.certain and "text" not in search.certain:
        said = f"a text is not looked through for {in_words(search)}: the list is the first argument of `contains`"
        yield _wrong(said, written)
    elif element is not None and element.certain and search.certain:
        if not comparable(element, search, ordering=False):
            said = f"no element is {in_words(search)}: this list holds {in_words(element)}"
            yield Problem(about="never", message=said, start=written.start, end=written.end)
        yield from impossible_word(element, written)
    for item in listed.items if isinstance(listed, tree.MultiSelectList) else ():
        yield from impossible_word(search, item)


def _wrong(message: str, place: tree.Node) -> Problem:
    return Problem(about="argument", message=message, start=place.start, end=place.end)


_LOOKS: Mapping[str, Callable[[tree.FunctionCall, Sequence[Type], Known], Iterator[Problem]]] = {
    "contains": _wrong_elements,
    "lookup": _unknown_table,
    "not_null": _idle_alternatives,
}
"""What is looked at in calls of some functions, beside the kinds of their arguments."""

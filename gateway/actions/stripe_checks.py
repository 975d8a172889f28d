"""Whether what a `stripe` step is given is what its operation takes, at any depth."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from gateway.config.diagnostics import Severity, did_you_mean
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node, Scalar, kind_of
from gateway.config.document import Sequence as SequenceNode
from gateway.config.scope import CheckScope
from gateway.config.suspicions import Suspicion
from gateway.config.values import Located, Value, read_value
from gateway.expressions.types import TEXT, Type, in_words
from gateway.providers.stripe_operations import Operation
from gateway.providers.stripe_parameters import Taken
from gateway.records import dataclass

_FITS: Mapping[str, frozenset[str]] = {
    "text": frozenset({"text", "integer", "decimal", "boolean", "timestamp", "date"}),
    "words": frozenset({"text"}),
    "integer": frozenset({"integer", "decimal", "timestamp"}),
    "number": frozenset({"integer", "decimal", "text"}),
    "boolean": frozenset({"boolean", "text"}),
    "list": frozenset({"list"}),
    "object": frozenset({"object"}),
    "names": frozenset({"object"}),
}
"""The kinds of values that a call writes so that Stripe reads what it takes: all it is sent is text, in the end."""
_WORDS: Mapping[str, str] = {
    "text": "text",
    "words": "one of a few words",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "list": "a list",
    "object": "a mapping",
    "names": "a mapping",
}
_HELP: Mapping[str, str] = {
    "integer": "in `extract`, `as: integer` reads a text as a whole number",
    "boolean": "write `true` or `false`",
    "list": "write it in brackets: `[…]`",
    "names": "write it as a mapping: `{name: value}`",
}
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_WHOLE = re.compile(r"-?\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParametersCheck:
    """Checks the parameters of one step."""

    operation: str
    path: tuple[str, ...]
    """The ids of its address, which stand beside the parameters."""
    scope: CheckScope
    parts: Mapping[int, Located]
    """What is worked out for each event, by the identity of its node."""

    def members(self, node: MappingNode, known: Mapping[str, Taken], place: Node, way: str = "") -> None:
        """Check the members of a mapping; `place` is what lacks those that are not there, `way` leads to it."""
        for key, item in node.entries:
            taken = known.get(key.text)
            if taken is None:
                if way or key.text not in self.path:
                    self._unknown(key, known, way)
            else:
                if taken.required and way:
                    self.scope.need(read_value(item, self.scope.findings), f"`{way}{key.text}`")
                self._one(item, taken, key, f"{way}{key.text}")
        given = {key.text for key, item in node.entries if not is_null(item)}
        for name, taken in known.items() if way else ():
            if taken.required and name not in given:
                null = node.get(name)
                message = f"`{way.removesuffix('.')}` of `{self.operation}` needs `{name}`"
                said = message if null is None else f"{message}, this is null"
                self.scope.findings.error("GW214", said, null or place, help="Stripe refuses the call without it")

    def _unknown(self, key: Scalar, known: Mapping[str, Taken], way: str) -> None:
        what = f"`{way.removesuffix('.')}` of `{self.operation}`" if way else f"`{self.operation}`"
        inside = next((name for name, taken in known.items() if _holds(taken, key.text)), None)
        allowed = [*known] if way else [*self.path, *known]
        near = did_you_mean(key.text, allowed)
        if near:
            help = f"did you mean `{near}`?"
        elif inside is not None:
            help = f"it stands in `{inside}`"
        else:
            listed = ", ".join(f"`{name}`" for name in allowed[:12])
            help = f"it takes {listed}{', …' if len(allowed) > 12 else ''}" if allowed else "it takes nothing"
        self.scope.findings.error("GW214", f"{what} takes no `{key.text}`", key, help=help)

    def _one(self, node: Node, taken: Taken, place: Node, way: str) -> None:
        if "any" in taken.kinds or (way.rpartition(".")[2] == "metadata" and isinstance(node, MappingNode)):
            return
        match node:
            case MappingNode() if "object" in taken.kinds and len(taken.members) == 1:
                self.members(node, taken.members[0].all, place, f"{way}.")
            case MappingNode() if "object" in taken.kinds:
                return
            case MappingNode() if "names" in taken.kinds and taken.element is not None:
                for key, item in node.entries:
                    self._one(item, taken.element, key, f"{way}.{key.text}")
            case SequenceNode() if "list" in taken.kinds and taken.element is not None:
                for item in node.items:
                    self._one(item, taken.element, _first(item), way)
            case Scalar() if id(node) in self.parts:
                self.scope.suspect(node, "a parameter", self._given(self.parts[id(node)], taken, way))
            case Scalar():
                self._literal(node, taken, way)
            case _:
                self._wrong(node, taken, way)

    def _given(self, part: Located, taken: Taken, way: str) -> Iterator[Suspicion]:
        """Yield what is wrong with a value that is worked out for each event."""
        found = self.scope.type_of(part.expressions[0].tree) if part.is_expression else TEXT
        fits = frozenset[str]().union(*(_FITS.get(kind, ()) for kind in taken.kinds))
        if found.certain and found.certain.isdisjoint(fits):
            # Digits are a number to Stripe, also in a text.
            may_be = found.certain == {"text"} and "integer" in taken.kinds
            yield Suspicion(
                code="GW214",
                message=f"`{way}` of `{self.operation}` is {_wanted(taken)}, this is {in_words(found)}",
                span=part.node.span,
                help=_remedy(taken),
                severity=Severity.WARNING if may_be else Severity.ERROR,
                note=self.scope.origins(part),
            )
        elif found.certain == {"decimal"} and "integer" in taken.kinds and not taken.kinds & {"number", "text"}:
            yield Suspicion(
                code="GW214",
                message=f"`{way}` of `{self.operation}` is {_wanted(taken)}, this is a decimal",
                span=part.node.span,
                help="`to_minor(amount, currency)` gives the whole number of the smallest unit",
                severity=Severity.WARNING,
                note=self.scope.origins(part),
            )
        elif found.certain == {"text"} and taken.kinds <= {"words", "empty"} and _no_word(found, taken):
            words = sorted(str(value) for value in found.values or ())
            yield Suspicion(
                code="GW505",
                message=f"`{way}` of `{self.operation}` is none of the words that Stripe takes: "
                + ", ".join(f"`{word}`" for word in words),
                span=part.node.span,
                help=f"it takes {_listed(taken)}",
                severity=Severity.WARNING,
                note=self.scope.origins(part),
            )

    def _literal(self, node: Scalar, taken: Taken, way: str) -> None:
        value = _written(node)
        if value is None or _takes(value, taken):
            return
        if isinstance(value, Decimal) and taken.kinds & {"integer", "text", "words"}:
            return  # a number that is not whole is reported for its name
        a_time = "integer" in taken.kinds and value[:1].isdigit() if isinstance(value, str) else False
        if "words" in taken.kinds and not isinstance(value, bool) and not a_time:
            near = did_you_mean(str(value), taken.words)
            message = f"`{way}` of `{self.operation}` is none of the words that Stripe takes: `{value}`"
            help = f"did you mean `{near}`?" if near else f"it takes {_listed(taken)}"
            self.scope.findings.warning("GW505", message, node, help=help)
        elif isinstance(value, str) and "integer" in taken.kinds and _WHOLE.fullmatch(value):
            message = f"`{way}` of `{self.operation}` is {_wanted(taken)}, this is text"
            self.scope.findings.warning("GW214", message, node, help=f"write `{value}` without quotes")
        else:
            self._wrong(node, taken, way)

    def _wrong(self, node: Node, taken: Taken, way: str) -> None:
        message = f"`{way}` of `{self.operation}` is {_wanted(taken)}, this is {kind_of(node)}"
        self.scope.findings.error("GW214", message, node, help=_remedy(taken, node))


def check_parameters(operation: str, known: Operation, value: Value | None, scope: CheckScope) -> None:
    """Report parameters that an operation does not take, or not so; `value` are those that are given."""
    node = None if value is None else value.node
    if value is None or not isinstance(node, MappingNode):
        return
    parts = {id(part.node): part for part in value.parts}
    check = ParametersCheck(operation=operation, path=known.path, scope=scope, parts=parts)
    check.members(node, known.taken, node)


def _takes(value: object, taken: Taken) -> bool:
    """Say whether a value that is written out is one that Stripe takes."""
    kinds = taken.kinds
    if isinstance(value, bool):
        return not kinds.isdisjoint({"boolean", "text"})
    if isinstance(value, int):
        return not kinds.isdisjoint({"integer", "number", "text"})
    if isinstance(value, Decimal):
        return "number" in kinds
    assert isinstance(value, str)
    return (
        "text" in kinds
        or (not value and "empty" in kinds)
        or ("words" in kinds and value in taken.words)
        or ("number" in kinds and _NUMBER.fullmatch(value) is not None)
        or ("boolean" in kinds and value in {"true", "false"})
    )


def _no_word(found: Type, taken: Taken) -> bool:
    return bool(found.values) and all(value not in taken.words and value != "" for value in found.values or ())


def _holds(taken: Taken, name: str) -> bool:
    inner = taken.members or (taken.element.members if taken.element is not None else ())
    return any(name in members.all for members in inner)


def _wanted(taken: Taken) -> str:
    return " or ".join(dict.fromkeys(words for kind, words in _WORDS.items() if kind in taken.kinds))


def _remedy(taken: Taken, node: Node | None = None) -> str | None:
    if "list" in taken.kinds and isinstance(node, Scalar):
        return f"write `[{node.text}]`"
    if isinstance(node, SequenceNode) and len(node.items) == 1:
        return "write it without the brackets"
    if taken.words and "integer" not in taken.kinds:
        return f"it takes {_listed(taken)}"
    if "object" in taken.kinds and len(taken.members) == 1:
        names = [f"`{name}`" for name in taken.members[0].all]
        return f"it holds {', '.join(names[:12])}{', …' if len(names) > 12 else ''}" if names else "write `{}`"
    if "integer" in taken.kinds and node is not None:
        return "an amount of 19.90 is written `1990`, a time `${ parse_time('2026-01-31T00:00:00Z') }`"
    return next((_HELP[kind] for kind in _HELP if kind in taken.kinds), None)


def _listed(taken: Taken) -> str:
    return ", ".join(f"`{word}`" for word in taken.words[:20]) + (", …" if len(taken.words) > 20 else "")


def _written(node: Scalar) -> object:
    return node.value.replace("$$", "$") if isinstance(node.value, str) else node.value


def is_null(node: Node) -> bool:
    """Say whether a value is written as null: it is left out of the call."""
    return isinstance(node, Scalar) and node.value is None


def _first(node: Node) -> Node:
    """Return what a finding about a whole element points at."""
    return node.entries[0][0] if isinstance(node, MappingNode) and node.entries else node

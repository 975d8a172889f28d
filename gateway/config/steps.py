"""Steps as a rules file states them, and the spec that each action fills in.

An action is one file in `gateway.actions`: its schema, how its arguments are read, how they are checked and
how they run. Validation, the editor's schema, the docs and the engine all read this one spec.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gateway.config.diagnostics import DocumentFindings
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node, Scalar
from gateway.config.document import Sequence as SequenceNode
from gateway.config.scope import CheckScope
from gateway.config.suspicions import Suspicion
from gateway.config.values import Condition, Value, read_expression, read_value
from gateway.records import dataclass

COMMON_KEYS = ("when", "as", "name")
"""Keys that any step may have beside its action's own."""


class RowWanted(NamedTuple):
    """A row that a step looks for: the one whose column has a value."""

    table: str
    column: str
    value: Value


class ScheduleWanted(NamedTuple):
    """The scheduled event that a step looks for: the one that waits under a key."""

    value: Value


def _nothing(_arguments: object) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSpec:
    """What an action is: everything that reads, checks, documents or runs a step starts here."""

    name: str
    """The key that names the action in a step."""
    title: str
    """One sentence for docs and editors."""
    schema: Mapping[str, Any]
    """JSON Schema properties of the step's own keys; the first is the action's name."""
    required: tuple[str, ...] = ()
    binds: bool = False
    """Whether the step has a value that `as` can bind."""
    example: str
    """A step in YAML."""
    parse: Callable[[StepReader], Any]
    """Read the arguments of a step of the right shape; problems become findings."""
    check: Callable[[Any, CheckScope], None]
    """Check names, tables and literals; and bind what the step binds."""
    bind: Callable[[Any, Any], Callable[[Any], Any]]
    """Make the function that runs the step in a pass (the second argument is the engine's linker)."""
    wants: Callable[[Any], RowWanted | ScheduleWanted | None] = _nothing
    """Say what the step looks for, where one value names it: it may be read ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a rule or procedure."""

    action: ActionSpec
    arguments: Any
    when: Condition | None
    bind_as: str | None
    name: str | None
    pointer: str
    """Where it stands in its file, such as `rules[2].do[0]`: the key of its entry in a trace."""
    node: MappingNode


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReader:
    """The arguments of one step, read with their places."""

    node: MappingNode
    findings: DocumentFindings
    action: str

    def get(self, key: str) -> Node | None:
        """Return the node under `key`, or None."""
        return self.node.get(key)

    def text(self, key: str, default: str = "") -> str:
        """Return a plain text under `key` (shape checking has made sure that it is one)."""
        node = self.node.get(key)
        return str(node.value) if isinstance(node, Scalar) and node.value is not None else default

    def flag(self, key: str) -> bool:
        """Return a boolean under `key`, false when absent."""
        node = self.node.get(key)
        return isinstance(node, Scalar) and node.value is True

    def value(self, key: str) -> Value | None:
        """Return the value under `key`, compiled."""
        node = self.node.get(key)
        return None if node is None else read_value(node, self.findings)

    def values(self, key: str) -> dict[str, tuple[Scalar, Value]]:
        """Return a mapping of names to values under `key`, each with the node of its name."""
        node = self.node.get(key)
        if not isinstance(node, MappingNode):
            return {}
        return {str(name.value): (name, read_value(item, self.findings)) for name, item in node.entries}

    def expression(self, key: str) -> Condition | None:
        """Return the JMESPath expression under `key`, compiled."""
        node = self.node.get(key)
        return None if node is None else read_expression(node, self.findings)

    def mappings(self, key: str) -> tuple[MappingNode, ...]:
        """Return one mapping, or a list of them, under `key`."""
        node = self.node.get(key)
        if isinstance(node, MappingNode):
            return (node,)
        if isinstance(node, SequenceNode):
            return tuple(item for item in node.items if isinstance(item, MappingNode))
        return ()


_ENDINGS = ("finish", "fail")


def walk_steps(steps: Sequence[Step], scope: CheckScope) -> Iterator[Step]:
    """Yield each step with the scope set to it, after checking what all steps have in common."""
    over, said = False, False
    for step in steps:
        scope.step = step
        scope.suspect(step.node, "reach", [_never_reached(step)] if over and not said else ())
        said = said or over
        scope.condition(step.when)
        yield step
        scope.step = None
        ends = step.action.name in _ENDINGS
        if ends and step.when is not None:
            scope.survive(step.when)
        over, scope.ended = over or scope.ended or (ends and step.when is None), False
    scope.ended = over and not scope.conditional


def _never_reached(step: Step) -> Suspicion:
    place = step.node.entries[0][0] if step.node.entries else step.node
    return Suspicion(
        code="GW218",
        message="this step is never reached: the event has ended before it in any case",
        span=place.span,
        help="take it out, move it up, or give the step that ends the event a `when`",
    )

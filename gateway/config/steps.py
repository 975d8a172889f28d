"""Steps as a rules file states them, and the spec that each action fills in.

An action is one file in `gateway.actions`: its schema, how its arguments are read, how they are checked and
how they run. Validation, the editor's schema, the docs and the engine all read this one spec.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from gateway.config.diagnostics import DocumentFindings, Span, did_you_mean
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node, Scalar
from gateway.config.document import Sequence as SequenceNode
from gateway.config.tables import Table
from gateway.config.values import Condition, Located, Value, read_expression, read_value

COMMON_KEYS = ("when", "as", "name")
"""Keys that any step may have beside its action's own."""


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
    read_steps: Callable[[Node], tuple[Step, ...]]
    """Reads nested steps, for actions that have some."""

    def has(self, key: str) -> bool:
        """Say whether the step has the key."""
        return self.node.get(key) is not None

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


class Procedures(Protocol):
    """Looks up procedures while steps are checked."""

    def names(self) -> tuple[str, ...]:
        """Return the names of all procedures."""

    def check(self, name: str, scope: CheckScope) -> None:
        """Check a procedure's steps in the scope of the step that runs it."""


Place = Callable[[], Span]
"""Works out where something stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Where steps may send to, by name."""

    destinations: Mapping[str, str] = field(default_factory=dict)
    """With their addresses."""
    channels: Collection[str] = ()


BROKERS = ("nats", "tls")
"""Schemes of the addresses of message brokers; every other destination takes HTTP requests."""


@dataclass(slots=True, kw_only=True)
class CheckScope:
    """What is known at one step while a file is checked: tables, and the names bound so far."""

    findings: DocumentFindings
    tables: Mapping[str, Table]
    settings: Mapping[str, object]
    procedures: Procedures
    names: dict[str, Table | None]
    """Each name in scope; with the table whose row it holds, where that is known."""
    targets: Targets | None = None
    """None where rules are checked without a gateway.yaml: any name may be right."""
    conditional: bool = False
    step: Step | None = None
    running: tuple[str, ...] = field(default=())
    """The procedures being checked, outermost first."""

    def bind(self, table: Table | None = None) -> None:
        """Bind the step's `as` name."""
        if self.step is not None and self.step.bind_as is not None:
            self.names[self.step.bind_as] = table

    def table(self, name: str, node: Node | None) -> Table | None:
        """Return the table, or report that there is none."""
        table = self.tables.get(name)
        if table is None and node is not None:
            near = did_you_mean(name, self.tables)
            self.findings.error(
                "GW201",
                f"unknown table `{name}`",
                node,
                help=f"did you mean `{near}`?" if near else _known("tables", self.tables),
            )
        return table

    def column(self, table: Table, key: Scalar) -> bool:
        """Say whether the table has the column; report when it does not."""
        name = str(key.value)
        if table.existing and not table.columns:
            return True
        if table.column(name) is not None:
            return True
        near = did_you_mean(name, table.names)
        self.findings.error(
            "GW202",
            f"table `{table.name}` has no column `{name}`",
            key,
            help=f"did you mean `{near}`?" if near else _known("columns", table.names),
        )
        return False

    def channel(self, name: str, node: Node | None) -> None:
        """Report a channel that nobody declared."""
        if self.targets is not None and node is not None and name not in self.targets.channels:
            self._undeclared("channel", name, self.targets.channels, node)

    def destination(self, name: str, node: Node | None, *, broker: bool) -> None:
        """Report a destination that nobody declared, or that is of the other kind."""
        if self.targets is None or node is None:
            return
        address = self.targets.destinations.get(name)
        if address is None:
            self._undeclared("destination", name, self.targets.destinations, node)
        elif (address.partition("://")[0] in BROKERS) is not broker:
            kind = "takes HTTP requests, it is no broker" if broker else "is a broker, it takes no HTTP requests"
            self.findings.error("GW215", f"destination `{name}` {kind}", node, help=f"use `{_FITTING[broker]}`")

    def _undeclared(self, kind: str, name: str, known: Collection[str], node: Node) -> None:
        near = did_you_mean(name, known)
        self.findings.error(
            "GW205",
            f"there is no {kind} `{name}`",
            node,
            help=f"did you mean `{near}`?" if near else f"declare it under `{kind}s` in gateway.yaml",
        )

    def value(self, value: Value | None) -> None:
        """Check every name that a value reads."""
        for part in value.parts if value is not None else ():
            self.located(part)

    def condition(self, condition: Condition | None) -> None:
        """Check every name that an expression reads."""
        if condition is not None:
            self.located(condition.located)

    def located(self, part: Located) -> None:
        """Check every name that an expression or template reads from the scope."""
        for reference in part.names:
            self._check_name(reference.path, part, reference.start, reference.end)

    def _check_name(self, path: tuple[str, ...], part: Located, start: int, end: int) -> None:
        name = path[0]
        # Where inside its text a name stands is worked out for findings alone: that takes far longer than to look.
        place = partial(part.node.span_of, start, end)
        if name not in self.names:
            self.unbound(name, place)
        elif len(path) > 1:
            self._check_field(path, place)

    def unbound(self, name: str, place: Place) -> None:
        """Report a name that nothing binds."""
        near = did_you_mean(name, self.names)
        self.findings.error(
            "GW203",
            f"nothing is called `{name}` here",
            place(),
            help=f"did you mean `{near}`?" if near else _known("names in scope", self.names),
        )

    def _check_field(self, path: tuple[str, ...], place: Place) -> None:
        table = self.names[path[0]]
        fields: tuple[str, ...] = ()
        if table is not None and (table.columns or not table.existing):
            fields = table.names
        elif path[0] == "settings":
            fields = tuple(self.settings)
        elif path[0] == "event":
            fields = EVENT_FIELDS
        if fields and path[1] not in fields:
            near = did_you_mean(path[1], fields)
            self.findings.error(
                "GW203",
                f"`{path[0]}` has no field `{path[1]}`",
                place(),
                help=f"did you mean `{near}`?" if near else _known("fields", fields),
            )


_FITTING = {True: "send", False: "publish"}

EVENT_FIELDS = ("id", "type", "source", "occurred_at", "received_at", "attempt", "payload", "headers", "key")
"""What `event` holds in the scope of a rule."""


def _known(what: str, names: Any) -> str | None:
    listed = sorted(names)
    return f"{what}: {', '.join(f'`{name}`' for name in listed[:12])}" if listed else None


def walk_steps(steps: tuple[Step, ...], scope: CheckScope) -> Iterator[Step]:
    """Yield each step with the scope set to it, after checking what all steps have in common."""
    for step in steps:
        scope.step = step
        scope.condition(step.when)
        yield step

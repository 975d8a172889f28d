"""The steps of a rule as they run, those of its procedures among them; and what stands before each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gateway.config.rules import Rule, RulesFile
from gateway.config.steps import Step
from gateway.config.values import Value
from gateway.records import dataclass, field

_OWN = ("schedule.", "run.")
"""How the types of the gateway's own events begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A step on the way through a rule."""

    step: Step
    rule: Rule
    guarded: bool
    """Whether something is asked before it is run: by its own `when`, that of a `run` it belongs to, or a step before
    it that may end the event."""
    rows: frozenset[str]
    """The names that hold what steps before it have found, or what follows from that."""


def is_provided(rule: Rule) -> bool:
    """Say whether a rule handles events that come from outside."""
    return any(not name.startswith(_OWN) for name in rule.on)


def steps_of(rule: Rule, file: RulesFile) -> Iterator[Passed]:
    """Yield the steps of a rule in the order in which they run."""
    yield from _Way(rule, file).walk(rule.steps, ())


@dataclass(slots=True)
class _Way:
    rule: Rule
    file: RulesFile
    guarded: bool = False
    rows: set[str] = field(default_factory=set)

    def walk(self, steps: Sequence[Step], running: tuple[str, ...], *, conditional: bool = False) -> Iterator[Passed]:
        for step in steps:
            asked = conditional or step.when is not None
            yield Passed(step=step, rule=self.rule, guarded=self.guarded or asked, rows=frozenset(self.rows))
            self._take_in(step)
            name = step.arguments.procedure if step.action.name == "run" else None
            if name is not None and name in self.file.procedures and name not in running:
                given: Mapping[str, tuple[object, Value]] = step.arguments.names
                self.rows |= {own for own, (_, value) in given.items() if not is_direct(value, self.rows)}
                yield from self.walk(self.file.procedures[name].steps, (*running, name), conditional=asked)

    def _take_in(self, step: Step) -> None:
        if step.bind_as is not None:
            self.rows.add(step.bind_as)
        may_end = step.action.name in {"finish", "fail", "require", "insert"} or step.node.key("missing") is not None
        # A row that has to be there, or not, is no guard against an older event; one that is asked for its state is.
        self.guarded = self.guarded or (may_end and step.action.name != "find")


def is_direct(value: Value, rows: frozenset[str] | set[str]) -> bool:
    """Say whether a value comes from the event alone, or is the same for all."""
    return not any(reference.path[0] in rows for part in value.parts for reference in part.names)

"""Checks of calls, messages and scheduled events in tests files against what the rules can do at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gateway.config.diagnostics import DocumentFindings, did_you_mean
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node, Scalar
from gateway.config.rule_tests_effects import ACTIONS, Canned, Effect, check_form, check_outcome, read_listing
from gateway.config.rule_tests_effects_schema import CALLS
from gateway.config.rule_tests_values import check_value, test_of
from gateway.config.rules import RulesFile
from gateway.config.wording import listed
from gateway.expressions import CoercionError, coerce
from gateway.providers.stripe_operations import find_operation
from gateway.records import dataclass

_WAITING = ("stripe",)
"""Actions whose answer an event always waits for."""

_MEMBERS = {
    "params": "parameter",
    "options": "option",
    "json": "member of `json`",
    "headers": "header",
    "data": "member of `data`",
}
"""Details that a rule writes out as a mapping of names, and what a name of each is called."""

_UNKNOWN = {
    "stripe": ("GW203", "no rule of `{source}` calls `stripe: {target}`"),
    "send": ("GW205", "no rule of `{source}` sends to `{target}`"),
    "notify": ("GW205", "no rule of `{source}` notifies `{target}`"),
    "cache": ("GW203", "no rule of `{source}` drops keys from the cache"),
    "publish": ("GW205", "no rule of `{source}` publishes to `{target}`"),
    "schedule": ("GW203", "no rule of `{source}` schedules `{target}`"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """A step of the rules that has an effect."""

    action: str
    target: str
    kind: str
    """`calls`, `messages` or `scheduled`: where in `expect` it shows."""
    members: Mapping[str, tuple[str, ...]]
    """The names that its details hold, where the rule writes them out."""


def doings_of(files: Iterable[RulesFile]) -> tuple[Doing, ...]:
    """Return what the steps of some rules files can do."""
    return tuple(doing for file in files for doing in _doings(file))


def _doings(file: RulesFile) -> Iterator[Doing]:
    lists = [rule.steps for rule in file.rules] + [one.steps for one in file.procedures.values()]
    for step in (step for steps in lists for step in steps):
        name, node = step.action.name, step.node
        target = node.get(name)
        if name in _UNKNOWN and isinstance(target, Scalar):
            yield Doing(action=name, target=target.text, kind=_kind(name, node), members=dict(_members(node)))


def _kind(action: str, node: MappingNode) -> str:
    if action == "schedule":
        return "scheduled"
    wait = node.get("wait")
    waits = action in _WAITING or (isinstance(wait, Scalar) and wait.value is True)
    return "calls" if waits else "messages"


def _members(node: MappingNode) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name in _MEMBERS:
        held = node.get(name)
        if held is None:
            yield name, ()
        elif isinstance(held, MappingNode):
            yield name, held.keys()


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectsCheck:
    """Checks effects against what a source's rules do."""

    source: str
    doings: tuple[Doing, ...]
    findings: DocumentFindings

    def listing(self, node: Node, kind: str) -> None:
        """Report what is wrong in a list of calls, messages or scheduled events."""
        for effect in read_listing(node, kind).effects:
            self._effect(effect, kind)

    def canned(self, canned: Canned) -> None:
        """Report what is wrong in the answer to a call."""
        check_outcome(canned, self.findings)
        self._effect(canned.effect, "calls")

    def _effect(self, effect: Effect, kind: str) -> None:
        if not check_form(effect, CALLS if kind == "calls" else ACTIONS[kind], self.findings):
            return
        done = [one for one in self.doings if one.kind == kind and one.action == effect.action]
        same = [one for one in done if one.target == effect.target]
        if not same:
            self._unknown(effect, kind, [one.target for one in done])
            return
        for key, node in effect.details:
            if key.text == "at":
                self._time(node)
            else:
                check_value(node, self.findings)
                self._names(effect, key.text, node, same)

    def _unknown(self, effect: Effect, kind: str, known: list[str]) -> None:
        code, message = _UNKNOWN[effect.action]
        said = message.format(source=self.source, target=effect.target)
        other = [one for one in self.doings if (one.action, one.target) == (effect.action, effect.target)]
        if other:
            waits = kind == "calls"
            said += " and waits for the answer" if waits else " without waiting for the answer"
            near = f"it is one of the {other[0].kind}"
        else:
            name = did_you_mean(effect.target, known)
            near = f"did you mean `{name}`?" if name else f"known: {listed(sorted(set(known)))}" if known else ""
        self.findings.error(code, said, effect.name, help=near or None)

    def _names(self, effect: Effect, detail: str, node: Node, same: list[Doing]) -> None:
        """Report names that no step with this target gives, unless one of them does not write its names out."""
        if detail not in _MEMBERS or not isinstance(node, MappingNode):
            return
        test = test_of(node)
        held = test[1] if test is not None and test[0] == "exactly" else node if test is None else None
        if not isinstance(held, MappingNode) or any(detail not in one.members for one in same):
            return
        known = sorted({name for one in same for name in one.members[detail]} | set(_in_address(effect, detail)))
        for key, _ in held.entries:
            if _folded(detail, key.text) not in {_folded(detail, name) for name in known}:
                near = did_you_mean(key.text, known)
                self.findings.error(
                    "GW203",
                    f"`{effect.title}` of the rules has no {_MEMBERS[detail]} `{key.text}`",
                    key,
                    help=f"did you mean `{near}`?" if near else f"known: {listed(known)}",
                )

    def _time(self, node: Node) -> None:
        try:
            coerce(node.plain(), "timestamp")
        except CoercionError as error:
            self.findings.error("GW104", f"`at`: {error}", node, help="for example `2024-01-15T12:00:00Z`")


def _in_address(effect: Effect, detail: str) -> tuple[str, ...]:
    """Return the names of what an operation's address holds: a rule may write it as `id`."""
    if (effect.action, detail) != ("stripe", "params"):
        return ()
    operation = find_operation(effect.target)
    return operation.path if operation is not None else ()


def _folded(detail: str, name: str) -> str:
    return name.lower() if detail == "headers" else name

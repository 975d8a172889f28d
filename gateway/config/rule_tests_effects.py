"""What leaves a rule, as a tests file writes it: calls and their canned answers, messages, scheduled events."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.config.diagnostics import DocumentFindings, did_you_mean
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node, Plain, Scalar
from gateway.config.document import Sequence as SequenceNode
from gateway.config.rule_tests_effects_schema import CALLS, DETAILS, MESSAGES, OUTCOMES
from gateway.config.wording import both, either, listed
from gateway.records import dataclass

ACTIONS = {"calls": CALLS, "messages": MESSAGES, "scheduled": ("schedule",)}
"""What each of these keys of `expect` lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A call, a message or a scheduled event: its action, its target, and what more is said of it."""

    node: MappingNode
    action: str
    target: str
    name: Scalar | MappingNode
    """The node of the target."""
    details: tuple[tuple[Scalar, Node], ...]

    @property
    def title(self) -> str:
        """Return it in few words, such as `stripe: customers.create`."""
        return f"{self.action}: {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Canned:
    """The answer that a case gives to a call."""

    effect: Effect
    """Which calls it fits."""
    outcome: str
    """`answer`, `error` or `down`."""
    answer: Plain
    """What comes back."""
    code: str
    error: str
    """What the other side says, where the outcome is an error."""
    times: int | None
    """How often it is used; None: as often as it fits."""
    optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What is expected of a list of effects."""

    effects: tuple[Effect, ...]
    complete: bool
    """Whether these are all that there are, in this order."""
    count: Node | None


def read_effects(node: Node | None, kind: str) -> tuple[Effect, ...]:
    """Read a list of effects; `kind` is a key of ACTIONS."""
    items = node.items if isinstance(node, SequenceNode) else ()
    return tuple(_effect(item, ACTIONS[kind]) for item in items if isinstance(item, MappingNode))


def read_listing(node: Node, kind: str) -> Listing:
    """Read what is expected of all calls, messages or scheduled events."""
    if isinstance(node, MappingNode):
        return Listing(effects=read_effects(node.get("contains"), kind), complete=False, count=node.get("count"))
    return Listing(effects=read_effects(node, kind), complete=True, count=None)


def read_canned(node: Node | None) -> tuple[Canned, ...]:
    """Read `given.calls`."""
    items = node.items if isinstance(node, SequenceNode) else ()
    return tuple(_canned(item) for item in items if isinstance(item, MappingNode))


def _effect(node: MappingNode, actions: Iterable[str], other: tuple[str, ...] = ()) -> Effect:
    key = next((key for key, _ in node.entries if key.text in actions), None)
    target = None if key is None else node.get(key.text)
    return Effect(
        node=node,
        action="" if key is None else key.text,
        target=target.text if isinstance(target, Scalar) else "",
        name=target if isinstance(target, Scalar) else node,
        details=tuple((own, item) for own, item in node.entries if own is not key and own.text not in other),
    )


def _canned(node: MappingNode) -> Canned:
    outcome = next((key.text for key, _ in node.entries if key.text in OUTCOMES), "answer")
    answer, error = node.get("answer"), node.get("error")
    said = error if isinstance(error, Scalar) else _member(error, "message")
    code = _text(_member(error, "code")) or "refused"
    times = node.get("times")
    return Canned(
        effect=_effect(node, CALLS, (*OUTCOMES, "times", "always", "optional")),
        outcome=outcome,
        answer=None if answer is None else answer.plain(),
        code=code,
        error=_text(said) or _SAID[code],
        times=None if _is_true(node.get("always")) else _number(times) or 1,
        optional=_is_true(node.get("optional")),
    )


_SAID = {"refused": "refused", "not_found": "there is no such object", "gave_up": "no answer for too long"}


def _member(node: Node | None, key: str) -> Node | None:
    return node.get(key) if isinstance(node, MappingNode) else None


def _text(node: Node | None) -> str | None:
    return str(node.value) if isinstance(node, Scalar) else None


def _number(node: Node | None) -> int | None:
    return node.value if isinstance(node, Scalar) and isinstance(node.value, int) else None


def _is_true(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.value is True


def check_form(effect: Effect, actions: tuple[str, ...], findings: DocumentFindings) -> bool:
    """Report an effect without one action, or with keys that its action does not have; say whether all is well."""
    written = [key for key, _ in effect.node.entries if key.text in actions]
    if not written:
        findings.error("GW102", f"missing key {either(actions)}", effect.node, help=f"known: {listed(actions)}")
        return False
    if len(written) > 1:
        findings.error("GW105", f"{both([key.text for key in written])} exclude each other", written[1])
        return False
    wrong = [key for key, _ in effect.details if key.text not in DETAILS[effect.action]]
    for key in wrong:
        known = listed(sorted(DETAILS[effect.action]))
        findings.error("GW101", f"`{effect.action}` has no `{key.text}`", key, help=f"known keys: {known}")
    return not wrong


def check_outcome(canned: Canned, findings: DocumentFindings) -> None:
    """Report a call with no answer, or with two."""
    node = canned.effect.node
    written = [key for key, _ in node.entries if key.text in OUTCOMES]
    if not written:
        place = canned.effect.name
        findings.error("GW102", f"missing key {either(OUTCOMES)}", place, help="say what comes back")
    for key in written[1:]:
        findings.error("GW105", f"`{written[0].text}` and `{key.text}` exclude each other", key)
    if canned.effect.action == "send":
        _check_response(node.key("answer"), node.get("answer"), findings)
    always, times = node.get("always"), node.key("times")
    if _is_true(always) and times is not None:
        findings.error("GW105", "`always` and `times` exclude each other", times)


RESPONSE = ("status", "headers", "body")
"""What a destination answers with."""


def _check_response(key: Scalar | None, answer: Node | None, findings: DocumentFindings) -> None:
    if key is None or answer is None:
        return
    if not isinstance(answer, MappingNode):
        findings.error("GW103", "`answer`: expected a mapping such as `{status: 200, body: {…}}`", key)
        return
    for name, item in answer.entries:
        if name.text == "status":
            _check_status(item, findings)
        elif name.text not in RESPONSE:
            near = did_you_mean(name.text, RESPONSE)
            known = f"did you mean `{near}`?" if near else f"known keys: {listed(RESPONSE)}"
            findings.error("GW101", f"unknown key `{name.text}` in `answer`", name, help=known)


def _check_status(node: Node, findings: DocumentFindings) -> None:
    if not isinstance(node, Scalar) or not isinstance(node.value, int):
        findings.error("GW103", "`status`: expected a whole number such as 200", node)
    elif not 200 <= node.value < 300:
        instead = "`error: {code: not_found}`" if node.value == 404 else "`error: …`, or `down: true`"
        findings.error("GW104", f"an event gets no answer with the status {node.value}", node, help=f"write {instead}")

"""Rules files: documents -> the model that the engine links and the checks walk.

The shape of a file has been checked against its JSON Schema before; what is read here is the meaning.
Source of the format: docs/rules.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.config.consistency import ConsistencyCheck, read_checks
from gateway.config.diagnostics import DocumentFindings, Findings, did_you_mean
from gateway.config.document import Document, Node, Scalar, load_document
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Sequence as SequenceNode
from gateway.config.extraction import RESERVED, Extraction, read_extractions
from gateway.config.mending import mended, renamed
from gateway.config.remembering import once_for_each
from gateway.config.rules_schema import rules_schema, step_schema
from gateway.config.shape import check_shape
from gateway.config.steps import COMMON_KEYS, ActionSpec, Step, StepReader
from gateway.config.synonyms import action_done_otherwise
from gateway.config.table_reading import read_tables
from gateway.config.tables import Table
from gateway.config.values import Condition, Value, read_expression, read_value
from gateway.records import dataclass, replace

Actions = Mapping[str, ActionSpec]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one kind of event means."""

    name: str
    on: tuple[str, ...]
    """Event types, exactly or with `*`."""
    when: Condition | None
    extract: tuple[Extraction, ...]
    steps: tuple[Step, ...]
    result: Value | None
    pointer: str
    node: MappingNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """Named steps, shared by rules."""

    name: str
    steps: tuple[Step, ...]
    node: Node
    key: Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesFile:
    """One rules file, read."""

    path: Path
    document: Document
    settings: Mapping[str, object]
    tables: Mapping[str, Table]
    extract: tuple[Extraction, ...]
    procedures: Mapping[str, Procedure]
    checks: Mapping[str, ConsistencyCheck]
    rules: tuple[Rule, ...]
    digest: str
    """Twelve hex digits that name this version of the file."""


def read_rules(path: Path, name: str, findings: Findings, actions: Actions) -> RulesFile | None:
    """Read one rules file; problems become findings. None when it holds no mapping to go on with.

    `name` is how the path is shown to the operator.
    """
    document = load_document(path, findings, shown=name)
    return None if document is None else read_rules_document(path, document, findings, actions)


def read_rules_document(path: Path, document: Document, findings: Findings, actions: Actions) -> RulesFile | None:
    """Read the document of a rules file; problems become findings. None when it holds no mapping to go on with."""
    if document.root is None:
        return None
    here = findings.for_document(document)
    if _is_another_file(document.root, here):
        return None
    schema = _schema_of_files(actions)
    if not check_shape(document, document.root, schema, here):
        document = replace(document, root=mended(document.root, schema))
    if not isinstance(document.root, MappingNode):
        return None
    return _Reader(path, document, document.root, here, actions).read()


_OTHERS = {
    "cases": ("a file of tests", "`gateway test` finds it beside the rules; name the rules that it tests"),
    "sources": ("a gateway.yaml", "name files of rules, such as `rules/name.yaml`"),
}


def _is_another_file(root: Node, findings: DocumentFindings) -> bool:
    """Say whether a file is one of another kind, and report that alone."""
    keys = root.keys() if isinstance(root, MappingNode) else ()
    found = next((name for name in _OTHERS if name in keys and "rules" not in keys), None)
    if found is not None and isinstance(root, MappingNode):
        what, help = _OTHERS[found]
        findings.error("GW101", f"this is {what}, and no file of rules", root.key(found) or root, help=help)
    return found is not None


_schema_of_files = once_for_each(rules_schema)


class _Reader:
    def __init__(
        self, path: Path, document: Document, root: MappingNode, findings: DocumentFindings, actions: Actions
    ) -> None:
        self.path = path
        self.document = document
        self.root = root
        self.findings = findings
        self.actions = actions

    def read(self) -> RulesFile:
        settings = self.root.get("settings")
        return RulesFile(
            path=self.path,
            document=self.document,
            settings=_mapping(settings),
            tables=read_tables(self.root.get("tables"), self.document.path, self.findings),
            extract=read_extractions(self.root.get("extract"), self.findings),
            procedures=self._procedures(),
            checks=read_checks(self.root.get("checks"), self.findings),
            rules=self._rules(),
            digest=hashlib.sha256(self.document.text.encode()).hexdigest()[:12],
        )

    def _procedures(self) -> dict[str, Procedure]:
        node = self.root.get("procedures")
        entries = node.entries if isinstance(node, MappingNode) else ()
        return {
            str(key.value): Procedure(
                name=str(key.value), steps=self._steps(item, f"procedures.{key.value}"), node=item, key=key
            )
            for key, item in entries
        }

    def _rules(self) -> tuple[Rule, ...]:
        node = self.root.get("rules")
        items = node.items if isinstance(node, SequenceNode) else ()
        rules = tuple(self._rule(item, index) for index, item in enumerate(items) if isinstance(item, MappingNode))
        self._check_names(rules)
        return rules

    def _check_names(self, rules: Sequence[Rule]) -> None:
        seen: set[str] = set()
        for rule in rules:
            if rule.name in seen:
                self.findings.error(
                    "GW206",
                    f"two rules are called `{rule.name}`",
                    rule.node.get("name") or rule.node,
                    help="traces and coverage go by the name: give each its own",
                )
            seen.add(rule.name)

    def _rule(self, node: MappingNode, index: int) -> Rule:
        pointer = f"rules[{index}]"
        on, when, result = node.get("on"), node.get("when"), node.get("result")
        name = node.get("name")
        return Rule(
            name=str(name.value) if isinstance(name, Scalar) else pointer,
            on=_texts(on),
            when=None if when is None else read_expression(when, self.findings),
            extract=read_extractions(node.get("extract"), self.findings),
            steps=self._steps(node.get("do"), f"{pointer}.do"),
            result=None if result is None else read_value(result, self.findings),
            pointer=pointer,
            node=node,
        )

    def _steps(self, node: Node | None, pointer: str) -> tuple[Step, ...]:
        items = node.items if isinstance(node, SequenceNode) else ()
        steps = (self._step(item, f"{pointer}[{index}]") for index, item in enumerate(items))
        return tuple(step for step in steps if step is not None)

    def _step(self, node: Node, pointer: str) -> Step | None:
        if not isinstance(node, MappingNode):
            return None
        action, node = self._action(node)
        if action is None:
            return None
        schema = step_schema(action)
        if not check_shape(self.document, node, schema, self.findings):
            mended_step = mended(node, schema)
            assert isinstance(mended_step, MappingNode)
            node = mended_step
        reader = StepReader(
            node=node,
            findings=self.findings,
            action=action.name,
        )
        name, bind_as = node.get("name"), node.get("as")
        self._check_bound(node)
        arguments = action.parse(reader)
        return Step(
            action=action,
            arguments=arguments,
            when=reader.expression("when"),
            bind_as=str(bind_as.value) if isinstance(bind_as, Scalar) else None,
            name=str(name.value) if isinstance(name, Scalar) else None,
            pointer=pointer,
            node=node,
        )

    def _check_bound(self, node: MappingNode) -> None:
        """Report names of the language that a step would bind to something else."""
        given = node.get("with")
        names = [key for key, _ in given.entries] if isinstance(given, MappingNode) else []
        for one in (node.get("as"), *names):
            if isinstance(one, Scalar) and one.text in RESERVED[:3]:
                self.findings.error("GW206", f"`{one.text}` is a name of the language", one, help="choose another name")

    def _action(self, node: MappingNode) -> tuple[ActionSpec | None, MappingNode]:
        """Return the step's action, and the step as it was probably meant where that has been reported."""
        named = [key for key, _ in node.entries if str(key.value) in self.actions]
        if len(named) == 1 or (named and self._keys_fit(node, self.actions[str(named[0].value)])):
            return self.actions[str(named[0].value)], node
        if named:
            listed = " and ".join(f"`{key.value}`" for key in named)
            self.findings.error(
                "GW105", f"a step has one action, this one has {listed}", named[1], help="make two steps of it"
            )
            first = self.actions[str(named[0].value)]
            kept = tuple(entry for entry in node.entries if entry[0].text in {*first.schema, *COMMON_KEYS})
            return first, MappingNode(entries=kept, span=node.span)
        words = [key for key, _ in node.entries if str(key.value) not in COMMON_KEYS]
        near = did_you_mean(str(words[0].value), self.actions) if words else None
        self.findings.error(
            "GW105",
            f"unknown action `{words[0].value}`" if words else "this step has no action",
            words[0] if words else node,
            help=f"did you mean `{near}`?"
            if near
            else (action_done_otherwise(str(words[0].value)) if words else None)
            or f"actions: {', '.join(f'`{a}`' for a in self.actions)}",
        )
        if near is None:
            return None, node
        entries = tuple((renamed(key, near) if key is words[0] else key, item) for key, item in node.entries)
        return self.actions[near], MappingNode(entries=entries, span=node.span)

    def _keys_fit(self, node: MappingNode, action: ActionSpec) -> bool:
        return all(str(key.value) in {*action.schema, *COMMON_KEYS} for key, _ in node.entries)


def _mapping(node: Node | None) -> Mapping[str, object]:
    plain = node.plain() if node is not None else None
    return plain if isinstance(plain, dict) else {}


def _texts(node: Node | None) -> tuple[str, ...]:
    if isinstance(node, SequenceNode):
        return tuple(item.value for item in node.items if isinstance(item, Scalar) and isinstance(item.value, str))
    return (node.value,) if isinstance(node, Scalar) and isinstance(node.value, str) else ()

"""Where the parts of a trace stand in the rules files, as long as the files are those that the trace was made by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.config.extraction import Extraction
from gateway.config.nodes import Scalar
from gateway.config.rules import Rule, RulesFile
from gateway.config.steps import Step

_WITH_TABLE = frozenset({"find", "insert", "upsert", "update", "delete"})


class Places:
    """The rules files in use, by their versions."""

    def __init__(self, files: Iterable[RulesFile] = ()) -> None:
        self._by_version = {file.digest: FilePlaces(file) for file in files}

    def of(self, version: str | None) -> FilePlaces | None:
        """Return the file of a version, or None when that version is not in use."""
        return None if version is None else self._by_version.get(version)


class FilePlaces:
    """One rules file: what a trace's names and pointers lead to."""

    def __init__(self, file: RulesFile) -> None:
        self._file = file
        self._rules: Mapping[str, Rule] = {rule.name: rule for rule in file.rules}
        steps = [rule.steps for rule in file.rules] + [one.steps for one in file.procedures.values()]
        self._steps: Mapping[str, Step] = {step.pointer: step for part in steps for step in part}

    def rule(self, name: str) -> str | None:
        """Return where a rule stands: `rules/asaas.yaml:12`."""
        rule = self._rules.get(name)
        return None if rule is None else self._line(rule.node.span.start.line)

    def step(self, pointer: str, action: str) -> tuple[str, str]:
        """Return what a step is called, and where it stands."""
        step = self._steps.get(pointer)
        if step is None:
            return action, pointer
        return _called(step), self._line(step.node.span.start.line)

    def alternatives(self, rule: str | None, name: str) -> list[str]:
        """Return the paths that a value may come from, in order."""
        handled = None if rule is None else self._rules.get(rule)
        own = () if handled is None else handled.extract
        found: Extraction | None = next((one for one in (*own, *self._file.extract) if one.name == name), None)
        return [] if found is None else [path.expression.text for path in found.alternatives]

    def _line(self, line: int) -> str:
        return f"{self._file.document.path}:{line}"


def _called(step: Step) -> str:
    action, table = step.action.name, step.node.get(step.action.name)
    if step.name is not None:
        return step.name
    return f"{action} {table.value}" if action in _WITH_TABLE and isinstance(table, Scalar) else action

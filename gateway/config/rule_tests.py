"""Tests of rules: documents -> cases that `gateway test` runs.

A case gives rows and a moment, delivers one event or several, and says what must have come of them. Source of
the format: docs/testing-rules.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from gateway.config.diagnostics import DocumentFindings, Findings, did_you_mean
from gateway.config.document import Document, Node, Scalar, load_document
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Sequence as SequenceNode
from gateway.config.mending import mended
from gateway.config.misfits import misfits
from gateway.config.payload_edits import edit
from gateway.config.rule_tests_effects import Canned, read_canned
from gateway.config.rule_tests_schema import CASE_SCHEMA, DELIVERY_KEYS, DELIVERY_MARKS, SHAPE
from gateway.config.shape import check_shape
from gateway.config.units import parse_duration
from gateway.config.wording import either
from gateway.expressions import CoercionError, coerce, to_json
from gateway.records import dataclass, replace

DEFAULT_NOW = datetime.fromisoformat("2026-01-01T00:00:00Z")
"""When a case happens that does not say so: a fixed instant, so that it passes tomorrow if it does today."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One thing that must have come of a delivery or a case."""

    name: str
    """A key of `expect`, such as `result`."""
    key: Scalar
    node: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseEvent:
    """One entry of a case's events: a delivery, or time that passes."""

    node: Node
    body: bytes | None
    """What is delivered; None where `again`, `wait`, `run` or `check` says what happens."""
    again: int | None
    """The entry, counted from 0, whose delivery comes once more."""
    wait: timedelta | None
    run: Scalar | None
    """The procedure that somebody runs by hand."""
    names: MappingNode | None
    """What the procedure is given."""
    check: Scalar | None
    """The check of the rules that looks."""
    repair: bool
    """Whether what it finds is repaired."""
    headers: Mapping[str, str]
    id: str | None
    type: str | None
    occurred_at: datetime | None
    expect: tuple[Expectation, ...]

    @property
    def delivers(self) -> bool:
        """Say whether it is a delivery of its own."""
        return self.again is None and self.wait is None and self.run is None and self.check is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case."""

    name: str
    node: MappingNode
    tables: tuple[tuple[Scalar, tuple[MappingNode, ...]], ...]
    """Tables and the rows they hold before."""
    now: datetime
    settings: Mapping[str, object]
    settings_node: MappingNode | None
    calls: tuple[Canned, ...]
    """The answers that it gives to calls."""
    events: tuple[CaseEvent, ...]
    any_order: bool
    """Whether its events may come in any order, and twice."""
    expect: tuple[Expectation, ...]

    @property
    def place(self) -> Node:
        """Return the node that stands for the case: its name."""
        return self.node.get("name") or self.node


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """One tests file, read."""

    path: Path
    document: Document
    source: Scalar | None
    cases: tuple[Case, ...]

    @property
    def source_name(self) -> str:
        """Return the name of the source whose rules are tested."""
        return str(self.source.value) if self.source is not None else ""


def read_rule_tests(path: Path, name: str, findings: Findings) -> CaseFile | None:
    """Read one tests file; problems become findings. None when there is no sense in going on with it.

    `name` is how the path is shown to the operator.
    """
    document = load_document(path, findings, shown=name)
    if document is None or document.root is None:
        return None
    here = findings.for_document(document)
    fitted = check_shape(document, document.root, SHAPE, here)
    if not fitted:
        document = replace(document, root=mended(document.root, SHAPE))
    if not isinstance(document.root, MappingNode):
        return None
    source = document.root.get("source")
    reader = _Reader(path.parent, here)
    readable = [node for node in mappings(document.root.get("cases")) if fitted or _fits(node)]
    return CaseFile(
        path=path,
        document=document,
        source=source if isinstance(source, Scalar) else None,
        cases=tuple(reader.case(node) for node in readable),
    )


def _fits(case: MappingNode) -> bool:
    return not any(True for _ in misfits(case.plain(), CASE_SCHEMA))


def mappings(node: Node | None) -> tuple[MappingNode, ...]:
    """Return the mappings of a list."""
    items = node.items if isinstance(node, SequenceNode) else ()
    return tuple(item for item in items if isinstance(item, MappingNode))


def entries(node: Node | None) -> tuple[tuple[Scalar, Node], ...]:
    """Return the entries of a mapping; none when it is no mapping."""
    return node.entries if isinstance(node, MappingNode) else ()


@dataclass(frozen=True, slots=True)
class _Reader:
    folder: Path
    findings: DocumentFindings

    def case(self, node: MappingNode) -> Case:
        self._one_of(node, ("event", "events"))
        name, given = node.get("name"), node.get("given")
        event, events = node.get("event"), node.get("events")
        items = events.items if isinstance(events, SequenceNode) else (event,) if event is not None else ()
        settings = given.get("settings") if isinstance(given, MappingNode) else None
        own = settings.plain() if settings is not None else {}
        any_order = node.get("any_order")
        return Case(
            name=str(name.value) if isinstance(name, Scalar) else "",
            node=node,
            tables=self._tables(given),
            now=self._time(given, "now") or DEFAULT_NOW,
            settings=own if isinstance(own, dict) else {},
            settings_node=settings if isinstance(settings, MappingNode) else None,
            calls=read_canned(given.get("calls")) if isinstance(given, MappingNode) else (),
            events=tuple(self._event(item) for item in items),
            any_order=isinstance(any_order, Scalar) and any_order.value is True,
            expect=_expectations(node.get("expect")),
        )

    def _one_of(self, node: MappingNode, names: tuple[str, ...]) -> None:
        written = [key for key, _ in node.entries if key.text in names]
        if not written:
            place = node.get("name") or node
            self.findings.error("GW102", f"missing key {either(names)} in `cases`", place, help="say what is delivered")
        for key in written[1:]:
            self.findings.error("GW105", f"`{written[0].text}` and `{key.text}` exclude each other", key)

    def _tables(self, given: Node | None) -> tuple[tuple[Scalar, tuple[MappingNode, ...]], ...]:
        tables = given.get("tables") if isinstance(given, MappingNode) else None
        return tuple((key, mappings(rows)) for key, rows in entries(tables))

    def _time(self, node: Node | None, key: str) -> datetime | None:
        item = node.get(key) if isinstance(node, MappingNode) else None
        if item is None:
            return None
        try:
            moment: datetime = coerce(item.plain(), "timestamp")
        except CoercionError as error:
            self.findings.error("GW104", f"`{key}`: {error}", item, help="for example `2024-01-15T12:00:00Z`")
            return None
        return moment

    def _event(self, node: Node) -> CaseEvent:
        if isinstance(node, Scalar):
            return self._spelt_out(node, MappingNode(entries=(), span=node.span), self._file(node))
        assert isinstance(node, MappingNode)
        if not any(node.get(mark) for mark in DELIVERY_MARKS):
            self._misspelt_mark(node)
            payload = to_json(node.plain()).encode()
            return self._spelt_out(node, MappingNode(entries=(), span=node.span), payload)
        self._one_of(node, DELIVERY_MARKS)
        for word, wanted in (("with", "run"), ("repair", "check")):
            key = node.key(word)
            if key is not None and node.get(wanted) is None:
                self.findings.error("GW102", f"`{word}` needs `{wanted}` beside it", key)
        return self._spelt_out(node, node, self._body(node))

    def _misspelt_mark(self, node: MappingNode) -> None:
        """Report a mapping that would be a payload, and was meant to say what happens."""
        strangers = [(key, item) for key, item in node.entries if key.text not in DELIVERY_KEYS]
        near = did_you_mean(strangers[0][0].text, DELIVERY_MARKS) if len(strangers) == 1 else None
        expects = node.key("expect")
        if near is not None and (expects or (len(node.entries) == 1 and isinstance(strangers[0][1], Scalar))):
            message = f"unknown key `{strangers[0][0].text}` in `events`"
            self.findings.error("GW101", message, strangers[0][0], help=f"did you mean `{near}`?")
        elif expects is not None and len(strangers) < len(node.entries):
            help = "a payload that is not alone stands under `payload`"
            self.findings.error("GW102", "`expect` stands inside a payload", expects, help=help)

    def _spelt_out(self, node: Node, words: MappingNode, body: bytes | None) -> CaseEvent:
        again, wait = words.get("again"), words.get("wait")
        headers, run, names = words.get("headers"), words.get("run"), words.get("with")
        check, repair = words.get("check"), words.get("repair")
        return CaseEvent(
            node=node,
            body=body,
            again=again.value - 1 if isinstance(again, Scalar) and isinstance(again.value, int) else None,
            wait=parse_duration(str(wait.value)) if isinstance(wait, Scalar) else None,
            run=run if isinstance(run, Scalar) else None,
            names=names if isinstance(names, MappingNode) else None,
            check=check if isinstance(check, Scalar) else None,
            repair=isinstance(repair, Scalar) and repair.value is True,
            headers={str(key.value): str(item.plain()) for key, item in entries(headers)},
            id=_text(words.get("id")),
            type=_text(words.get("type")),
            occurred_at=self._time(words, "occurred_at"),
            expect=_expectations(words.get("expect")),
        )

    def _body(self, node: MappingNode) -> bytes | None:
        payload, file, changes = node.get("payload"), node.get("file"), node.get("set")
        if payload is None and file is None:
            self._refuse_without_payload(node)
            return None
        body = to_json(payload.plain()).encode() if payload is not None else self._file(file)
        if changes is None or body is None:
            return body
        return self._changed(body, entries(changes), payload or file or node)

    def _refuse_without_payload(self, node: MappingNode) -> None:
        for word in ("set", "headers", "id", "type", "occurred_at"):
            key = node.key(word)
            if key is not None:
                self.findings.error("GW102", f"`{word}` needs `payload` or `file` beside it", key)

    def _file(self, node: Node | None) -> bytes | None:
        assert isinstance(node, Scalar)
        path = self.folder / str(node.value)
        held = self.findings.findings.unsaved.get(path.resolve())
        if held is not None:  # an editor has it open
            return held.encode()
        try:
            return path.read_bytes()
        except OSError as error:
            message = f"`{node.value}` cannot be read: {(error.strerror or str(error)).lower()}"
            self.findings.error("GW001", message, node, help="a path is relative to the folder of this file")
            return None

    def _changed(self, body: bytes, changes: tuple[tuple[Scalar, Node], ...], place: Node) -> bytes | None:
        try:
            payload = json.loads(body, parse_float=Decimal)
        except ValueError as error:
            self.findings.error("GW104", f"the payload is not JSON, `set` cannot change it: {error}", place)
            return None
        for key, item in changes:
            try:
                edit(payload, key.text, item.plain())
            except ValueError as error:
                self.findings.error("GW104", str(error), key)
        return to_json(payload).encode()


def _text(node: Node | None) -> str | None:
    return str(node.value) if isinstance(node, Scalar) else None


def _expectations(node: Node | None) -> tuple[Expectation, ...]:
    return tuple(Expectation(name=key.text, key=key, node=item) for key, item in entries(node))

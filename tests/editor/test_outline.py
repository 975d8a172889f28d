"""YAML that is still being written."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.config.diagnostics import Findings
from gateway.config.document import read_document
from gateway.config.nodes import Mapping, Node, Scalar, Sequence
from gateway.editor.outline import outline
from gateway.editor.positions import Text
from gateway.editor.spots import CURSOR, spots, writing_at

ROOT = Path(__file__).parents[2]
FILES = [
    ROOT / "gateway.yaml",
    *sorted((ROOT / "rules").rglob("*.yaml")),
    *sorted((ROOT / "tests" / "config").rglob("*.yaml")),
]


def told(node: Node) -> object:
    """Return all that a tree says; an empty value has no place of its own."""
    match node:
        case Scalar():
            return (node.value, node.raw, node.text, node.style, node.span if node.raw else None)
        case Sequence():
            return (node.span, [told(item) for item in node.items])
        case Mapping():
            return (node.span, [(told(key), told(item)) for key, item in node.entries])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_good_file_is_read_as_the_gateway_reads_it(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "replace").removeprefix("\ufeff")
    findings = Findings()
    root = read_document(str(path), text, findings).root
    found = outline(text)
    if root is not None and not findings.diagnostics:
        assert told(found) == told(root)


WRITING = [
    ("rules:\n  - name: x\n    on: ‸\n", ("rules", 0, "on"), False, ""),
    ("rules:\n  - do:\n      - ‸\n      - find: a\n", ("rules", 0, "do", 0), False, ""),
    ("do:\n  - find: t\n    ‸\n  - log: x\n", ("do", 0, ""), True, ""),
    ("do:\n  - find: t\n    where: {id: $te‸\n    as: x\n", ("do", 0, "where", "id"), False, "$te"),
    ("do:\n  - find: t\n    where: {id: 1, ‸}\n", ("do", 0, "where", ""), True, ""),
    ("on: [a, ‸\ndo:\n  - log: x\n", ("on", 1), False, ""),
    ('log: "x ${ ‸\nlevel: info\n', ("log",), False, "x ${ "),
    ("where:\n  ‸\nset: 1\n", ("where",), False, ""),
    ("a: 1\n‸\nb: 2\n", ("",), True, ""),
    ("‸", (), False, ""),
    ("- {upd‸}\n", (0, "upd"), True, "upd"),
    ("when: >-\n  a\n  && b.‸\nname: x\n", ("when",), False, "a && b."),
    ("a:\n- b: 1\n- ‸\n", ("a", 1), False, ""),
]


@pytest.mark.parametrize(("marked", "path", "on_key", "before"), WRITING)
def test_what_is_being_written_is_found(marked: str, path: tuple[str, ...], on_key: bool, before: str) -> None:
    start, _, end = marked.partition("‸")
    text = Text(start + end)
    spot = writing_at(text, text.at(len(start)))
    assert spot is not None
    assert tuple(step.replace(CURSOR, "") if isinstance(step, str) else step for step in spot.path) == path
    assert (spot.on_key, spot.node.text.partition(CURSOR)[0]) == (on_key, before)


def test_a_comment_is_no_place_to_write() -> None:
    text = Text("a: 1 # b\n")
    assert writing_at(text, text.at(8)) is None


SHIPPED = (ROOT / "rules" / "asaas-billing.yaml").read_text("utf-8")


@settings(max_examples=50)
@example(0, 0, "& ")
@given(st.integers(0, len(SHIPPED)), st.integers(0, 200), st.text("{}[]\"'|>-:#&*! \n\tab$", max_size=4))
def test_whatever_stands_there_what_was_before_is_read(at: int, cut: int, put: str) -> None:
    before = outline(SHIPPED[:at].rpartition("\n")[0])
    found = outline(SHIPPED[:at] + put + SHIPPED[at + cut :])
    if isinstance(before, Mapping) and len(before.entries) > 1:
        assert isinstance(found, Mapping)
        whole = [told(item) for item in before.entries[-2]]
        assert whole == [told(item) for item in found.entries[len(before.entries) - 2]]
    assert all(spot.node.span.start <= spot.node.span.end for spot in spots(found))


def test_what_is_nested_too_deep_is_text() -> None:
    assert isinstance(outline("[" * 500), Sequence)
    assert isinstance(outline("".join(f"{' ' * at}a:\n" for at in range(300))), Mapping)

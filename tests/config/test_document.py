"""Reading YAML: what values mean, where they stand, and what is refused."""

from __future__ import annotations

import string
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.config import composer
from gateway.config.diagnostics import Findings, Position, Span
from gateway.config.document import (
    Document,
    Mapping,
    Node,
    Scalar,
    Sequence,
    kind_of,
    load_document,
    node_at,
    read_document,
)


def read(text: str) -> tuple[Document, Findings]:
    findings = Findings()
    return read_document("f.yaml", text, findings), findings


def root(text: str) -> Node:
    document, findings = read(text)
    assert findings.diagnostics == ()
    assert document.root is not None
    return document.root


def mapping(text: str) -> Mapping:
    node = root(text)
    assert isinstance(node, Mapping)
    return node


def scalar(text: str) -> Scalar:
    node = mapping(f"a: {text}\n").get("a")
    assert isinstance(node, Scalar)
    return node


def codes(text: str) -> list[str]:
    return [diagnostic.code for diagnostic in read(text)[1].diagnostics]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("No", "No"),
        ("y", "y"),
        ("tRue", "tRue"),
        ("null", None),
        ("~", None),
        ("", None),
        ("NULL", None),
        ("nUll", "nUll"),
        ("12", 12),
        ("-12", -12),
        ("+1", 1),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("12:30:45", "12:30:45"),
        ("2024-01-15", "2024-01-15"),
        ("2024-01-15T12:00:00Z", "2024-01-15T12:00:00Z"),
        ("9.90", Decimal("9.90")),
        (".5", Decimal("0.5")),
        ("1.", Decimal("1")),
        ("1e3", Decimal("1000")),
        ("-1.5E-3", Decimal("-0.0015")),
        ("12345678901234567890.123456789", Decimal("12345678901234567890.123456789")),
        ("1.2.3", "1.2.3"),
        ("127.0.0.1", "127.0.0.1"),
        ("5m", "5m"),
        ("20%", "20%"),
        ("-", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("=", "="),
    ],
)
def test_plain_scalars_mean_what_yaml_1_2_says(written: str, value: object) -> None:
    if written == "-":
        assert codes("a: -\n") == ["GW004"]
        return
    found = scalar(written).value
    assert (found, type(found)) == (value, type(value))


def test_decimals_keep_their_digits() -> None:
    assert str(scalar("9.90").value) == "9.90"


def test_keys_are_text_whatever_they_look_like() -> None:
    node = mapping("on: 1\n9.99: 30\ntrue: x\nnull: y\n'a b': z\n")
    assert node.keys() == ("on", "9.99", "true", "null", "a b")
    assert [key.value for key, _ in node.entries] == ["on", "9.99", "true", "null", "a b"]
    assert node.plain() == {"on": 1, "9.99": 30, "true": "x", "null": "y", "a b": "z"}


def test_plain_data_of_a_tree() -> None:
    assert root("a: [1, {b: c}]\nd:\n- e\n").plain() == {"a": [1, {"b": "c"}], "d": ["e"]}


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: 1\n\tb: 2\n", "GW003", 2, 1),
        ("a:\n  b: 1\n\t c: 2\n", "GW003", 3, 1),
        ("a:\n    b: 1\n  c: 2\n", "GW004", 3, 3),
        ("a: 1\n  b: 2\n", "GW004", 2, 3),
        ("a: b\n- c\n", "GW004", 2, 1),
        ("a: - b\n", "GW004", 1, 4),
        ("key\nfoo: 1\n", "GW004", 1, 1),
        ("a: [1, 2\nb: 3\n", "GW005", 1, 4),
        ("a: {b: 1\n", "GW005", 1, 4),
        ("a: 'x\n\n\n", "GW005", 1, 4),
        ("a: }\n", "GW005", 1, 4),
        ("a: b: c\n", "GW006", 1, 5),
        ("a:1\nb: 2\n", "GW006", 1, 1),
        ("a: @x\n", "GW006", 1, 4),
        ("a: `x`\n", "GW006", 1, 4),
        ("a: 'it's'\n", "GW006", 1, 8),
        ("a: 1\nb: 2\na: 3\n", "GW007", 3, 1),
        ("a: 1\n'a': 3\n", "GW007", 2, 1),
        ("a: *x\n", "GW008", 1, 4),
        ("a: *\n", "GW008", 1, 4),
        ("a: &x\n  b: *x\n", "GW008", 2, 6),
        ("--- a\n--- b\n", "GW011", 2, 1),
        ("", "GW012", 1, 1),
        ("# only a comment\n", "GW012", 1, 1),
        ("---\n", "GW012", 1, 1),
        ("a: \x01\n", "GW013", 1, 4),
        ("a: b\u2028c\n", "GW013", 1, 5),
        ("a: \ud800\n", "GW013", 1, 4),
        ("a: !!python/object:os.system x\n", "GW014", 1, 4),
        ("a: !!str 1\n", "GW014", 1, 4),
        ("!x\na: 1\n", "GW014", 1, 1),
        ("<<: {a: 1}\n", "GW015", 1, 1),
        ("[a]: b\n", "GW016", 1, 1),
        (": b\n", "GW016", 1, 1),
        ("'': b\n", "GW016", 1, 1),
        ("a: .inf\n", "GW017", 1, 4),
        ("a: .nan\n", "GW017", 1, 4),
        ("a: 1e9999\n", "GW017", 1, 4),
        (f"a: {'9' * 5000}\n", "GW017", 1, 4),
        ('a: "\\q"\n', "GW018", 1, 5),
        ("a: | x\n  y\n", "GW019", 1, 6),
    ],
)
def test_what_is_refused_has_a_code_and_a_place(text: str, code: str, line: int, column: int) -> None:
    found = read(text)[1].diagnostics
    assert [(one.code, *one.span.start) for one in found] == [(code, line, column)]


def test_what_is_wrong_is_said_without_the_parsers_jargon() -> None:
    texts = ("a: 1\n\tb: 2\n", "a: [1\n", "a: 'x\n", "a: b: c\n", "a: @x\n", "a: 1\n  b: 2\n", "- a\nb: 1\n", "a: }\n")
    for text in texts:
        (found,) = read(text)[1].diagnostics
        for jargon in ("token", "scanning", "parsing", "block mapping", "flow", "did not find", "context"):
            assert jargon not in found.message


def test_several_problems_are_found_at_once() -> None:
    assert codes("a: 1\na: !!str 2\n<<: {}\nb: *c\n") == ["GW007", "GW014", "GW015", "GW008"]


def test_a_duplicate_names_both_places_and_the_first_counts() -> None:
    document, findings = read("a: 1\nb: 2\na: 3\n")
    assert document.root is not None
    assert document.root.plain() == {"a": 1, "b": 2}
    assert findings.diagnostics[0].notes == ("the first stands at line 1, column 1",)


def test_a_duplicate_is_seen_in_flow_mappings_and_in_lists() -> None:
    assert codes("a: [{b: 1, b: 2}]\n") == ["GW007"]


def test_aliases_repeat_a_value_and_point_to_where_it_is_written() -> None:
    node = mapping("a: &x {b: 1}\nc: *x\n")
    assert node.get("c") is node.get("a")
    assert node.plain() == {"a": {"b": 1}, "c": {"b": 1}}


def test_aliases_cannot_explode() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    document, findings = read("\n".join(lines))
    assert document.root is None
    assert [one.code for one in findings.diagnostics] == ["GW009"]


def test_aliases_cannot_nest_without_end() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{i}: &a{i} [[[[[[[[*a{i - 1}]]]]]]]]" for i in range(1, 20)]
    assert codes("\n".join(lines)) == ["GW010"]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_depth_is_limited_before_it_costs_anything(opening: str) -> None:
    assert codes("a:\n  " + opening * 100_000) == ["GW010"]


def test_depth_up_to_the_limit_is_fine() -> None:
    depth = composer.MAX_DEPTH - 2
    assert codes(f"a: {'[' * depth}x{']' * depth}\n") == []
    assert codes(f"a: {'[' * (depth + 1)}x{']' * (depth + 1)}\n") == ["GW010"]


def test_a_byte_order_mark_moves_nothing() -> None:
    document, findings = read("\ufeffa: 1\n")
    assert findings.diagnostics == ()
    assert isinstance(document.root, Mapping)
    assert document.root.entries[0][0].span == Span(Position(1, 1), Position(1, 2))


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_counts_lines(line_end: str) -> None:
    node = mapping(line_end.join(["a: 1", "b: |", "  x", "  y", "c: z", ""]))
    key = node.key("c")
    assert key is not None
    assert key.span.start == Position(5, 1)


@pytest.mark.parametrize(
    ("text", "path", "span"),
    [
        ("a: b\n", ("a",), (1, 4, 1, 5)),
        ("é: ü\n", ("é",), (1, 4, 1, 5)),
        ("a:\n", ("a",), (1, 3, 1, 3)),
        ("a:\n\n\n", ("a",), (1, 3, 1, 3)),
        ("a: 'b c'\n", ("a",), (1, 4, 1, 9)),
        ("a: &x 'b'\n", ("a",), (1, 7, 1, 10)),
        ("a: [1,\n  2]\n", ("a",), (1, 4, 2, 5)),
        ("a:\n  b: 1\n  c: 2\nd: 3\n", ("a",), (2, 3, 3, 7)),
        ("a:\n  - x\n  - y\n\nd: 3\n", ("a",), (2, 3, 3, 6)),
        ("a: |\n  x\n  y\n\nd: 3\n", ("a",), (1, 4, 3, 4)),
        ("a: {b: [1, 22]}\n", ("a", "b", 1), (1, 12, 1, 14)),
        ("a: {b: 1}\n", ("a", "zzz"), (1, 4, 1, 10)),
    ],
)
def test_nodes_know_their_place(text: str, path: tuple[str | int, ...], span: tuple[int, ...]) -> None:
    found = node_at(root(text), path).span
    assert (*found.start, *found.end) == span


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a: one two three\n", "two"),
        ("a: 'one two three'\n", "two"),
        ('a: "one two three"\n', "two"),
        ("a: 'it''s two here'\n", "two"),
        ("a: 'it''s two'\n", "it's"),
        ('a: "\\u00e9\\n\\t two"\n', "two"),
        ('a: "tab\\ttwo"\n', "two"),
        ("a: |\n  one\n    two\n", "two"),
        ("a: |-  # a comment\n    one\n    two\n", "two"),
        ("a: |2\n   one\n   two\n", "two"),
        ("a: |\n\n\n  one\n\n  two\n", "two"),
        ("a: >\n  one\n  two\n\n  three\n", "two"),
        ("a: >\n  one\n  two\n\n  three\n", "three"),
        ("a: one\n   two\n\n   three\n", "two"),
        ("a: one\n   two\n\n   three\n", "three"),
        ("a: 'one\n   two'\n", "two"),
        ('a: "one\n   two\\\n   x three"\n', "three"),
        ('a: "one\n   twox \\\n   three"\n', "twox"),
        ("a: éé two\n", "two"),
        ("a: 😀 two\n", "two"),
        ("a: &anchor one two\n", "two"),
        ("a: &anchor  # why\n  one two\n", "two"),
        ("a: |\r\n  one\r\n  two\r\n", "two"),
        ("- a:\n  - >-\n      days(\n        two, now)\n", "two"),
    ],
)
def test_a_part_of_a_text_is_found_in_the_file(text: str, part: str) -> None:
    node: Node = root(text)
    while not isinstance(node, Scalar):
        node = node.items[0] if isinstance(node, Sequence) else node.entries[0][1]
    start = node.text.index(part)
    first, last = node.span_of(start, start + len(part))
    lines = text.replace("\r\n", "\n").split("\n")
    assert first.line == last.line
    written = lines[first.line - 1][first.column - 1 : last.column - 1]
    assert written.replace("''", "'") == part


def test_an_escape_counts_as_a_whole() -> None:
    node = scalar('"a\\u00e9b"')
    assert node.span_of(1, 2) == Span(Position(1, 6), Position(1, 12))
    assert node.span_of(2, 3) == Span(Position(1, 12), Position(1, 13))
    assert node.span_of(3, 3) == Span(Position(1, 13), Position(1, 13))


def test_the_place_of_a_value_from_elsewhere_is_the_whole_reference() -> None:
    node = scalar("'${env:X}'")
    taken = Scalar(value="abc", raw=node.raw, text="abc", style="'", span=node.span, origin="the variable `X`")
    assert taken.span_of(1, 2) == node.span


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("{}", "a mapping"),
        ("[]", "a list"),
        ("", "nothing"),
        ("~", "null"),
        ("true", "`true`"),
        ("1", "a whole number"),
        ("1.0", "a number"),
        ("x", "text"),
        ("'1'", "text"),
    ],
)
def test_kinds_have_words(written: str, kind: str) -> None:
    node = mapping(f"a: {written}\n").get("a")
    assert node is not None
    assert kind_of(node) == kind


def test_reading_works_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: [1, {b: 'c'}]\nd: |\n  x\n  y\ne: &z 1.5\nf: *z\n"
    fast = root(text).plain()
    monkeypatch.setattr(composer, "_LOADER", yaml.SafeLoader)
    assert root(text).plain() == fast
    assert codes("a: 1\n\tb: 2\n") == ["GW003"]
    assert codes("a: [1\nb: 2\n") == ["GW005"]


class TestFiles:
    def load(self, path: Path) -> tuple[Document | None, list[tuple[str, str, int, int]]]:
        findings = Findings()
        document = load_document(path, findings, shown="f.yaml")
        return document, [(one.code, one.path, *one.span.start) for one in findings.diagnostics]

    def test_a_file_is_read(self, tmp_path: Path) -> None:
        (tmp_path / "f.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
        document, found = self.load(tmp_path / "f.yaml")
        assert found == []
        assert document is not None
        assert document.root is not None
        assert document.root.plain() == {"a": 1}

    def test_a_missing_file(self, tmp_path: Path) -> None:
        assert self.load(tmp_path / "none.yaml") == (None, [("GW001", "f.yaml", 1, 1)])

    def test_a_directory(self, tmp_path: Path) -> None:
        assert self.load(tmp_path) == (None, [("GW001", "f.yaml", 1, 1)])

    def test_a_name_no_file_can_have(self) -> None:
        assert self.load(Path("a\0b")) == (None, [("GW001", "f.yaml", 1, 1)])

    def test_bytes_that_are_not_utf_8(self, tmp_path: Path) -> None:
        (tmp_path / "f.yaml").write_bytes(b"a: 1\nb: \xc3\xa9\xfc\n")
        assert self.load(tmp_path / "f.yaml") == (None, [("GW002", "f.yaml", 2, 5)])

    def test_utf_16(self, tmp_path: Path) -> None:
        (tmp_path / "f.yaml").write_text("a: 1\n", "utf-16")
        assert self.load(tmp_path / "f.yaml") == (None, [("GW002", "f.yaml", 1, 1)])

    def test_a_huge_file(self, tmp_path: Path) -> None:
        (tmp_path / "f.yaml").write_bytes(b"#" * (4 * 1024 * 1024 + 1))
        assert self.load(tmp_path / "f.yaml") == (None, [("GW010", "f.yaml", 1, 1)])


YAML_LIKE = st.text(alphabet=string.ascii_lowercase[:4] + "01.:-?[]{}&*!|>'\"%@`#,~\\ \t\n\r<=é😀", max_size=60)


@example("%\r0")
@example("&0:0\n0")
@given(st.one_of(st.text(max_size=60), YAML_LIKE))
def test_no_text_breaks_the_reader_and_every_place_is_in_the_file(text: str) -> None:
    document, findings = read(text)
    lines = document.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def inside(span: Span) -> None:
        for line, column in span:
            assert 1 <= line <= len(lines)
            assert 1 <= column <= len(lines[line - 1]) + 1 or not document.text

    def walk(node: Node) -> None:
        inside(node.span)
        assert node.span.start <= node.span.end
        match node:
            case Scalar():
                for start in range(len(node.text) + 1):
                    inside(node.span_of(start, start + 1))
            case Sequence():
                for item in node.items:
                    walk(item)
            case Mapping():
                for key, item in node.entries:
                    walk(key)
                    walk(item)

    for one in findings.diagnostics:
        inside(one.span)
    assert document.root is not None or findings.has_errors
    if document.root is not None:
        walk(document.root)
        document.root.plain()

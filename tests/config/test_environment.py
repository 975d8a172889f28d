"""Values from the environment, from files and from `.env`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.diagnostics import Findings
from gateway.config.document import Mapping, Scalar, read_document
from gateway.config.dotenv import read_dotenv
from gateway.config.environment import Environment, Secret, read_environment, substitute


class Taken:
    """A file of one key `a`, read with some variables."""

    def __init__(self, written: str, directory: Path = Path(), template: str = "^$", **variables: str) -> None:
        self.findings = Findings()
        document = read_document("gateway.yaml", f"a: {written}\n", self.findings)
        assert document.root is not None
        root = substitute(
            document.root,
            Environment(variables=variables, directory=directory),
            self.findings.for_document(document),
            is_template=re.compile(template),
        )
        assert isinstance(root, Mapping)
        node = root.get("a")
        assert isinstance(node, Scalar)
        self.node = node

    @property
    def found(self) -> list[tuple[str, int]]:
        return [(one.code, one.span.start.column) for one in self.findings.diagnostics]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${env:NAME}", "here"),
        ("'${env:NAME}'", "here"),
        ("x-${env:NAME}-${env:OTHER}", "x-here-there"),
        ("${env:NONE:-else}", "else"),
        ("${env:NONE:-sqlite:///a.db}", "sqlite:///a.db"),
        ("${env:NONE:-}", ""),
        ("'${env:NONE:-}'", ""),
        ("${env:EMPTY:-else}", "else"),
        ("'${env:EMPTY}'", ""),
        ("${env:NUMBER}", "12345"),
        ("$${env:NAME}", "$${env:NAME}"),
        ("$$${env:NAME}", "$$here"),
        ("plain $NAME $ text", "plain $NAME $ text"),
    ],
)
def test_references_are_replaced(written: str, value: str | None) -> None:
    taken = Taken(written, NAME="here", OTHER="there", EMPTY="", NUMBER="12345")
    assert taken.found == []
    assert taken.node.value == value


def test_a_value_from_elsewhere_says_so() -> None:
    assert Taken("${env:NAME}", NAME="x").node.origin == "the variable `NAME`"
    assert Taken("x").node.origin is None


def test_what_a_variable_holds_is_not_read_again() -> None:
    assert Taken("${env:NAME}", NAME="${env:OTHER} $$ *x: [", OTHER="no").node.value == "${env:OTHER} $$ *x: ["


def test_an_unset_variable_is_reported_at_its_place() -> None:
    taken = Taken("x ${env:NAME} ${env:OTHER}")
    assert taken.found == [("GW401", 6), ("GW401", 18)]
    assert not taken.node.known


def test_a_misspelt_variable() -> None:
    taken = Taken("${env:NMAE}", NAME="x")
    assert taken.findings.diagnostics[0].help == "did you mean `NAME`?"


@pytest.mark.parametrize(
    ("written", "help"),
    [
        ("${NAME}", "write `${env:NAME}`"),
        ("${NAME:-x}", "write `${env:NAME:-x}`"),
        ("${ env:NAME }", "write `${env:NAME}`"),
        ("${ENV:NAME}", "write `${env:NAME}`"),
        ("${env.NAME}", None),
        ("${env:NAME-x}", "write `${env:NAME:-x}`"),
        ("${env:}", None),
        ("${env:A B}", None),
        ("${env:NAME", None),
        ("${FILE:x}", "write `${file:path}`"),
        ("${vault:x}", None),
    ],
)
def test_a_malformed_reference_is_never_taken_literally(written: str, help: str | None) -> None:
    taken = Taken(f"'{written}'", NAME="x")
    assert taken.found == [("GW405", 5)]
    assert not taken.node.known
    assert help is None or taken.findings.diagnostics[0].help == help


def test_templates_keep_their_own_braces() -> None:
    taken = Taken("'${ a || b } ${env:NAME} ${c}'", template="^a$", NAME="x")
    assert taken.found == []
    assert taken.node.value == "${ a || b } x ${c}"


class TestFiles:
    def test_the_text_of_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("s3cret \n")
        assert Taken("${file:secret}", tmp_path).node.value == "s3cret "

    @pytest.mark.parametrize("name", ["none", ".", "bad", "a\\0b"])
    def test_what_cannot_be_read(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "bad").write_bytes(b"\xff")
        assert Taken(f'"${{file:{name}}}"', tmp_path).found == [("GW406", 5)]

    def test_a_huge_file(self, tmp_path: Path) -> None:
        (tmp_path / "huge").write_bytes(b"x" * (1024 * 1024 + 1))
        assert Taken("${file:huge}", tmp_path).found == [("GW406", 4)]


class TestDotenv:
    def read(self, tmp_path: Path, text: str) -> tuple[dict[str, str], list[tuple[str, int]]]:
        (tmp_path / ".env").write_bytes(text.encode())
        findings = Findings()
        variables = read_dotenv(tmp_path / ".env", findings, shown=".env")
        assert findings.sources == {}
        return variables, [(one.code, one.span.start.line) for one in findings.diagnostics]

    @pytest.mark.parametrize(
        ("line", "value"),
        [
            ("A=b", "b"),
            ("A = b", "b"),
            ("export A=b", "b"),
            ("  A=b  ", "b"),
            ("A=", ""),
            ("A=b c", "b c"),
            ("A=b # comment", "b"),
            ("A=b#c", "b#c"),
            ("A=#c", "#c"),
            ("A= # c", ""),
            ("A='b # c'", "b # c"),
            ("A='b\\n$x'", "b\\n$x"),
            ('A="b # c"', "b # c"),
            ('A="b\\n\\"c\\"\\\\ \\$x \\q"', 'b\n"c"\\ $x \\q'),
            ('A="b" # c', "b"),
            ("A='one\ntwo'", "one\ntwo"),
            ("A=postgresql://u:p@h/d?x=1", "postgresql://u:p@h/d?x=1"),
            ("A=b=c=", "b=c="),
            ("A=it's", "it's"),
            ("\ufeffA=b", "b"),
            ("A=é", "é"),
        ],
    )
    def test_lines(self, tmp_path: Path, line: str, value: str) -> None:
        for end in ("", "\n", "\r\n"):
            assert self.read(tmp_path, f"{line}{end}") == ({"A": value}, [])

    def test_several_lines_comments_and_blanks(self, tmp_path: Path) -> None:
        text = "# first\n\nA=1\n   \n  # more\nB='2'\r\nA=3\n\n"
        assert self.read(tmp_path, text) == ({"A": "3", "B": "2"}, [])

    @pytest.mark.parametrize("line", ["A: b", "just words", "1A=b", "A-B=c", "='x'", "A='open", 'A="open', "A='b' c"])
    def test_what_is_no_entry_is_reported_and_the_rest_is_read(self, tmp_path: Path, line: str) -> None:
        assert self.read(tmp_path, f"B=1\n{line}\n") == ({"B": "1"}, [("GW407", 2)])

    def test_no_file_is_no_problem(self, tmp_path: Path) -> None:
        assert read_dotenv(tmp_path / ".env", Findings(), shown=".env") == {}

    def test_a_file_that_is_not_utf_8(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_bytes(b"A=\xff")
        findings = Findings()
        assert read_dotenv(tmp_path / ".env", findings, shown=".env") == {}
        assert [one.code for one in findings.diagnostics] == ["GW407"]

    def test_the_environment_of_the_process_counts_first(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("A=file\nB=file\n")
        variables = read_environment(tmp_path, {"A": "process"}, Findings()).variables
        assert variables == {"A": "process", "B": "file"}

    @given(text=st.text(alphabet="AB=\"' #\\\n\r\texport1:", max_size=40))
    def test_any_text_can_be_read(self, tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
        variables, found = self.read(tmp_path_factory.mktemp("env"), text)
        lines = len(re.split(r"\r\n|\r|\n", text))
        assert all(1 <= line <= lines for _, line in found)
        assert all(re.fullmatch(r"[A-Za-z_]\w*", name) for name in variables)


class TestSecret:
    def test_it_shows_nothing(self) -> None:
        secret = Secret("hunter2")
        assert f"{secret} {secret!r} {[secret]}".count("hunter2") == 0
        assert secret.reveal() == "hunter2"

    def test_white_space_round_it_does_not_count(self) -> None:
        assert Secret(" x\n").reveal() == "x"
        assert not Secret(" \n")

    def test_it_compares_by_its_text(self) -> None:
        assert Secret("a") == Secret("a")
        assert Secret("a") != Secret("b")
        assert len({Secret("a"), Secret("a")}) == 1

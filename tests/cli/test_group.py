"""The commands as a whole: quick to list, one shape of errors, exit codes."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from cli.projects import call, called, refused

from gateway import __version__
from gateway.cli import COMMANDS

HEAVY = ("sqlalchemy", "aiohttp", "jsonschema", "stripe", "rich", "yaml", "jmespath", "structlog", "gateway.store.rows")


def test_help_lists_the_commands() -> None:
    text = called("--help")
    for name, what in COMMANDS.items():
        assert name in text
        assert what.split()[0] in text


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_what_the_list_says(name: str) -> None:
    command = import_module(f"gateway.cli.{name}").command
    assert command.name == name
    assert command.get_short_help_str(200) == COMMANDS[name]
    assert f"gateway {name}" in called(name, "--help") or hasattr(command, "commands")


@pytest.mark.parametrize(
    "words", [["events", "list"], ["events", "show"], ["events", "why"], ["events", "retry"], ["tables", "list"],
              ["tables", "get"], ["tables", "set"]]
)  # fmt: skip
def test_each_command_shows_an_example_and_takes_json(words: list[str]) -> None:
    text = called(*words, "--help")
    assert f"Example: gateway {' '.join(words)}" in text
    assert "--json" in text
    assert "--config" in text


def test_listing_the_commands_imports_nothing_heavy() -> None:
    program = (
        "import sys; from gateway.cli import main\n"
        "try: main(['--help'])\n"
        f"except SystemExit: print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert output.splitlines()[-1] == "[]"


def test_it_is_also_a_module() -> None:
    ran = subprocess.run([sys.executable, "-m", "gateway", "-V"], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, f"gateway, version {__version__}\n")


def test_the_reader_of_the_output_may_go_away(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "gateway", "--help"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


def test_a_misspelt_command_is_told_with_the_near_one() -> None:
    assert (
        refused(2, "evnts", "list") == "gateway: error: there is no command `evnts`\n  help: did you mean `events`?\n"
    )
    assert "help: commands: init, validate" in refused(2, "zzz")


@pytest.mark.parametrize("words", [["events", "lsit"], ["events", "list", "--staus", "dead"], ["events", "show"]])
def test_a_wrong_call_is_told_in_one_shape(words: list[str]) -> None:
    text = refused(2, *words)
    assert text.startswith("gateway: error: ")
    assert "  help: `" in text
    assert "--help` shows how it is called" in text


def test_without_a_command_the_help_is_shown() -> None:
    result = call()
    assert result.exit_code == 2
    assert "Commands:" in result.output


def test_a_missing_configuration_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for words in ("events list", "tables list", "migrate", "trigger shop x", "init --env-only"):
        text = refused(2, *words.split())
        assert "there is no file `gateway.yaml`" in text
        assert "gateway init" in text

"""Commands called in ways that cannot work: each says why, and none ends with a traceback."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from cli.projects import CONFIGURATION, RULES, Folder, call

READING = (
    ("events", "list"),
    ("events", "show", "1"),
    ("outbox", "list"),
    ("tables", "get", "orders", "o1"),
)
WRITING = (
    ("events", "retry", "1"),
    ("outbox", "retry", "1"),
    ("migrate",),
)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without a database, as the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gateway.yaml").write_text(CONFIGURATION)
    (tmp_path / "rules.yaml").write_text(RULES)
    return tmp_path


def refused(*arguments: str) -> str:
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert "gateway: error: " in result.output
    return result.output


def named(path: Path, address: str) -> None:
    (path / "gateway.yaml").write_text(CONFIGURATION.replace("sqlite:///test.db", address))


@pytest.mark.parametrize("arguments", READING)
def test_the_database_of_another_program(bare: Path, arguments: tuple[str, ...]) -> None:
    connection = sqlite3.connect(bare / "test.db")
    connection.execute("CREATE TABLE gateway_events (a)")
    connection.execute("CREATE TABLE gateway_outbox (a)")
    connection.close()
    if arguments[0] == "tables":
        assert "has no table `orders`" in call(*arguments).output
    else:
        assert "called like the gateway's, and that it did not make" in refused(*arguments)


def test_a_table_of_another_program_is_not_taken_over(bare: Path) -> None:
    connection = sqlite3.connect(bare / "test.db")
    connection.execute("CREATE TABLE gateway_events (a)")
    result = call("migrate")
    assert result.exit_code == 1
    assert "`gateway_events` that this gateway did not make" in result.output
    assert [row[0] for row in connection.execute("SELECT name FROM sqlite_master")] == ["gateway_events"]
    connection.close()


@pytest.mark.parametrize("arguments", [*READING[:3], ("events", "retry", "1"), ("outbox", "retry", "1")])
def test_an_empty_database(bare: Path, arguments: tuple[str, ...]) -> None:
    sqlite3.connect(bare / "test.db").close()
    (bare / "test.db").touch()
    assert "does not have the gateway's tables yet" in refused(*arguments)


def test_a_database_of_an_older_version(bare: Path) -> None:
    connection = sqlite3.connect(bare / "test.db")
    connection.executescript((Path(__file__).parents[1] / "store" / "version1.sql").read_text())
    connection.close()
    assert "has the tables of an older version" in refused("outbox", "list")
    assert call("migrate").exit_code == 0
    assert call("outbox", "list").exit_code == 0


@pytest.mark.parametrize("arguments", [*READING, *WRITING])
def test_a_file_that_is_no_database(bare: Path, arguments: tuple[str, ...]) -> None:
    named(bare, "sqlite:///rules.yaml")
    assert "file is not a database" in refused(*arguments)
    assert (bare / "rules.yaml").read_text() == RULES


@pytest.mark.parametrize("arguments", [*READING, *WRITING])
def test_a_folder_is_no_database(bare: Path, arguments: tuple[str, ...]) -> None:
    (bare / "folder").mkdir()
    named(bare, "sqlite:///folder")
    assert "folder` is a directory, not a file" in refused(*arguments)


def test_a_database_below_a_file_cannot_be_made(bare: Path) -> None:
    named(bare, "sqlite:///rules.yaml/test.db")
    assert "cannot be made in `" in refused("migrate")
    assert "it is not a directory" in refused("migrate")


def test_events_of_a_source_that_does_not_exist(folder: Folder) -> None:
    assert "did you mean `shop`?" in refused("events", "list", "--source", "shpo")
    assert call("events", "list", "--source", "shop").exit_code == 0
    folder.bench.database.execute("UPDATE gateway_events SET source = 'gone'", ())
    folder.send("placed", 1)
    folder.bench.database.execute("UPDATE gateway_events SET source = 'gone'", ())
    assert "placed" in call("events", "list", "--source", "gone").output


def test_a_folder_is_no_configuration(bare: Path) -> None:
    (bare / "folder").mkdir()
    for command in ("validate", "test", "migrate"):
        assert "is a directory" in refused(command, "--config", "folder")


def test_a_folder_without_rules(bare: Path) -> None:
    (bare / "folder").mkdir()
    assert "there is nothing to check in `folder`" in refused("validate", "folder")


def test_nothing_is_retried(folder: Folder) -> None:
    result = call("outbox", "retry", "17")
    assert (result.exit_code, result.output) == (1, "gateway: error: there is no message or call `17`\n")

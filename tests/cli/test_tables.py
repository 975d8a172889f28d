"""`gateway tables`: rows looked at and changed by hand."""

from __future__ import annotations

import json

import pytest
from cli.projects import RULES, Folder, as_json, call, called, refused


def test_tables_are_listed(folder: Folder) -> None:
    assert called("tables", "list").splitlines() == [
        "TABLE   KEY  COLUMNS",
        "orders  id   id text, total decimal, paid boolean, at timestamp, extra json, owner text",
    ]
    [table] = as_json("tables", "list")["tables"]
    assert (table["name"], table["columns"][1]["type"]) == ("orders", "decimal")


def test_a_row_is_made_changed_and_read(folder: Folder) -> None:
    words = ["total=99.90", "paid=true", "at=2026-01-15T13:00:00+01:00", 'extra={"a": 1.10}', "owner=ana = bea"]
    result = call("tables", "set", "orders", "o/1", *words)
    assert (result.exit_code, result.stderr) == (0, "created\n")
    row = {
        "id": "o/1",
        "total": "99.90",
        "paid": True,
        "at": "2026-01-15T12:00:00Z",
        "extra": {"a": 1.10},
        "owner": "ana = bea",
    }
    assert as_json("tables", "get", "orders", "o/1") == {"row": row}
    assert as_json("tables", "list", "orders") == {"rows": [row], "next": None}
    assert call("tables", "set", "orders", "o/1", "total=100", "paid=true").stderr == "changed total\n"
    assert call("tables", "set", "orders", "o/1", "total=100").stderr == "nothing to change\n"
    assert called("tables", "get", "orders", "o/1").splitlines()[:2] == ["id     o/1", "total  100"]


def test_a_json_value_can_be_given_to_any_column(folder: Folder) -> None:
    called("tables", "set", "orders", "o1", "owner=null", "total:=1.50", "extra:=[1]")
    assert as_json("tables", "set", "orders", "o1", "owner:=null", "paid:=false")["row"] == {
        "id": "o1",
        "total": "1.50",
        "paid": False,
        "at": None,
        "extra": [1],
        "owner": None,
    }
    [_, (_, _, _, before, after)] = folder.changes()
    assert json.loads(before) == {"owner": "null", "paid": None}
    assert json.loads(after) == {"owner": None, "paid": False}


def test_who_changed_it_is_recorded(folder: Folder) -> None:
    called("tables", "set", "orders", "o1", "total=1")
    [(actor, table, key, before, _)] = folder.changes()
    assert actor.startswith("cli ")
    assert (table, key, before) == ("orders", "o1", None)


def test_rows_come_in_pages(folder: Folder) -> None:
    for number in range(3):
        called("tables", "set", "orders", f"o{number}", "total=1")
    result = call("tables", "list", "orders", "--limit", "2")
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["id", "o0", "o1"]
    assert result.stderr == "more: --cursor o1\n"
    assert as_json("tables", "list", "orders", "--cursor", "o1")["rows"][0]["id"] == "o2"


@pytest.mark.parametrize(
    ("code", "words", "message"),
    [
        (2, ["get", "orderz", "o1"], "the rules have no table `orderz`\n  help: did you mean `orders`?"),
        (2, ["list", "zzz"], "help: tables: orders"),
        (1, ["get", "orders", "none"], "table `orders` has no row `none`"),
        (2, ["set", "orders", "o1", "totl=1"], "no column `totl`\n  help: did you mean `total`?"),
        (2, ["set", "orders", "o1", "total=much"], "column `orders.total`: cannot read text `much` as a decimal"),
        (2, ["set", "orders", "o1", "total"], "`total` is not COLUMN=VALUE"),
        (2, ["set", "orders", "o1", "=1"], "`=1` is not COLUMN=VALUE"),
        (2, ["set", "orders", "o1", "extra={"], "the value is not JSON"),
        (2, ["set", "orders", "o1", "id=o2"], "it cannot be set to `o2`"),
        (2, ["set", "orders", "o1"], "missing argument"),
    ],
)
def test_what_cannot_be_is_told(folder: Folder, code: int, words: list[str], message: str) -> None:
    assert message in refused(code, "tables", *words)
    assert folder.changes() == []


def test_a_value_that_another_row_has_is_a_failure(folder: Folder) -> None:
    called("tables", "set", "orders", "o1", "owner=ana")
    assert "another row of table `orders` has owner `ana`" in refused(1, "tables", "set", "orders", "o2", "owner=ana")


def test_a_table_that_the_database_does_not_have_yet_is_told(folder: Folder) -> None:
    rules = RULES.replace("tables:\n", "tables:\n  news:\n    columns: {id: {type: text, primary_key: true}}\n")
    (folder.path / "rules.yaml").write_text(rules)
    assert "`gateway migrate` makes it" in refused(1, "tables", "list", "news")


def test_control_characters_of_a_row_do_not_reach_the_terminal(folder: Folder) -> None:
    called("tables", "set", "orders", "o1", "owner=\x1b[2Ja\nb")
    for words in (["get", "orders", "o1"], ["list", "orders"]):
        assert "\\x1b[2Ja\\nb" in called("tables", *words)


def test_broken_rules_are_told_with_their_place(folder: Folder) -> None:
    (folder.path / "rules.yaml").write_text(RULES.replace("decimal", "desimal"))
    text = refused(2, "tables", "list")
    assert "rules.yaml:7" in text
    assert "`gateway.yaml` cannot be used" in text

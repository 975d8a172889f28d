"""`gateway migrate`: the tables that the rules need."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from cli.projects import CONFIGURATION, RULES, Folder, as_json, called, refused


def columns(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return [row[1] for row in connection.execute("PRAGMA table_info(orders)")]
    finally:
        connection.close()


def test_a_database_is_made_with_all_tables(folder: Folder) -> None:
    (folder.path / "gateway.yaml").write_text(CONFIGURATION.replace("test.db", "var/new.db"))
    dry = called("migrate", "--dry-run")
    assert not (folder.path / "var").exists()
    assert 'CREATE TABLE "orders"' in dry
    assert called("migrate") == dry
    assert columns(folder.path / "var" / "new.db") == ["id", "total", "paid", "at", "extra", "owner"]
    assert called("migrate") == "nothing to do: the tables are as the rules need them\n"


def test_a_new_column_is_added_and_first_shown(folder: Folder) -> None:
    (folder.path / "rules.yaml").write_text(RULES.replace("      paid:", "      note: {type: text}\n      paid:"))
    statements = ['ALTER TABLE "orders" ADD COLUMN "note" TEXT']
    assert as_json("migrate", "--dry-run") == {"statements": statements, "dry_run": True}
    assert "note" not in columns(folder.path / "test.db")
    assert as_json("migrate") == {"statements": statements, "dry_run": False}
    assert "note" in columns(folder.path / "test.db")


def test_a_change_that_could_lose_data_is_a_failure_with_the_sql(folder: Folder) -> None:
    (folder.path / "rules.yaml").write_text(RULES.replace("total: {type: decimal}", "total: {type: integer}"))
    text = refused(1, "migrate")
    assert "column `orders.total` is DECIMAL_TEXT in the database, the rules say integer" in text
    assert '  ALTER TABLE "orders" RENAME COLUMN "total"' in text

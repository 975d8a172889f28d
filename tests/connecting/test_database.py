"""A project held against a real SQLite file."""

from __future__ import annotations

from pathlib import Path

from connecting.conftest import RULES, Compare

from gateway.config.diagnostics import Findings
from gateway.project import load_project
from gateway.store.database import open_database, parse_address
from gateway.store.migrations import migrate

GATEWAY = "version: 1\nsources: {s: {path: /s, verify: none, event: {id: id, type: type}, rules: [rules.yaml]}}\n"
EXISTING = """\
version: 1
tables: {orders: {existing: true}}
extract: {order: order.id, total: order.total}
rules:
"""


def existing(step: str, table: str = "orders: {existing: true}") -> str:
    """Return a rules file with an existing table and one step."""
    head = EXISTING.replace("orders: {existing: true}", table)
    return head + f"  - {{name: seen, on: seen, do: [{step}]}}\n"


def test_a_database_that_is_not_there_yet_is_no_mistake(compare: Compare, tmp_path: Path) -> None:
    found = compare(GATEWAY)
    assert found.lines == []
    assert found.looked_at == [f"database {tmp_path / 'gateway.db'}: it is not there yet, `gateway migrate` makes it"]
    assert not (tmp_path / "gateway.db").exists()


def test_an_existing_table_cannot_be_in_a_database_that_is_not_there(compare: Compare) -> None:
    found = compare(GATEWAY, existing("{delete: orders, where: {id: $order}}"))
    assert found.lines == [
        "GW290 rules.yaml:2:10 table `orders` is declared `existing: true`, but the database has no such table"
    ]


def test_what_migrate_made_is_as_the_rules_say(compare: Compare, tmp_path: Path) -> None:
    compare(GATEWAY)
    project = load_project(tmp_path / "gateway.yaml", Findings(), {})
    assert project is not None
    database = open_database(parse_address("sqlite:///gateway.db", tmp_path))
    migrate(database, project.tables.values())
    database.close()
    before = (tmp_path / "gateway.db").read_bytes()
    found = compare(GATEWAY)
    assert found.lines == []
    assert found.looked_at == [f"database {tmp_path / 'gateway.db'}: tables: 1"]
    assert (tmp_path / "gateway.db").read_bytes() == before


def test_a_column_of_another_type_comes_with_the_sql_to_run(compare: Compare) -> None:
    sql = "CREATE TABLE invoices (id TEXT PRIMARY KEY NOT NULL, number TEXT UNIQUE, amount INTEGER)"
    found = compare(GATEWAY, sql=sql)
    assert found.lines == [
        "GW290 rules.yaml:7:7 column `invoices.amount` is INTEGER in the database, the rules say decimal"
    ]
    assert found.findings[0].notes[0].startswith("SQL to run by hand: ALTER TABLE")


def test_a_new_column_that_must_be_filled_is_told_before_migrating(compare: Compare) -> None:
    rules = RULES.replace("{type: decimal}", "{type: decimal, required: true}")
    found = compare(GATEWAY, rules, sql="CREATE TABLE invoices (id TEXT PRIMARY KEY NOT NULL, number TEXT UNIQUE)")
    assert found.lines == [
        "GW290 rules.yaml:7:7 column `invoices.amount` is new and `required`, but rows exist that have no value for it"
    ]


def test_a_new_column_that_may_be_empty_is_what_migrate_is_for(compare: Compare) -> None:
    assert compare(GATEWAY, sql="CREATE TABLE invoices (id TEXT PRIMARY KEY NOT NULL)").lines == []


def test_rows_that_share_what_is_to_be_unique(compare: Compare) -> None:
    table = "CREATE TABLE invoices (id TEXT PRIMARY KEY NOT NULL, number TEXT, amount DECIMAL_TEXT);"
    assert compare(GATEWAY, sql=table).lines == []
    found = compare(GATEWAY, sql="INSERT INTO invoices VALUES ('a', '1', NULL), ('b', '1', NULL)")
    assert found.lines == ["GW290 rules.yaml:6:7 column `invoices.number` is to be unique, but rows share a value"]


def test_rows_without_what_is_required(compare: Compare) -> None:
    rules = RULES.replace("{type: decimal}", "{type: decimal, required: true}")
    sql = "CREATE TABLE invoices (id TEXT PRIMARY KEY NOT NULL, number TEXT UNIQUE, amount DECIMAL_TEXT);"
    assert compare(GATEWAY, rules, sql=sql).lines == []
    found = compare(GATEWAY, rules, sql="INSERT INTO invoices VALUES ('a', '1', NULL)")
    assert found.lines == ["GW290 rules.yaml:7:7 column `invoices.amount` is `required`, but rows have no value for it"]


def test_the_columns_of_an_existing_table_are_those_of_the_database(compare: Compare) -> None:
    sql = "CREATE TABLE orders (id TEXT PRIMARY KEY, total INTEGER, state TEXT)"
    rules = existing("{update: orders, where: {id: $order}, set: {stat: paid}}")
    found = compare(GATEWAY, rules, sql=sql)
    assert [(one.code, one.message, one.help) for one in found.other if one.code == "GW202"] == [
        ("GW202", "table `orders` has no column `stat`", "did you mean `state`?")
    ]


def test_a_declared_column_that_an_existing_table_lacks(compare: Compare) -> None:
    table = "orders: {existing: true, columns: {id: {type: text, primary_key: true}, tax: {type: decimal}}}"
    rules = existing("{delete: orders, where: {id: $order}}", table)
    found = compare(GATEWAY, rules, sql="CREATE TABLE orders (id TEXT PRIMARY KEY)")
    assert [one.message for one in found.findings] == [
        "table `orders` is declared `existing: true`, but has no column `tax`"
    ]
    assert found.findings[0].notes == ('SQL to run by hand: ALTER TABLE "orders" ADD COLUMN "tax" DECIMAL_TEXT',)


def test_an_upsert_by_what_an_existing_table_does_not_keep_unique(compare: Compare) -> None:
    rules = existing("{upsert: orders, key: {code: $order}, set: {total: 1}}")
    found = compare(GATEWAY, rules, sql="CREATE TABLE orders (id TEXT PRIMARY KEY, code TEXT, total INTEGER)")
    assert [one.message for one in found.findings] == [
        "`key` must name one row, but the database does not keep `code` of `orders` unique"
    ]
    partial = "CREATE UNIQUE INDEX some ON orders (code) WHERE total > 0"
    assert compare(GATEWAY, rules, sql=partial).findings
    assert not compare(GATEWAY, rules, sql="CREATE UNIQUE INDEX codes ON orders (code)").findings


def test_a_file_that_is_no_database(compare: Compare, tmp_path: Path) -> None:
    (tmp_path / "gateway.db").write_text(
        "a letter to my aunt, long enough to be looked at as a database's first page\n" * 9
    )
    found = compare("database: sqlite:///gateway.db\n" + GATEWAY)
    assert found.lines == ["GW491 gateway.yaml:1:11 could not ask the database: file is not a database"]
    assert found.looked_at == []


def test_tables_of_somebody_else_by_our_names(compare: Compare) -> None:
    found = compare(GATEWAY, sql="CREATE TABLE gateway_events (id INTEGER)")
    assert [one.message for one in found.findings] == [
        "the database has tables that are called like the gateway's, and that it did not make"
    ]

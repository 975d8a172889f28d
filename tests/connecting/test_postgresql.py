"""A project held against a real PostgreSQL."""

from __future__ import annotations

from connecting.conftest import RULES, Compare
from connecting.test_database import GATEWAY, existing
from servers import PostgresServer

HERE = 'database: "${env:DATABASE}"\n' + GATEWAY


def test_declared_tables(compare: Compare, postgres: PostgresServer) -> None:
    url = postgres.create()
    name = url.rpartition("/")[2]
    assert compare(HERE, DATABASE=url).lines == []
    postgres.run("CREATE TABLE invoices (id TEXT PRIMARY KEY, number TEXT, amount BIGINT)", name)
    found = compare(HERE, DATABASE=url)
    assert found.lines == [
        "GW290 rules.yaml:7:7 column `invoices.amount` is BIGINT in the database, the rules say decimal"
    ]
    postgres.run("ALTER TABLE invoices ALTER amount TYPE NUMERIC", name)
    postgres.run("INSERT INTO invoices VALUES ('a', '1'), ('b', '1')", name)
    rules = RULES.replace("{type: decimal}", "{type: decimal, required: true}")
    assert [one.message for one in compare(HERE, rules, DATABASE=url).findings] == [
        "column `invoices.number` is to be unique, but rows share a value",
        "column `invoices.amount` is `required`, but rows have no value for it",
    ]


def test_existing_tables(compare: Compare, postgres: PostgresServer) -> None:
    url = postgres.create()
    name = url.rpartition("/")[2]
    postgres.run("CREATE TABLE orders (id BIGINT PRIMARY KEY, code TEXT, total INTEGER)", name)
    rules = existing("{upsert: orders, key: {code: $order}, set: {totl: 1}}")
    found = compare(HERE, rules, DATABASE=url)
    assert [one.message for one in found.findings] == [
        "`key` must name one row, but the database does not keep `code` of `orders` unique"
    ]
    assert "table `orders` has no column `totl`" in [one.message for one in found.other]
    postgres.run("CREATE UNIQUE INDEX partly ON orders (code) WHERE total > 0", name)
    assert compare(HERE, rules, DATABASE=url).findings
    postgres.run("CREATE UNIQUE INDEX codes ON orders (code)", name)
    assert not compare(HERE, rules, DATABASE=url).findings


def test_a_server_that_is_not_there(compare: Compare) -> None:
    found = compare(HERE, DATABASE="postgresql://nobody:hidden@127.0.0.1:9/none")
    assert [one.code for one in found.findings] == ["GW491"]
    assert "hidden" not in repr(found.findings)

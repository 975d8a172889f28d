"""Tables: made, added to, and never changed in a way that could lose data."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from engines import as_text, open_new

from gateway.config.tables import Column, Table
from gateway.errors import MigrationRefused
from gateway.store.claiming import claim_due, claim_ready
from gateway.store.database import Database
from gateway.store.migrations import migrate
from gateway.store.reflection import reflect_existing, table_names
from gateway.store.sqlite import SqliteDatabase

ID = Column(name="id", type="text", primary_key=True)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return open_new(tmp_path)


def table(*columns: Column, name: str = "orders", existing: bool = False) -> Table:
    return Table(name=name, columns=columns, existing=existing)


def test_every_type_of_column_is_made_with_its_default(database: Database) -> None:
    columns = [
        Column(name="amount", type="decimal", default=Decimal("9.90")),
        Column(name="count", type="integer", default=3),
        Column(name="open", type="boolean", default=True),
        Column(name="note", type="text", default="it's"),
        Column(name="data", type="json", default=["a"]),
    ]
    migrate(database, [table(ID, *columns)])
    database.execute("INSERT INTO orders (id) VALUES ('a')", ())
    found = database.execute("SELECT * FROM orders", ()).fetchone()
    assert tuple(map(as_text, found)) == ("a", "9.90", 3, 1, "it's", '["a"]')


def test_the_second_time_there_is_nothing_to_do(database: Database) -> None:
    assert migrate(database, [table(ID)]).statements
    assert migrate(database, [table(ID)]).statements == ()


def test_a_dry_run_changes_nothing(database: Database) -> None:
    assert migrate(database, [table(ID)], dry_run=True).statements
    assert table_names(database) == set()


def test_new_columns_and_indexes_are_added(database: Database) -> None:
    migrate(database, [table(ID)])
    database.execute("INSERT INTO orders (id) VALUES ('a')", ())
    added = Column(name="status", type="text", default="open"), Column(name="number", type="text", unique=True)
    done = migrate(database, [table(ID, *added)])
    assert len(done.statements) == 3
    assert database.execute("SELECT status, number FROM orders", ()).fetchone() == ("open", None)


def test_a_changed_type_is_refused_with_sql_that_works(database: Database) -> None:
    migrate(database, [table(ID, Column(name="amount", type="text"))])
    database.execute("INSERT INTO orders (id, amount) VALUES ('a', '9.90')", ())
    wanted = table(ID, Column(name="amount", type="decimal"))
    with pytest.raises(MigrationRefused, match=re.escape("column `orders.amount` is TEXT")) as refused:
        migrate(database, [wanted])
    for statement in refused.value.sql:
        database.execute(statement, ())
    assert migrate(database, [wanted]).statements == ()
    assert as_text(database.execute("SELECT amount FROM orders", ()).fetchone()[0]) == "9.90"


def test_a_required_column_without_a_default_is_refused_for_an_old_table(database: Database) -> None:
    migrate(database, [table(ID)])
    with pytest.raises(MigrationRefused, match="is new and `required`"):
        migrate(database, [table(ID, Column(name="email", type="text", required=True))])


def test_a_unique_column_that_is_not_unique_is_refused_and_nothing_else_is_done(database: Database) -> None:
    migrate(database, [table(ID, Column(name="email", type="text"))])
    database.execute("INSERT INTO orders VALUES ('a', 'x'), ('b', 'x')", ())
    unique = table(ID, Column(name="email", type="text", unique=True))
    with pytest.raises(MigrationRefused, match="rows share a value") as refused:
        migrate(database, [table(ID, name="other"), unique])
    assert database.execute(refused.value.sql[0], ()).fetchall() == [("x", 2)]
    assert "other" not in table_names(database)


def test_a_column_that_the_rules_no_longer_name_stays(database: Database) -> None:
    migrate(database, [table(ID, Column(name="old", type="text"))])
    migrate(database, [table(ID)])
    database.execute("INSERT INTO orders (id, old) VALUES ('a', 'kept')", ())


def test_an_existing_table_is_used_as_it_stands(database: Database) -> None:
    database.execute(
        "CREATE TABLE payments (id VARCHAR(20) PRIMARY KEY, amount NUMERIC(10, 2), at TIMESTAMP, paid BOOLEAN, n INT)",
        (),
    )
    declared = {"payments": table(name="payments", existing=True)}
    assert [s for s in migrate(database, declared.values()).statements if "payments" in s] == []
    found = reflect_existing(database, declared)["payments"]
    assert [(c.name, c.type) for c in found.columns] == [
        ("id", "text"),
        ("amount", "decimal"),
        ("at", "timestamp"),
        ("paid", "boolean"),
        ("n", "integer"),
    ]
    assert found.key is not None
    assert found.key.name == "id"


def test_an_existing_table_that_does_not_exist_is_refused(database: Database) -> None:
    with pytest.raises(MigrationRefused, match="the database has no such table"):
        migrate(database, [table(name="nowhere", existing=True)])


@pytest.mark.sqlite
def test_a_database_of_the_first_version_is_taken_to_this_one(database: Database, tmp_path: Path) -> None:
    assert isinstance(database, SqliteDatabase)
    database.connection.executescript((Path(__file__).parent / "version1.sql").read_text())
    assert migrate(database, []).statements
    assert migrate(database, []).statements == ()
    fresh = open_new(tmp_path, "sqlite:///fresh.db")
    migrate(fresh, [])
    for name in definitions(fresh):
        assert columns_of(database, name) == columns_of(fresh, name), name
    assert definitions(database) == definitions(fresh)
    assert [event.event_id for event in claim_ready(database, 10)] == ["evt_ready"]
    assert [event.event_id for event in claim_due(database, 1760000005000000, 10)] == ["evt_waiting"]


def definitions(database: Database) -> set[str]:
    return {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE name LIKE 'gateway%'", ())}


def columns_of(database: Database, table: str) -> set[tuple[object, ...]]:
    return {row[1:] for row in database.execute(f"PRAGMA table_info({table})", ())}

"""Rows by hand: read as JSON values, written with a record of who changed what."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from engines import open_new

from gateway.config.tables import Column, Table
from gateway.errors import Conflict, NotFound
from gateway.store.database import Database
from gateway.store.migrations import migrate
from gateway.store.operator_rows import Put, RowInvalid, get_row, list_rows, put_row, row_json
from gateway.store.reflection import reflect_table
from gateway.store.rows import RowTable

ACCOUNTS = Table(
    name="accounts",
    columns=(
        Column(name="id", type="text", primary_key=True),
        Column(name="status", type="text", values=("trial", "active"), default="trial"),
        Column(name="customer", type="text", unique=True),
        Column(name="seats", type="integer"),
        Column(name="balance", type="decimal", default=Decimal("0.00")),
        Column(name="paid", type="boolean"),
        Column(name="paid_at", type="timestamp"),
        Column(name="due", type="date"),
        Column(name="extra", type="json"),
        Column(name="owner", type="text", required=True, default="nobody"),
    ),
)
COUNTERS = Table(
    name="counters",
    columns=(Column(name="number", type="integer", primary_key=True), Column(name="label", type="text", required=True)),
)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    global accounts, counters
    database = open_new(tmp_path)
    migrate(database, [ACCOUNTS, COUNTERS])
    accounts, counters = RowTable(ACCOUNTS, database.dialect), RowTable(COUNTERS, database.dialect)
    return database


accounts: RowTable
counters: RowTable


def put(database: Database, table: RowTable, key: str, values: dict[str, Any], *, now: int = 5) -> Put:
    return put_row(database, table, key, values, actor="cli ana", now=now)


def recorded(database: Database) -> list[tuple[Any, ...]]:
    rows = database.execute("SELECT at, actor, table_name, row_key, before, after FROM gateway_changes", ()).fetchall()
    return [(*row[:4], None if row[4] is None else json.loads(row[4]), json.loads(row[5])) for row in rows]


def test_a_row_is_created_with_values_of_every_type(database: Database) -> None:
    given = {
        "status": "active",
        "customer": "cus_1",
        "seats": "12",
        "balance": "99.90",
        "paid": "true",
        "paid_at": "2026-01-15T13:00:00+01:00",
        "due": "2026-02-01",
        "extra": {"a": [1, Decimal("1.10"), None]},
    }
    done = put(database, accounts, "acc/1", given)
    assert (done.created, done.row["paid_at"], done.row["due"], done.row["seats"]) == (
        True,
        datetime(2026, 1, 15, 12, tzinfo=UTC),
        date(2026, 2, 1),
        12,
    )
    shown = row_json(get_row(database, accounts, "acc/1"), ACCOUNTS)
    assert shown == {
        "id": "acc/1",
        "status": "active",
        "customer": "cus_1",
        "seats": 12,
        "balance": "99.90",
        "paid": True,
        "paid_at": "2026-01-15T12:00:00Z",
        "due": "2026-02-01",
        "extra": {"a": [1, Decimal("1.10"), None]},
        "owner": "nobody",
    }
    [(at, actor, table, key, before, after)] = recorded(database)
    assert (at, actor, table, key, before) == (5, "cli ana", "accounts", "acc/1", None)
    assert (after["balance"], after["owner"]) == ("99.90", "nobody")


def test_only_what_changes_is_written_and_recorded(database: Database) -> None:
    put(database, accounts, "a", {"balance": "1.50", "seats": 3})
    done = put(database, accounts, "a", {"balance": "2.50", "seats": 3}, now=6)
    assert (done.created, done.changed, done.row["balance"]) == (False, ("balance",), Decimal("2.50"))
    assert recorded(database)[1:] == [(6, "cli ana", "accounts", "a", {"balance": "1.50"}, {"balance": "2.50"})]


def test_what_is_so_already_leaves_no_record(database: Database) -> None:
    put(database, accounts, "a", {"extra": {"n": 1}})
    assert put(database, accounts, "a", {"extra": {"n": 1}, "id": "a"}).changed == ()
    assert len(recorded(database)) == 1


def test_true_is_not_one(database: Database) -> None:
    put(database, accounts, "a", {"extra": {"n": 1}})
    assert put(database, accounts, "a", {"extra": {"n": True}}).row["extra"] == {"n": True}


def test_null_empties_a_column(database: Database) -> None:
    put(database, accounts, "a", {"seats": 3})
    assert put(database, accounts, "a", {"seats": None}).row["seats"] is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"statuss": "active"}, "no column `statuss`"),
        ({"status": "gone"}, "`gone` is not one of `trial`, `active`"),
        ({"seats": "many"}, "column `accounts.seats`: cannot read text `many` as an integer"),
        ({"seats": 2**70}, "does not fit the 64 bits"),
        ({"balance": "NaN"}, "cannot read text `NaN` as a decimal"),
        ({"due": "2026-02-30"}, "accounts.due"),
        ({"customer": "a\0b"}, "NUL"),
        ({"customer": "\ud800"}, "surrogate"),
        ({"owner": None}, "column `accounts.owner` cannot be null"),
        ({"id": "b"}, "the key `id` is `a`, it cannot be set to `b`"),
    ],
)
def test_what_cannot_stand_in_the_row_is_refused_whole(
    database: Database, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(RowInvalid, match=message):
        put(database, accounts, "a", {"paid": True, **values})
    with pytest.raises(NotFound):
        get_row(database, accounts, "a")
    assert recorded(database) == []


def test_a_near_column_is_named(database: Database) -> None:
    with pytest.raises(RowInvalid) as caught:
        put(database, accounts, "a", {"balanse": 1})
    assert caught.value.help == "did you mean `balance`?"


def test_a_new_row_needs_its_required_columns(database: Database) -> None:
    with pytest.raises(RowInvalid, match="needs a value for `label`"):
        put(database, counters, "1", {})


@pytest.mark.parametrize("key", ["b", "a"])
def test_a_unique_value_stays_unique(database: Database, key: str) -> None:
    put(database, accounts, "a", {"customer": "cus_2"})
    put(database, accounts, "first", {"customer": "cus_1"})
    with pytest.raises(Conflict, match="another row of table `accounts` has customer `cus_1`"):
        put(database, accounts, key, {"customer": "cus_1"})
    assert not database.within
    assert len(recorded(database)) == 2


def test_rows_come_by_their_key_in_pages(database: Database) -> None:
    for number in (30, 4, 100, 7):
        put(database, counters, str(number), {"label": f"n{number}"})
    seen, cursor = [], None
    while True:
        page = list_rows(database, counters, limit=3, cursor=cursor)
        seen.append([row["number"] for row in page.rows])
        cursor = page.next
        if cursor is None:
            break
    assert seen == [[4, 7, 30], [100]]


@pytest.mark.parametrize("key", ["x", "1.5", ""])
def test_a_key_of_another_type_is_refused(database: Database, key: str) -> None:
    with pytest.raises(RowInvalid, match="cannot be a key of table `counters`"):
        get_row(database, counters, key)
    with pytest.raises(RowInvalid):
        list_rows(database, counters, limit=1, cursor=key)


def test_a_row_that_is_not_there_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound, match="table `accounts` has no row `x`"):
        get_row(database, accounts, "x")


def test_a_table_that_is_not_there_is_not_found(database: Database) -> None:
    database.execute("DROP TABLE counters", ())
    with pytest.raises(NotFound, match="gateway migrate"):
        list_rows(database, counters, limit=1)
    with pytest.raises(NotFound, match="gateway migrate"):
        put(database, counters, "1", {"label": "x"})


def existing(database: Database, name: str, statement: str) -> RowTable:
    database.execute(statement, ())
    table = reflect_table(database, name)
    assert table is not None
    return RowTable(table, database.dialect)


def test_rows_without_a_single_key_are_listed_and_cannot_be_named(database: Database) -> None:
    pairs = existing(database, "pairs", "CREATE TABLE pairs (a INTEGER, b TEXT, PRIMARY KEY (a, b))")
    for number in range(5):
        database.execute("INSERT INTO pairs VALUES (?, 'x')", (number,))
    pages = [list_rows(database, pairs, limit=2)]
    while pages[-1].next is not None:
        pages.append(list_rows(database, pairs, limit=2, cursor=pages[-1].next))
    assert [[row["a"] for row in page.rows] for page in pages] == [[0, 1], [2, 3], [4]]
    for attempt in (lambda: get_row(database, pairs, "0"), lambda: put(database, pairs, "0", {"b": "y"})):
        with pytest.raises(RowInvalid, match="no single key column"):
            attempt()
    with pytest.raises(RowInvalid, match="is not a cursor"):
        list_rows(database, pairs, limit=2, cursor="x; DROP TABLE pairs")


@pytest.mark.sqlite
def test_a_row_of_another_program_that_cannot_be_read_is_said_to_be_so(database: Database) -> None:
    notes = existing(database, "notes", "CREATE TABLE notes (id TEXT PRIMARY KEY, price NUMERIC)")
    database.execute("INSERT INTO notes VALUES ('a', 'dear')", ())
    with pytest.raises(Conflict, match="a row of table `notes` does not hold what its columns say"):
        list_rows(database, notes, limit=5)


def test_what_the_table_itself_refuses_is_said(database: Database) -> None:
    checked = existing(database, "checked", "CREATE TABLE checked (id TEXT PRIMARY KEY, n INTEGER CHECK (n > 0))")
    with pytest.raises(RowInvalid, match=r"the database refuses the row of table `checked`: .*(?i:check)"):
        put(database, checked, "a", {"n": -1})

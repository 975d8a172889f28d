"""What is sent to PostgreSQL arrives as it was, and writes that nobody waits for are not taken for done."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from engines import open_new

from gateway.store.database import PostgresError, WriteFailed, is_conflict, is_refusal
from gateway.store.postgres import PostgresDatabase
from gateway.store.prepared import MOST_PREPARED, Later

pytestmark = pytest.mark.postgresql

ADD = "INSERT INTO things (id, number) VALUES (?, ?) ON CONFLICT DO NOTHING"
PUT = "INSERT INTO things (id, number) VALUES (?, ?)"


@pytest.fixture
def database(tmp_path: Path) -> PostgresDatabase:
    database = open_new(tmp_path)
    assert isinstance(database, PostgresDatabase)
    database.execute("CREATE TABLE things (id text PRIMARY KEY, number integer CHECK (number < 100))", ())
    return database


def things(database: PostgresDatabase) -> list[tuple[str, int]]:
    return database.execute("SELECT id, number FROM things ORDER BY id", ()).fetchall()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", "plain"), ("text", ""), ("text", "ação \U0001f600 ' \" \\ {a,b}"), ("text", None),
        ("integer", -(2**31)), ("bigint", 2**63 - 1), ("boolean", True), ("boolean", False),
        ("numeric", Decimal("1E+3")), ("numeric", Decimal("-0.000000000000000000012")), ("date", date(2026, 2, 28)),
        ("timestamptz", datetime(2026, 1, 15, 12, 0, 0, 5, UTC)), ("bytea", b"\0\xff\\x00'"), ("bytea", b""),
        ("double precision", 0.1), ("jsonb", '{"a": [1, "b"]}'),
    ],
)  # fmt: skip
def test_a_value_comes_back_as_it_was(database: PostgresDatabase, kind: str, value: object) -> None:
    for _ in range(2):
        found = database.execute(f"SELECT CAST(? AS {kind}), 1", (value,)).fetchone()
        assert found == (value, 1)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("text", ["a", None, "", 'q"u\\o{t,e} NULL', "NULL", "ç"]), ("text", []), ("integer", [1, None, -5]),
        ("bigint", [2**40, -1]), ("bytea", [b"\0\xff", None, b"{}"]),
    ],
)  # fmt: skip
def test_a_list_comes_back_as_it_was(database: PostgresDatabase, kind: str, values: list[object]) -> None:
    rows = database.execute(f"SELECT one FROM unnest(CAST(? AS {kind}[])) AS one", (values,)).fetchall()
    assert [row[0] for row in rows] == values


def test_a_time_of_another_zone_is_the_same_moment(database: PostgresDatabase) -> None:
    moment = datetime(2026, 1, 15, 9, tzinfo=timezone(timedelta(hours=-3)))
    assert database.execute("SELECT CAST(? AS timestamptz)", (moment,)).fetchone()[0] == moment


def test_a_text_with_the_character_zero_is_refused_not_cut(database: PostgresDatabase) -> None:
    with pytest.raises(PostgresError) as caught:
        database.execute(PUT, ("a\0b", 1))
    assert is_refusal(caught.value)
    assert things(database) == []


def test_a_write_that_is_put_off_is_seen_by_the_next_statement(database: PostgresDatabase) -> None:
    with database.transaction():
        database.putting_off = True
        added = database.execute(ADD, ("a", 1))
        assert isinstance(added, Later)
        assert added.take_for_granted(1)
        assert things(database) == [("a", 1)]
        assert added.rowcount == 1
        assert database.execute("UPDATE things SET number = 2 WHERE id = 'b'", ()).rowcount == 0
    assert things(database) == [("a", 1)]


def test_what_was_taken_for_granted_and_did_not_come_true_is_never_committed(database: PostgresDatabase) -> None:
    database.execute(PUT, ("a", 1))
    database.begin()
    database.putting_off = True
    database.execute(PUT, ("b", 2))
    assert database.execute(ADD, ("a", 3)).take_for_granted(1)
    with pytest.raises(WriteFailed):
        database.commit()
    database.rollback()
    assert things(database) == [("a", 1)]


def test_a_write_that_fails_later_says_so_at_the_next_statement(database: PostgresDatabase) -> None:
    database.execute(PUT, ("a", 1))
    database.begin()
    database.putting_off = True
    database.execute(PUT, ("a", 2))
    with pytest.raises(WriteFailed) as caught:
        things(database)
    assert is_conflict(caught.value.__cause__)  # type: ignore[arg-type]
    assert database.failed
    database.rollback()
    assert not database.putting_off
    assert things(database) == [("a", 1)]


def test_a_transaction_is_undone_with_what_was_put_off(database: PostgresDatabase) -> None:
    database.begin()
    database.putting_off = True
    database.execute(PUT, ("a", 1))
    database.rollback()
    assert things(database) == []


def test_the_rest_of_a_transaction_is_not_done_over_another_connection(database: PostgresDatabase) -> None:
    database.begin()
    database.putting_off = True
    database.execute(PUT, ("a", 1))
    with pytest.raises(PostgresError):
        database.execute("SELECT pg_terminate_backend(pg_backend_pid())", ())
    for attempt in (PUT, ADD):
        with pytest.raises(PostgresError, match="the connection was lost"):
            database.execute(attempt, ("b", 2))
    database.rollback()
    assert things(database) == []


def test_many_rows_are_written_or_none(database: PostgresDatabase) -> None:
    assert database.execute_many(PUT, [(str(number), number) for number in range(50)]).rowcount == 50
    with pytest.raises(PostgresError) as caught, database.transaction():
        database.execute_many(PUT, [("x", 1), ("y", 1000), ("z", 2)])
    assert is_refusal(caught.value)
    assert len(things(database)) == 50


def test_more_is_sent_at_once_than_the_way_holds(database: PostgresDatabase) -> None:
    database.execute("CREATE TABLE bodies (body bytea)", ())
    with database.transaction():
        database.putting_off = True
        for _ in range(40):
            database.execute("INSERT INTO bodies VALUES (?)", (bytes(500_000),))
        assert database.execute("SELECT sum(length(body)) FROM bodies", ()).fetchone() == (20_000_000,)


def test_a_connection_keeps_only_so_many_statements(database: PostgresDatabase) -> None:
    for number in range(MOST_PREPARED + 20):
        assert database.execute(f"SELECT {number}", ()).fetchone() == (number,)
    assert database.execute("SELECT count(*) FROM pg_prepared_statements", ()).fetchone()[0] <= MOST_PREPARED
    assert database.execute("SELECT 0", ()).fetchone() == (0,)


def test_a_statement_is_prepared_anew_when_its_table_is_another(database: PostgresDatabase) -> None:
    statement = "SELECT * FROM things"
    database.execute("ALTER TABLE things DROP CONSTRAINT things_number_check", ())
    assert database.execute(statement, ()).fetchall() == []
    database.execute("ALTER TABLE things ALTER COLUMN number TYPE text", ())
    with pytest.raises(PostgresError):
        database.execute(statement, ())
    database.execute(PUT, ("a", "1"))
    assert database.execute(statement, ()).fetchall() == [("a", "1")]

"""Reading beside the writer: neither waits for the other."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.store.database import Database, open_database, parse_address
from gateway.store.readers import Readers

pytestmark = pytest.mark.sqlite


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(parse_address("sqlite:///test.db", tmp_path))
    database.execute("CREATE TABLE things (n INTEGER)", ())
    database.execute("INSERT INTO things VALUES (1)", ())
    yield database
    database.close()


@pytest.fixture
async def readers(database: Database) -> AsyncIterator[Readers]:
    readers = Readers(database.address)
    yield readers
    readers.close()


def count(database: Database) -> int:
    return int(database.execute("SELECT count(*) FROM things", ()).fetchone()[0])


async def test_a_reader_sees_what_is_committed_and_waits_for_no_writer(database: Database, readers: Readers) -> None:
    database.begin()
    database.execute("INSERT INTO things VALUES (2)", ())
    async with asyncio.timeout(2):
        assert await readers.call(count) == 1
    database.commit()
    assert await readers.call(count) == 2


async def test_a_reader_cannot_write(readers: Readers) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await readers.call(lambda database: database.execute("DELETE FROM things", ()))


async def test_reads_run_beside_each_other(readers: Readers) -> None:
    both = threading.Barrier(2, timeout=5)

    def meet(database: Database) -> int:
        both.wait()
        return count(database)

    assert await asyncio.gather(readers.call(meet), readers.call(meet)) == [1, 1]

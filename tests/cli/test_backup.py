"""`gateway backup`: a copy that is whole, made while others write, and that nothing is lost for."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from cli.projects import CONFIGURATION, Folder, as_json, call, called, refused
from engines import Bench
from running import ENVIRONMENT, Gateway

from gateway.cli.backup import without_password
from gateway.store.copying import copy_database


def events(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as copy:
        return [row[0] for row in copy.execute("SELECT event_id FROM gateway_events ORDER BY seq")]


def test_the_copy_holds_what_was_there_and_can_be_served_from(folder: Folder) -> None:
    for number in range(20):
        folder.send("placed", number)
    said = called("backup", "copy.db")
    assert said.startswith("copy.db: ")
    assert " 20 events, checked, " in said
    assert events(folder.path / "copy.db") == [f"evt_{number}" for number in range(20)]
    assert [path.name for path in folder.path.iterdir() if "partial" in path.name] == []
    (folder.path / "gateway.yaml").write_text(CONFIGURATION.replace("test.db", "copy.db"))
    assert called("migrate") == "nothing to do: the tables are as the rules need them\n"
    assert len(as_json("events", "list")["events"]) == 20


def test_json_says_what_was_written(folder: Folder) -> None:
    folder.send("placed", 1)
    said = as_json("backup", "copy.db")
    assert (said["written"], said["file"], said["events"]) == (True, "copy.db", 1)
    assert said["bytes"] == (folder.path / "copy.db").stat().st_size


def test_what_is_committed_and_not_yet_in_the_file_is_copied_too(folder: Folder) -> None:
    folder.bench.database.execute("PRAGMA wal_autocheckpoint = 0", ())
    folder.send("placed", 1)
    assert (folder.path / "test.db-wal").stat().st_size > 0
    called("backup", "copy.db")
    assert events(folder.path / "copy.db") == ["evt_1"]


def test_progress_is_told_up_to_the_last_page(folder: Folder) -> None:
    told: list[tuple[int, int]] = []
    copy_database(folder.path / "test.db", folder.path / "copy.db", lambda done, pages: told.append((done, pages)))
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] == (folder.path / "copy.db").stat().st_size // 4096


def test_an_open_transaction_of_another_is_not_in_the_copy_and_does_not_hold_it_up(folder: Folder) -> None:
    folder.send("placed", 1)
    with folder.bench.database.transaction():
        folder.bench.database.execute("DELETE FROM gateway_events", ())
        called("backup", "copy.db")
    assert events(folder.path / "copy.db") == ["evt_1"]
    assert events(folder.path / "test.db") == []


def test_a_copy_made_while_others_write_is_of_one_moment(folder: Folder) -> None:
    ending = threading.Event()
    other = Bench(folder.path, (folder.path / "rules.yaml").read_text())

    def write() -> None:
        number = 0
        while not ending.is_set():
            other.process({"id": f"w{number}", "type": "placed", "order": f"w{number}", "padding": "x" * 5000})
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            called("backup", f"copy{number}.db")
    finally:
        ending.set()
        writer.join()
        other.database.close()
    for number in range(5):
        with closing(sqlite3.connect(folder.path / f"copy{number}.db")) as copy:
            done = copy.execute("SELECT count(*) FROM gateway_events WHERE status = 'done'").fetchone()
            assert copy.execute("SELECT count(*) FROM orders").fetchone() == done
            assert copy.execute("SELECT count(*) FROM gateway_traces").fetchone() == done


def test_a_file_that_is_there_is_only_replaced_when_that_is_said(folder: Folder) -> None:
    (folder.path / "copy.db").write_text("mine")
    assert "`copy.db` is there already" in refused(2, "backup", "copy.db")
    assert (folder.path / "copy.db").read_text() == "mine"
    called("backup", "copy.db", "--force")
    assert events(folder.path / "copy.db") == []


def test_the_database_is_never_overwritten_by_its_copy(folder: Folder) -> None:
    folder.send("placed", 1)
    assert "is the database itself" in refused(2, "backup", "test.db", "--force")
    (folder.path / "link.db").symlink_to(folder.path / "test.db")
    assert "is the database itself" in refused(2, "backup", "link.db", "--force")
    assert events(folder.path / "test.db") == ["evt_1"]


def test_a_database_that_somebody_uses_is_not_replaced(folder: Folder) -> None:
    other = sqlite3.connect(folder.path / "used.db")
    with closing(other):
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE t (a)")
        assert "is a database in use" in refused(2, "backup", "used.db", "--force")


@pytest.mark.parametrize(
    ("target", "says"), [("nowhere/copy.db", "there is no folder `nowhere`"), (".", "`.` is a folder")]
)
def test_a_place_that_cannot_be_is_refused(folder: Folder, target: str, says: str) -> None:
    assert says in refused(2, "backup", target)


def test_without_a_database_there_is_nothing_to_copy(folder: Folder) -> None:
    (folder.path / "gateway.yaml").write_text(CONFIGURATION.replace("test.db", "none.db"))
    assert "there is no database at" in refused(2, "backup", "copy.db")
    assert not (folder.path / "none.db").exists()


def test_a_damaged_database_leaves_no_copy(folder: Folder) -> None:
    for number in range(50):
        folder.send("placed", number, padding="x" * 3000)
    folder.bench.database.close()
    with (folder.path / "test.db").open("r+b") as file:
        file.seek(20 * 4096)
        file.write(b"\xff" * 20 * 4096)
    refused(2, "backup", "copy.db")
    assert not (folder.path / "copy.db").exists()
    assert [path.name for path in folder.path.iterdir() if "partial" in path.name] == []


def test_for_postgresql_the_command_is_printed_and_nothing_is_written(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql://gate:s3cret@db.internal:5433/hooks?sslmode=require&password=s3cret"
    monkeypatch.setenv("DATABASE_OF_MANY", url)
    (folder.path / "gateway.yaml").write_text(CONFIGURATION.replace("sqlite:///test.db", '"${env:DATABASE_OF_MANY}"'))
    result = call("backup", "a copy.dump")
    assert result.exit_code == 2
    assert result.stdout == (
        "pg_dump --format=custom '--file=a copy.dump'"
        " '--dbname=postgresql://gate@db.internal:5433/hooks?sslmode=require'\n"
    )
    assert "nothing was written" in result.stderr
    result = call("backup", "copy.dump", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["written"] is False
    assert "s3cret" not in result.output + result.stderr


def test_an_address_without_a_password_stays_as_it_is() -> None:
    assert without_password("postgresql:///hooks") == "postgresql:///hooks"
    assert without_password("postgresql://db/hooks") == "postgresql://db/hooks"


def test_a_restored_copy_is_served_from_and_applies_nothing_twice(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text(CONFIGURATION_SERVED)
    (tmp_path / "rules.yaml").write_text(RULES_SERVED)
    gateway = Gateway(tmp_path, environment={"SHOP_TOKEN": "shop-token", **ENVIRONMENT}).start()
    for number in range(10):
        assert pay(gateway, number) == "accepted"
    gateway.wait_until_done()
    assert gateway.cli("backup", "copy.db").returncode == 0
    assert pay(gateway, 10) == "accepted"
    gateway.kill()

    for left in (tmp_path / "var").iterdir():
        left.unlink()
    (tmp_path / "copy.db").rename(gateway.database)
    gateway.start()
    # The provider sends again what it has sent before: what the copy knows is a duplicate, what came later is new.
    assert [pay(gateway, number) for number in range(11)] == ["duplicate"] * 10 + ["accepted"]
    gateway.wait_until_done()
    assert gateway.sql("SELECT count FROM accounts") == [(11,)]
    assert gateway.stop() == 0


def pay(gateway: Gateway, number: int) -> str:
    body = json.dumps({"id": f"evt_{number}", "type": "payment"}).encode()
    reply = gateway.post("/hooks/shop", body, {"X-Token": "shop-token"})
    assert reply.status == 200
    return str(reply.json["status"])


CONFIGURATION_SERVED = """
version: 1
server: {host: 127.0.0.1, port: "${env:GATEWAY_PORT}"}
database: sqlite:///var/gateway.db
engine: {process: shared}
sources:
  shop:
    path: /hooks/shop
    verify: {token: "${env:SHOP_TOKEN}", header: X-Token, scheme: token}
    event: {id: id, type: type}
    rules: [rules.yaml]
"""

RULES_SERVED = """
version: 1
tables:
  accounts:
    columns:
      id: {type: text, primary_key: true}
      count: {type: integer, default: 0}
rules:
  - name: payment
    on: payment
    do:
      - {upsert: accounts, key: {id: only}}
      - {update: accounts, where: {id: only}, increment: {count: 1}}
"""

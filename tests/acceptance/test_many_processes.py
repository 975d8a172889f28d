"""Roles and several processes on one database, as an operator starts them: real processes, killed at will."""

from __future__ import annotations

import json
import os
import signal
import threading
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from running import Gateway, eventually
from servers import PostgresServer, Receiver
from shop import TOKEN, prepare_shop, send

# An event that comes before the one before it fails for good; every one is told to the receiver.
RULES = """
version: 1
tables:
  lines:
    columns:
      id: {type: text, primary_key: true}
      last: {type: integer, default: 0}
extract:
  line: key
  number: {path: number, as: integer}
rules:
  - name: next of its line
    on: step
    do:
      - {upsert: lines, key: {id: $line}, as: found}
      - {require: "add(found.last, `1`) == number", message: "${number} came after ${found.last}"}
      - {update: lines, where: {id: $line}, set: {last: $number}}
      - {send: app, path: /steps, json: {line: $line, number: $number}}
"""


@contextmanager
def running(*gateways: Gateway) -> Iterator[None]:
    try:
        yield
    finally:
        for gateway in gateways:
            if gateway.process is not None and gateway.process.poll() is None:
                gateway.stop()


def destinations(receiver: Receiver) -> str:
    return f'\ndestinations: {{app: {{url: "{receiver.url}"}}}}\n'


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchall()  # type: ignore[call-overload]  # a text that tests write


def test_each_role_does_its_part(tmp_path: Path, postgres: PostgresServer) -> None:
    with Receiver() as receiver:
        url, more = postgres.create(), destinations(receiver)
        receive = prepare_shop(tmp_path / "a", RULES, more, database=url, words=("--role", "receive"))
        others = [
            prepare_shop(tmp_path / role, RULES, more, database=url, words=("--role", role, "--metrics-port", "{}"))
            for role in ("process", "send")
        ]
        for other in others:
            other.words = (*other.words[:-1], str(other.port))
        with running(receive, *others):
            receive.start()
            send(receive, "evt_1", "step", "a", number=1)
            assert receive.event("evt_1")["status"] == "ready", "nobody processes yet"
            others[0].start()
            eventually(lambda: receive.event("evt_1")["status"] == "done")
            assert receiver.received == [], "nobody sends yet"
            others[1].start()
            eventually(lambda: len(receiver.received) == 1)
            send(receive, "evt_2", "step", "a", number=2)
            eventually(lambda: len(receiver.received) == 2)
            assert b"gateway_events_total" in others[0].get("/metrics").body
            assert others[0].request("POST", "/hooks/shop", b"{}").status == 404, "it does not receive"


def test_receiving_and_processing_may_be_two_processes_on_one_file(tmp_path: Path) -> None:
    file = f"sqlite:///{tmp_path}/shared.db"
    receive = prepare_shop(tmp_path / "a", RULES, DESTINATION, database=file, words=("--role", "receive"))
    process = prepare_shop(tmp_path / "b", RULES, DESTINATION, database=file, words=("--role", "process"))
    process.words = (*process.words, "--metrics-port", str(process.port))
    with running(receive, process):
        receive.start()
        process.start()
        send(receive, "evt_1", "step", "a", number=1)
        eventually(lambda: receive.event("evt_1")["status"] == "done")


DESTINATION = '\ndestinations: {app: {url: "http://127.0.0.1:9"}}\n'


def test_many_processes_share_a_port_and_die_one_by_one(tmp_path: Path, postgres: PostgresServer) -> None:
    with Receiver() as receiver:
        url = postgres.create()
        shop = prepare_shop(tmp_path / "a", RULES, destinations(receiver), database=url, words=("--processes", "2"))
        with running(shop):
            shop.start()
            assert len(children_of(shop)) == 2
            sent = Lines(shop, ["a", "b", "c", "d"], length=40)
            for number in range(2):
                for victims in (children_of, engines_of):
                    with sent.going_on():
                        eventually(lambda victims=victims: len(victims(shop)) == 2)  # type: ignore[misc]
                        os.kill(victims(shop)[number], signal.SIGKILL)
            sent.finish()
            eventually(lambda: len(children_of(shop)) == 2)
            eventually(lambda: rows(url, "SELECT count(*) FROM gateway_events WHERE status <> 'done'") == [(0,)], 60)
            assert rows(url, "SELECT id, last FROM lines ORDER BY id") == [(line, 40) for line in sent.lines]
            eventually(lambda: len({told(request) for request in receiver.received}) == 160, 60)
            assert shop.stop() == 0


def test_who_started_them_may_be_killed_and_none_stays_behind(tmp_path: Path, postgres: PostgresServer) -> None:
    shop = prepare_shop(tmp_path / "a", RULES, DESTINATION, database=postgres.create(), words=("--processes", "2"))
    shop.start()
    workers = children_of(shop)
    assert shop.process is not None
    shop.process.kill()
    shop.process.wait()
    eventually(lambda: not any(map(is_alive, workers)), 30)


def test_many_processes_need_a_database_that_many_can_write(tmp_path: Path) -> None:
    shop = prepare_shop(tmp_path / "a", RULES, DESTINATION)
    done = shop.cli("serve", "--processes", "2")
    assert done.returncode == 2
    assert "`--processes` needs a database that many can write at once" in done.stderr


@pytest.mark.parametrize("database", ["postgresql://nobody@127.0.0.1:1/none"])
def test_what_can_not_run_is_not_started_again_and_again(tmp_path: Path, database: str) -> None:
    shop = prepare_shop(tmp_path / "a", RULES, DESTINATION, database=database)
    done = shop.cli("serve", "--processes", "2")
    assert done.returncode == 2
    assert "the database cannot be used" in done.stderr


class Lines:
    """Sends the steps of some lines, each when the one before was acknowledged; over and over until it is."""

    def __init__(self, gateway: Gateway, lines: list[str], length: int) -> None:
        self.lines = lines
        self._gateway, self._length = gateway, length
        self._acknowledged = 0
        self._threads = [threading.Thread(target=self._send, args=(line,), daemon=True) for line in lines]
        for thread in self._threads:
            thread.start()

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Do something while deliveries come in, and wait until more have been acknowledged after it."""
        yield
        before, some = self._acknowledged, len(self.lines)
        end = len(self.lines) * self._length
        eventually(lambda: self._acknowledged >= min(before + some, end), 60)

    def finish(self) -> None:
        for thread in self._threads:
            thread.join(timeout=100)
            assert not thread.is_alive()

    def _send(self, line: str) -> None:
        for number in range(1, self._length + 1):
            body = json.dumps({"id": f"{line}-{number}", "type": "step", "key": line, "number": number}).encode()
            while not self._accepted(body):
                threading.Event().wait(0.05)
            self._acknowledged += 1

    def _accepted(self, body: bytes) -> bool:
        try:
            return self._gateway.request("POST", "/hooks/shop", body, TOKEN).status == 200
        except (OSError, urllib.error.URLError):
            return False


def told(request: Any) -> str:
    return json.dumps(json.loads(request.body), sort_keys=True)


def children_of(gateway: Gateway) -> list[int]:
    assert gateway.process is not None
    return processes_below(gateway.process.pid)


def engines_of(gateway: Gateway) -> list[int]:
    return [engine for worker in children_of(gateway) for engine in processes_below(worker)]


def processes_below(process: int) -> list[int]:
    """Return the processes that one has started. Source: proc(5), task/children."""
    return [int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True

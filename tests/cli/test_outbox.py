"""`gateway outbox`: what an operator reads, and has sent again."""

from __future__ import annotations

from typing import Any

import pytest
from cli.projects import Folder, as_json, called, refused

from gateway.store.leases import Settled, lease, settle
from gateway.store.outbox import Outgoing, add_outgoing

KEYS = [
    "id", "event_id", "kind", "action", "target", "position", "message_id", "status", "attempts", "created_at",
    "next_attempt_at", "finished_at", "error", "code", "request", "answer",
]  # fmt: skip


@pytest.fixture(autouse=True)
def outbox(folder: Folder) -> None:
    """One message that was delivered, two that were refused."""
    database = folder.bench.database
    request = '{"method":"POST","path":"/x","headers":{"X-Api-Key":"k-123456"},"json":{"n":1.50,"client_secret":"s-1"}}'
    for number, status in ((1, "done"), (2, "dead"), (3, "dead")):
        with database.transaction():
            row = Outgoing("message", "send", f"app{number}", f"send app#{number}", f"msg_{number}", request)
            add_outgoing(database, [(None, row)], 1_768_478_400_000_000)
        target = ("send", f"app{number}")
        [item] = lease(database, {target: 1}, now=1_768_478_400_000_001, until=1_768_478_500_000_000, owner="a/1/1")
        error, code = (None, None) if status == "done" else ("answered 422: no", "refused")
        done = Settled(item.seq, None, "message", status, 1, None, 1_768_478_401_000_000, '{"status":200}', code, error)
        settle(database, [done], "a/1/1")


def listed(*arguments: str) -> list[str]:
    return [item["id"] for item in as_json("outbox", "list", *arguments)["outbox"]]


def test_the_newest_come_first() -> None:
    assert listed() == ["3", "2", "1"]
    assert listed("--status", "dead") == ["3", "2"]
    assert listed("--target", "app1") == ["1"]
    assert listed("--action", "notify") == []
    first = as_json("outbox", "list", "--limit", "2")
    assert first["next"] == "2"
    assert listed("--cursor", first["next"]) == ["1"]


def test_a_table_is_printed_for_people() -> None:
    lines = called("outbox", "list").splitlines()
    assert lines[0].split() == ["ID", "CREATED", "EVENT", "KIND", "ACTION", "TARGET", "STATUS", "TRIES", "ERROR"]
    assert lines[1].endswith("answered 422: no")


def test_one_is_shown_without_its_secrets() -> None:
    shown = as_json("outbox", "show", "msg_2")
    assert list(shown) == KEYS
    assert (shown["id"], shown["event_id"], shown["code"], shown["created_at"]) == (
        "2",
        None,
        "refused",
        "2026-01-15T12:00:00Z",
    )
    assert shown["request"]["headers"] == {"X-Api-Key": "[redacted]"}
    assert shown["request"]["json"] == {"n": 1.5, "client_secret": "[redacted]"}
    text = called("outbox", "show", "2")
    assert '"n":1.50' in text, "numbers are as they were sent"
    assert "k-123456" not in text
    assert "s-1" not in text


def test_named_ones_are_sent_again(folder: Folder) -> None:
    shown: dict[str, Any] = as_json("outbox", "retry", "2", "msg_3")
    assert [(item["id"], item["status"], item["attempts"]) for item in shown["outbox"]] == [
        ("2", "ready", 0),
        ("3", "ready", 0),
    ]
    assert listed("--status", "dead") == []
    assert [(table, key) for _, table, key, _, _ in folder.changes()] == [
        ("gateway_outbox", "2"),
        ("gateway_outbox", "3"),
    ]


def test_all_dead_ones_that_fit_are_sent_again() -> None:
    called("outbox", "retry", "--dead", "--target", "app3")
    assert listed("--status", "dead") == ["2"]
    called("outbox", "retry", "--dead")
    assert listed("--status", "ready") == ["3", "2"]


def test_what_cannot_be_sent_again_is_told() -> None:
    assert "is done" in refused(1, "outbox", "retry", "1")
    assert "no message or call `9`" in refused(1, "outbox", "retry", "9")
    assert "which ones?" in refused(2, "outbox", "retry")
    assert "not both" in refused(2, "outbox", "retry", "2", "--dead")
    assert listed("--status", "dead") == ["3", "2"]

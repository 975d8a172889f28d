"""The steps whose messages leave after the commit: `send`, `notify`, `cache`, `publish`."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from engines import Bench

from gateway.store.outbox import message_id

RULES = """
version: 1
tables:
  items:
    columns:
      id: {type: text, primary_key: true}
extract:
  one: one
  two: two
  amount: {path: amount, as: decimal}
rules:
  - name: order
    on: order
    do:
"""


def bench(folder: Path, *steps: str) -> Bench:
    return Bench(folder, RULES + "".join(f"      - {step}\n" for step in steps))


def sent(used: Bench, **event: Any) -> Any:
    """Run an event and return what its one message asks for."""
    found = used.process({"type": "order", **event})
    assert found["status"] == "done", found
    [message] = used.outbox()
    assert (message.kind, message.status) == ("message", "ready")
    return json.loads(message.request, parse_float=Decimal)


def failure(used: Bench, **event: Any) -> str:
    found = used.process({"type": "order", **event})
    assert found["status"] == "dead"
    assert used.outbox() == []
    return str(found["error"])


def note(used: Bench) -> Any:
    [[_, action, said]] = used.trace(1)["steps"]
    return action, said


SEND = "{send: app, path: /items/$one/parts?of=$two, json: {id: $one}}"


def test_a_message_is_written_with_the_event_and_named_by_it(tmp_path: Path) -> None:
    used = bench(tmp_path, SEND)
    assert sent(used, one="a", two="b") == {"method": "POST", "path": "/items/a/parts?of=b", "json": {"id": "a"}}
    [message] = used.outbox()
    assert (message.action, message.target, message.position) == ("send", "app", "send app#1")
    assert message.message_id == message_id("shop", 0, "evt_1", "send app#1")
    assert note(used) == ("send", {"to": "app", "id": message.message_id})


def test_an_event_that_fails_sends_nothing(tmp_path: Path) -> None:
    used = bench(tmp_path, SEND, "{notify: admins, body: x}", "{fail: no}")
    assert failure(used, one="a", two="b") == "no"


def test_equal_messages_of_one_event_are_told_apart(tmp_path: Path) -> None:
    used = bench(tmp_path, SEND, SEND)
    used.process({"type": "order", "one": "a", "two": "b"})
    assert [message.position for message in used.outbox()] == ["send app#1", "send app#2"]
    assert len({message.message_id for message in used.outbox()}) == 2


@pytest.mark.parametrize(
    ("one", "path"),
    [
        ("a/../../admin", "a%2F..%2F..%2Fadmin"),
        ("a?x=1&y#z", "a%3Fx%3D1%26y%23z"),
        ("%2e%2e", "%252e%252e"),
        ("@evil.example", "%40evil.example"),
        ("//evil.example", "%2F%2Fevil.example"),
        ("a\\b\r\nX: y", "a%5Cb%0D%0AX%3A%20y"),
        ("é", "%C3%A9"),
        (7, "7"),
    ],
)
def test_a_payload_cannot_change_where_a_request_goes(tmp_path: Path, one: object, path: str) -> None:
    used = bench(tmp_path, "{send: app, path: /items/$one/x?q=$one, json: {}}")
    assert sent(used, one=one)["path"] == f"/items/{path}/x?q={path}"


@pytest.mark.parametrize("one", ["..", ".", None, ""])
def test_a_part_of_a_path_that_would_mean_another_folder_fails(tmp_path: Path, one: object) -> None:
    used = bench(tmp_path, "{send: app, path: /items/$one/x, json: {}}")
    assert failure(used, one=one) in {
        f"send: `/items/{one}/x` is no path below the destination's address", "path: `one` is null or empty",
    }  # fmt: skip


def test_dots_that_come_together_are_no_way_up_either(tmp_path: Path) -> None:
    used = bench(tmp_path, "{send: app, path: /items/.$one/x, json: {}}")
    assert failure(used, one=".") == "send: `/items/../x` is no path below the destination's address"


def test_json_is_written_exactly_at_any_depth(tmp_path: Path) -> None:
    step = '{send: app, json: {a: [{b: {c: $amount}}, "of $one", 1.10, null, true], all: $two, now: $now}}'
    used = bench(tmp_path, step)
    big = 123456789012345678901234567890
    body = f'{{"type": "order", "one": "x", "amount": 10.10, "two": {{"n": {big}, "d": 0.30}}}}'
    used.process(body.encode(), id="evt_1")
    [message] = used.outbox()
    assert message.request == (
        '{"method":"POST","path":"","json":{"a":[{"b":{"c":10.10}},"of x",1.10,null,true],'
        f'"all":{{"n":{big},"d":0.30}},"now":"2026-01-15T12:00:00Z"}}}}'
    )


def test_a_body_is_forwarded_as_it_came(tmp_path: Path) -> None:
    assert sent(bench(tmp_path, "{send: app, forward: true, method: PUT}")) == {
        "method": "PUT", "path": "", "forward": True,
    }  # fmt: skip


def test_headers_are_values_and_empty_ones_are_left_out(tmp_path: Path) -> None:
    used = bench(tmp_path, '{send: app, json: {}, headers: {X-One: $one, X-Two: "a $two", X-None: "${ two.x }"}}')
    assert sent(used, one=5, two="b")["headers"] == {"X-One": "5", "X-Two": "a b"}


@pytest.mark.parametrize("one", ["a\r\nX-Admin: 1", "a\x00b"])
def test_a_payload_cannot_add_a_header(tmp_path: Path, one: str) -> None:
    used = bench(tmp_path, "{send: app, json: {}, headers: {X-One: $one}}")
    assert failure(used, one=one).startswith("send: the value of the header `X-One` has a line break")


def test_people_are_told(tmp_path: Path) -> None:
    used = bench(tmp_path, "{notify: admins, title: Paid by $one, body: $amount, level: warning}")
    assert sent(used, one="anna", amount="10.50") == {"title": "Paid by anna", "body": "10.50", "level": "warning"}
    [message] = used.outbox()
    assert (message.action, message.target, message.position) == ("notify", "admins", "notify admins#1")
    assert note(used) == ("notify", {"to": "admins", "id": message.message_id})


def test_a_title_and_a_level_may_be_left_out(tmp_path: Path) -> None:
    assert sent(bench(tmp_path, "{notify: admins, body: x}")) == {"title": None, "body": "x", "level": "info"}


KEYS = '{cache: delete, keys: [all, "item:$one", "item:$one:$two", "${ two[].id }"]}'


def test_keys_are_dropped(tmp_path: Path) -> None:
    used = bench(tmp_path, KEYS)
    assert sent(used, one="a", two=[{"id": 1}, {"id": None}, {"id": "x"}]) == {
        "delete": ["all", "item:a", 'item:a:[{"id":1},{"id":null},{"id":"x"}]', "1", "x"],
    }
    [message] = used.outbox()
    assert (message.action, message.target, message.position) == ("cache", "redis", "cache delete#1")


def test_a_key_with_a_part_that_is_absent_is_left_out_and_said_so(tmp_path: Path) -> None:
    used = bench(tmp_path, KEYS)
    assert sent(used, two="b") == {"delete": ["all"]}
    [message] = used.outbox()
    assert note(used) == (
        "cache",
        {
            "delete": ["all"],
            "skipped": ["item:$one", "item:$one:$two", "${ two[].id }"],
            "id": message.message_id,
        },
    )


def test_where_every_key_is_left_out_nothing_is_sent(tmp_path: Path) -> None:
    used = bench(tmp_path, '{cache: delete, keys: ["item:$one"]}')
    assert used.process({"type": "order"})["status"] == "done"
    assert used.outbox() == []
    assert note(used) == ("cache", {"delete": [], "skipped": ["item:$one"]})


def test_a_message_is_published(tmp_path: Path) -> None:
    used = bench(tmp_path, '{publish: events, subject: "items.${ one }.paid", json: {total: $amount}}')
    assert sent(used, one="a", amount="10.50") == {"subject": "items.a.paid", "json": {"total": Decimal("10.50")}}
    [message] = used.outbox()
    assert (message.action, message.target, message.position) == ("publish", "events", "publish events#1")
    assert note(used) == ("publish", {"to": "events", "subject": "items.a.paid", "id": message.message_id})


@pytest.mark.parametrize("one", ["*", ">", "a b", "a\nb", "a..b", ".a", "a.", "", None, "a\x00"])
def test_a_payload_cannot_publish_to_subjects_that_are_none(tmp_path: Path, one: object) -> None:
    used = bench(tmp_path, '{publish: events, subject: "items.$one", json: {}}')
    assert failure(used, one=one)


@pytest.mark.parametrize("one", ["$JS.API.STREAM.DELETE.EVENTS", "_INBOX.abc"])
def test_a_payload_cannot_reach_the_broker_itself(tmp_path: Path, one: str) -> None:
    used = bench(tmp_path, '{publish: events, subject: "$one", json: {}}')
    assert failure(used, one=one) == f"publish: `{one}` is no subject to publish to"

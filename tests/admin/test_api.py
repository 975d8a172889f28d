"""The admin API over a real socket, on a real file, beside the engine at work."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from admin.rig import TOKEN, Rig, Start
from jsonschema import Draft202012Validator

from gateway.admin.refusals import STATUSES
from gateway.store.database import Database

EVENT_KEYS = [
    "id", "source", "event_id", "type", "key", "status", "result", "rule", "attempts", "occurred_at", "received_at",
    "finished_at", "next_attempt_at", "error",
]  # fmt: skip
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z")


def refused(answer: Any, status: int, code: str) -> str:
    """Check that an answer is an error of the gateway's shape, and return its message."""
    assert answer[0] == status, answer
    error = answer[1]["error"]
    assert list(answer[1]) == ["error"]
    assert list(error) == ["code", "message", "request_id"]
    assert error["code"] == code
    assert error["request_id"] == answer[2]["X-Request-Id"]
    return str(error["message"])


async def test_an_event_is_listed_with_exactly_these_keys(rig: Rig) -> None:
    number = await rig.send({"id": "evt_1", "type": "fine", "order": "o1", "at": "2026-01-15T12:00:00Z"})
    status, page, headers = await rig.ask("GET", "/api/events")
    [event] = page["events"]
    assert (status, page["next"]) == (200, None)
    assert headers["Cache-Control"] == "no-store"
    assert list(event) == EVENT_KEYS
    assert {name: event[name] for name in EVENT_KEYS if name not in {"received_at", "finished_at"}} == {
        "id": str(number),
        "source": "shop",
        "event_id": "evt_1",
        "type": "fine",
        "key": "o1",
        "status": "done",
        "result": "well",
        "rule": "fine",
        "attempts": 1,
        "occurred_at": "2026-01-15T12:00:00Z",
        "next_attempt_at": None,
        "error": None,
    }
    assert TIME.fullmatch(event["received_at"])
    assert TIME.fullmatch(event["finished_at"])


async def test_one_event_comes_with_its_payload_headers_and_traces(rig: Rig) -> None:
    body = b'{"id": "evt_1", "type": "fine", "amount": 10.00, "large": 123456789012345678901234567890}'
    number = await rig.send(body)
    async with rig.session.get(
        rig.url(f"/api/events/{number}"), headers={"Authorization": f"Bearer {TOKEN}"}
    ) as answer:
        text, event = await answer.text(), await answer.json()
    more = ["payload", "headers", "traces", "duplicates", "verified_by", "request_id", "outbox"]
    assert list(event) == EVENT_KEYS + more
    assert event["payload"]["type"] == "fine"
    assert body.decode() in text, "numbers are as they came"
    assert event["headers"]["x-token"] == "[redacted]"
    [trace] = event["traces"]
    assert (trace["attempt"], trace["status"], trace["rule"], trace["no"]) == (1, "done", "fine", ["broken"])
    assert trace["microseconds"] >= 0
    assert TIME.fullmatch(trace["started_at"])
    assert (event["duplicates"], event["verified_by"]) == (0, "token#0")


async def test_a_payload_that_is_no_json_is_shown_as_text(rig: Rig) -> None:
    number = await rig.send(b'{"id": "evt_1", "type": \xff')
    _, event, _ = await rig.ask("GET", f"/api/events/{number}")
    assert (event["status"], event["payload"], event["traces"]) == ("dead", '{"id": "evt_1", "type": \\xff', [])


@pytest.mark.parametrize("name", ["evt_05b7&17877537", "a/b c?d#e%f+g", "ünïcode→", "..", "retry"])
async def test_an_event_is_known_by_the_providers_id_whatever_is_in_it(rig: Rig, name: str) -> None:
    number = await rig.send({"id": name, "type": "fine"})
    status, event, _ = await rig.ask("GET", f"/api/events/{quote(name, safe='')}")
    assert (status, event["id"], event["event_id"]) == (200, str(number), name)


async def test_an_ampersand_need_not_be_encoded(rig: Rig) -> None:
    number = await rig.send({"id": "evt_05b7&1", "type": "fine"})
    assert (await rig.ask("GET", "/api/events/evt_05b7&1"))[1]["id"] == str(number)


async def test_events_are_found_by_every_parameter(rig: Rig) -> None:
    for number, kind in enumerate(("fine", "broken", "fine", "unheard.of"), 1):
        await rig.send({"id": f"evt_{number}", "type": kind, "order": f"o{number}", "note": "50% off"})

    async def found(query: str) -> list[str]:
        status, page, _ = await rig.ask("GET", f"/api/events?{query}")
        assert status == 200, page
        return [event["event_id"] for event in page["events"]]

    everything = ["evt_4", "evt_3", "evt_2", "evt_1"]
    assert await found("source=shop&type=&status=&key=&q=&since=&limit=&cursor=") == everything
    assert await found("source=stripe") == []
    assert await found("type=un*") == ["evt_4"]
    assert await found("status=dead") == ["evt_2"]
    assert await found("key=o3") == ["evt_3"]
    assert await found("q=broken+as%20told") == ["evt_2"]
    assert await found("q=50%25+off&status=ignored") == ["evt_4"]
    assert await found("since=1h") == everything
    assert await found("since=2999-01-01T00:00:00Z") == []
    assert await found("until=1h") == []


async def test_pages_follow_each_other(rig: Rig) -> None:
    for number in range(5):
        await rig.send({"id": f"evt_{number}", "type": "fine"})
    seen, query = [], "limit=2"
    while True:
        _, page, _ = await rig.ask("GET", f"/api/events?{query}")
        seen.append([event["event_id"] for event in page["events"]])
        if page["next"] is None:
            break
        query = f"limit=2&cursor={page['next']}"
    assert seen == [["evt_4", "evt_3"], ["evt_2", "evt_1"], ["evt_0"]]


@pytest.mark.parametrize(
    ("query", "named"),
    [("statuss=dead", "statuss"), ("limit=0", "limit"), ("since=x", "since"), ("cursor=%00", "cursor")],
)
async def test_a_bad_parameter_is_named(rig: Rig, query: str, named: str) -> None:
    assert f"`{named}`" in refused(await rig.ask("GET", f"/api/events?{query}"), 400, "invalid_parameter")


async def test_a_dead_letter_is_run_again_and_a_done_event_is_not(rig: Rig) -> None:
    dead = await rig.send({"id": "evt_1", "type": "broken"})
    done = await rig.send({"id": "evt_2", "type": "kept"})
    status, event, _ = await rig.ask("POST", f"/api/events/{dead}/retry")
    assert (status, list(event), event["status"], event["attempts"]) == (200, EVENT_KEYS, "ready", 1)
    await until(rig, dead, lambda shown: shown["attempts"] == 2 and shown["status"] == "dead")
    assert "apply it twice" in refused(await rig.ask("POST", "/api/events/evt_2/retry"), 409, "conflict")
    status, event, _ = await rig.ask("POST", f"/api/events/{done}/retry", {"done": True})
    assert (status, event["status"]) == (200, "ready")
    await until(rig, done, lambda shown: shown["attempts"] == 2 and shown["status"] == "done")


async def test_a_done_event_that_changed_nothing_is_run_again_when_it_is_asked_for(rig: Rig) -> None:
    done = await rig.send({"id": "evt_1", "type": "fine"})
    status, event, _ = await rig.ask("POST", f"/api/events/{done}/retry")
    assert (status, event["status"]) == (200, "ready")
    await until(rig, done, lambda shown: shown["attempts"] == 2 and shown["status"] == "done")


async def until(rig: Rig, number: int, true: Callable[[dict[str, Any]], bool]) -> None:
    async with asyncio.timeout(10):
        while not true((await rig.ask("GET", f"/api/events/{number}"))[1]):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("body", [b"[]", b'{"done": 1}', b'{"force": true}', b"{", b'{"done": true, "done": false}'])
async def test_a_retry_takes_no_other_body(rig: Rig, body: bytes) -> None:
    number = await rig.send({"id": "evt_1", "type": "broken"})
    refused(await rig.ask("POST", f"/api/events/{number}/retry", raw=body), 400, "invalid_json")


async def test_an_id_of_several_events_is_a_conflict_until_the_source_is_named(rig: Rig) -> None:
    await rig.ask("POST", "/api/trigger/stripe/payment_intent.succeeded", {"set": {"id": "evt_same"}})
    number = await rig.send({"id": "evt_same", "type": "fine"})
    refused(await rig.ask("GET", "/api/events/evt_same"), 409, "conflict")
    assert (await rig.ask("GET", "/api/events/evt_same?source=shop"))[1]["id"] == str(number)


async def test_a_row_is_written_read_and_listed(rig: Rig) -> None:
    values = {"amount": 99.90, "currency": "eur", "due": "2026-02-01", "extra": {"a": [1]}}
    status, answer, _ = await rig.ask("PUT", "/api/tables/payments/pi%2F1", values)
    row = {
        "id": "pi/1",
        "amount": "99.9",
        "currency": "eur",
        "last_event_at": None,
        "due": "2026-02-01",
        "extra": {"a": [1]},
    }
    assert (status, answer) == (200, {"row": row})
    assert (await rig.ask("GET", "/api/tables/payments/pi%2F1"))[:2] == (200, {"row": row})
    later = {"amount": "100.50", "last_event_at": "2026-01-15T13:00:00+01:00"}
    row |= {"amount": "100.50", "last_event_at": "2026-01-15T12:00:00Z"}
    assert (await rig.ask("PUT", "/api/tables/payments/pi%2F1", later))[1] == {"row": row}
    assert (await rig.ask("GET", "/api/tables/payments"))[1] == {"rows": [row], "next": None}


async def test_who_changed_a_row_and_when_is_recorded(rig: Rig, tmp_path: Path) -> None:
    await rig.ask("PUT", "/api/tables/orders/7", {"state": "open"})
    await rig.ask("PUT", "/api/tables/orders/7", {"state": "paid"})
    connection = sqlite3.connect(tmp_path / "test.db")
    rows = connection.execute("SELECT actor, table_name, row_key, before, after FROM gateway_changes").fetchall()
    connection.close()
    assert rows == [
        ("api from 127.0.0.1", "orders", "7", None, '{"number":7,"state":"open"}'),
        ("api from 127.0.0.1", "orders", "7", '{"state":"open"}', '{"state":"paid"}'),
    ]


async def test_rows_come_in_pages(rig: Rig) -> None:
    for number in range(5):
        await rig.ask("PUT", f"/api/tables/orders/{number}", {})
    _, page, _ = await rig.ask("GET", "/api/tables/orders?limit=3")
    assert ([row["number"] for row in page["rows"]], page["next"]) == ([0, 1, 2], "2")
    _, page, _ = await rig.ask("GET", "/api/tables/orders?limit=3&cursor=2")
    assert ([row["number"] for row in page["rows"]], page["next"]) == ([3, 4], None)


async def test_a_row_that_a_rule_reads_may_be_written_while_events_run(rig: Rig) -> None:
    sends = [rig.send({"id": f"evt_{number}", "type": "fine"}) for number in range(20)]
    puts = [rig.ask("PUT", f"/api/tables/orders/{number}", {"state": "paid"}) for number in range(20)]
    answers = await asyncio.gather(*sends, *puts)
    assert [answer[0] for answer in answers[20:]] == [200] * 20


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "message"),
    [
        ("GET", "/api/events/99", None, 404, "not_found", "no event `99`"),
        ("POST", "/api/events/99/retry", None, 404, "not_found", "no event `99`"),
        ("GET", "/api/tables/paymentz", None, 404, "not_found", "did you mean `payments`?"),
        ("GET", "/api/tables/gateway_events", None, 404, "not_found", "no table `gateway_events`"),
        ("GET", "/api/tables/payments/none", None, 404, "not_found", "no row `none`"),
        ("GET", "/api/tables/orders/x", None, 400, "invalid_row", "cannot be a key"),
        ("PUT", "/api/tables/payments/a", {"amout": 1}, 400, "invalid_row", "did you mean `amount`?"),
        ("PUT", "/api/tables/orders/1", {"state": "shut"}, 400, "invalid_row", "`shut` is not one of"),
        ("PUT", "/api/tables/orders/1", [1], 400, "invalid_json", "must be a JSON object"),
        ("PUT", "/api/tables/orders/1", None, 400, "invalid_json", "not JSON"),
        ("DELETE", "/api/events/1", None, 405, "method_not_allowed", "but GET"),
        ("POST", "/api/tables/orders/1", None, 405, "method_not_allowed", "but GET, PUT"),
        ("GET", "/api", None, 404, "not_found", "openapi.json"),
        ("GET", "/api/", None, 404, "not_found", "openapi.json"),
        ("GET", "/api/events//retry", None, 404, "not_found", "openapi.json"),
        ("GET", "/api/nothing", None, 404, "not_found", "openapi.json"),
        ("GET", "/api/events/%ff", None, 400, "invalid_parameter", "not UTF-8"),
        ("GET", "/api/rules?x=1", None, 400, "invalid_parameter", "takes none"),
        ("POST", "/api/trigger/stripes/x", None, 404, "not_found", "did you mean `stripe`?"),
        ("POST", "/api/trigger/stripe/payment_intent.suceeded", None, 404, "not_found", "payment_intent.succeeded"),
        ("POST", "/api/trigger/shop/fine", None, 404, "not_found", "names no provider"),
    ],
)
async def test_what_is_wrong_is_said(
    rig: Rig, method: str, path: str, body: object, status: int, code: str, message: str
) -> None:
    assert message in refused(await rig.ask(method, path, body), status, code)


async def test_a_head_request_is_answered_without_a_body(rig: Rig) -> None:
    status, content, headers = await rig.ask("HEAD", "/api/events")
    assert (status, content) == (200, None)
    assert int(headers["Content-Length"]) > 0


async def test_a_body_that_is_too_large_is_refused(rig: Rig) -> None:
    answer = await rig.ask("PUT", "/api/tables/payments/a", raw=b'{"currency": "' + b"x" * 2**20 + b'"}')
    refused(answer, 413, "body_too_large")


async def test_the_rules_in_use_are_listed(rig: Rig) -> None:
    _, answer, _ = await rig.ask("GET", "/api/rules")
    stripe, shop = answer["sources"]
    assert (stripe["name"], stripe["provider"], stripe["path"], stripe["verified"]) == (
        "stripe",
        "stripe",
        "/hooks/stripe",
        True,
    )
    [file] = stripe["files"]
    assert file["path"].endswith("rules/payments.yaml")
    assert re.fullmatch("[0-9a-f]{12}", file["version"])
    assert file["rules"][0] == {
        "name": "large payment",
        "on": ["payment_intent.succeeded"],
        "when": "amount > `1000000`",
        "pointer": "rules[0]",
        "line": 17,
    }
    assert [rule["name"] for rule in shop["files"][0]["rules"]] == ["broken", "fine", "kept"]


async def test_the_rules_listed_are_those_after_a_reload(rig: Rig, tmp_path: Path) -> None:
    _, before, _ = await rig.ask("GET", "/api/rules")
    path = tmp_path / "rules" / "orders.yaml"
    path.write_text(path.read_text().replace("state: {type", "note: {type: text}\n      state: {type"))
    assert await rig.gateway.reload()
    _, after, _ = await rig.ask("GET", "/api/rules")
    assert after["sources"][1]["files"][0]["version"] != before["sources"][1]["files"][0]["version"]
    assert (await rig.ask("PUT", "/api/tables/orders/1", {"note": "new"}))[1]["row"]["note"] == "new"


async def test_the_tables_are_listed_with_their_columns(rig: Rig) -> None:
    _, answer, _ = await rig.ask("GET", "/api/tables")
    assert [(table["name"], table["key"]) for table in answer["tables"]] == [("orders", "number"), ("payments", "id")]
    assert answer["tables"][0]["columns"][1] == {
        "name": "state",
        "type": "text",
        "primary_key": False,
        "unique": False,
        "required": False,
        "values": ["open", "paid"],
        "default": "open",
    }


async def test_a_sample_goes_the_whole_way(rig: Rig) -> None:
    change = {"set": {"data.object.id": "pi_77", "data.object.amount": 1999}}
    status, answer, _ = await rig.ask("POST", "/api/trigger/stripe/payment_intent.succeeded", change)
    assert (status, answer["answer"]["status"]) == (200, 200)
    assert json.loads(answer["answer"]["body"])["status"] == "accepted"
    assert list(answer["event"]) == EVENT_KEYS
    assert (answer["event"]["status"], answer["event"]["result"]) == ("done", "stored")
    assert (await rig.ask("GET", "/api/tables/payments/pi_77"))[1]["row"]["amount"] == "19.99"


async def test_a_payload_of_ones_own_is_sent_where_there_is_no_sample(rig: Rig) -> None:
    body = {"payload": {"type": "fine", "order": "o1"}, "set": {"order": "o2"}}
    status, answer, _ = await rig.ask("POST", "/api/trigger/shop/fine", body)
    assert (status, answer["event"]["key"], answer["event"]["result"]) == (200, "o2", "well")
    assert answer["event"]["event_id"].startswith("sha256:")
    again = (await rig.ask("POST", "/api/trigger/shop/fine", body))[1]
    assert json.loads(again["answer"]["body"])["status"] == "duplicate"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"set": {"data.objekt.id": 1}}, 400, "invalid_json"),
        ({"set": [1]}, 400, "invalid_json"),
        ({"sett": {}}, 400, "invalid_json"),
        ({"set": {"type": "charge.succeeded"}}, 409, "conflict"),
    ],
)
async def test_a_sample_that_cannot_be_made_is_refused(rig: Rig, body: Any, status: int, code: str) -> None:
    refused(await rig.ask("POST", "/api/trigger/stripe/payment_intent.succeeded", body), status, code)
    assert (await rig.ask("GET", "/api/events"))[1]["events"] == []


async def test_a_procedure_is_run_and_shown(rig: Rig) -> None:
    body = {"with": {"number": 7, "state": "paid"}, "source": "shop", "key": "o7", "by": "ann"}
    status, answer, _ = await rig.ask("POST", "/api/run/settle", body)
    assert status == 200
    event = answer["event"]
    assert (event["source"], event["type"], event["key"], event["status"]) == ("shop", "run.settle", "o7", "done")
    assert event["result"] == "settled by ann, api from 127.0.0.1"
    assert (await rig.ask("GET", "/api/tables/orders/7"))[1]["row"]["state"] == "paid"
    shown = (await rig.ask("GET", f"/api/events/{event['id']}"))[1]
    assert shown["payload"] == {"with": {"number": 7, "state": "paid"}}
    assert shown["headers"] == {"run_by": "ann, api from 127.0.0.1"}
    assert (await rig.ask("POST", "/api/run/settle", {"with": body["with"]}))[1]["event"]["status"] == "done"


@pytest.mark.parametrize(
    ("procedure", "body", "status", "code", "said"),
    [
        ("settle", {"with": {"number": 7}}, 400, "invalid_run", "needs `state`"),
        ("settle", None, 400, "invalid_run", "needs `number`, `state`"),
        ("settle", {"with": {"number": 7, "state": "paid", "now": 1}}, 400, "invalid_run", "reads no name `now`"),
        ("settle", {"with": [7]}, 400, "invalid_json", "the body may be"),
        ("settle", {"number": 7}, 400, "invalid_json", "the body may be"),
        ("settle", {"with": {}, "key": ""}, 400, "invalid_json", "`key` is a text"),
        ("setle", {"with": {}}, 404, "not_found", "did you mean `settle`?"),
        ("settle", {"with": {}, "source": "stripe"}, 404, "not_found", "the rules of `stripe` have no procedure"),
        ("settle", {"with": {}, "source": "shap"}, 404, "not_found", "did you mean `shop`?"),
    ],
)
async def test_a_procedure_that_cannot_be_run_stores_nothing(
    rig: Rig, procedure: str, body: Any, status: int, code: str, said: str
) -> None:
    assert said in refused(await rig.ask("POST", f"/api/run/{procedure}", body), status, code)
    assert (await rig.ask("GET", "/api/events"))[1]["events"] == []


@pytest.mark.parametrize("kind", ["run.settle", "schedule.remind"])
async def test_the_gateways_own_types_cannot_be_triggered(rig: Rig, kind: str) -> None:
    body = {"payload": {"id": "e1", "type": kind, "with": {"number": 1, "state": "paid"}}}
    status, answer, _ = await rig.ask("POST", f"/api/trigger/shop/{kind}", body)
    event = answer["event"]
    assert (status, event["status"], event["type"]) == (200, "dead", kind)
    assert f"`{kind}` is reserved" in event["error"]
    message = refused(await rig.ask("POST", f"/api/events/{event['id']}/retry"), 409, "conflict")
    assert "never runs" in message
    assert (await rig.ask("GET", "/api/tables/orders"))[1]["rows"] == []


async def test_how_alerts_stand_is_shown(rig: Rig) -> None:
    while not (alerts := (await rig.ask("GET", "/api/alerts"))[1]["alerts"]):
        await asyncio.sleep(0.05)
    assert [(one["name"], one["source"], one["active"], one["since"], one["notify"]) for one in alerts] == [
        ("parked too long", "stripe", False, None, None),
        ("parked too long", "shop", False, None, None),
    ]


async def test_the_token_is_asked_for(rig: Rig) -> None:
    for headers in ({"Authorization": "Bearer wrong"}, {"Authorization": ""}):
        for method, path in (("GET", "/api/events"), ("PUT", "/api/tables/orders/1"), ("GET", "/api/openapi.json")):
            answer = await rig.ask(method, path, {} if method == "PUT" else None, **headers)
            refused(answer, 401, "unauthorized")
            assert answer[2]["WWW-Authenticate"] == 'Bearer realm="gateway"'
    assert (await rig.ask("GET", "/api/tables/orders"))[1]["rows"] == []


async def test_without_a_token_this_machine_is_served_and_may_not_trigger(start: Start) -> None:
    rig = await start(token="")
    assert (await rig.ask("GET", "/api/events", Authorization=""))[0] == 200
    assert (await rig.ask("PUT", "/api/tables/orders/1", {}, Authorization=""))[0] == 200
    refused(await rig.ask("GET", "/api/events", **{"X-Forwarded-For": "127.0.0.1"}), 403, "forbidden")
    refused(await rig.ask("GET", "/api/events", Origin="https://attacker.example"), 403, "forbidden")
    answer = await rig.ask("POST", "/api/trigger/stripe/payment_intent.succeeded")
    assert "needs an admin token" in refused(answer, 403, "forbidden")


def add_dead_message(database: Database) -> None:
    statement = """
    INSERT INTO gateway_outbox (kind, action, target, position, message_id, request, status, attempts, created_at, code,
                                error)
    VALUES ('message', 'send', 'gone', 'send gone#1', 'msg_1', '{"path":"/x"}', 'dead', 3, 1, 'refused',
            'answered 422')
    """
    with database.transaction():
        database.execute(statement, ())


async def test_what_is_dead_in_the_outbox_is_found_and_sent_again(rig: Rig) -> None:
    await rig.gateway.database_thread.call(add_dead_message)
    status, page, _ = await rig.ask("GET", "/api/outbox?status=dead&action=send&target=gone")
    assert (status, page["next"]) == (200, None)
    [item] = page["outbox"]
    assert (item["id"], item["event_id"], item["code"], item["error"]) == ("1", None, "refused", "answered 422")
    assert (await rig.ask("GET", "/api/outbox?event=1"))[1]["outbox"] == []
    assert "not the gateway's own number" in refused(
        await rig.ask("GET", "/api/outbox?event=evt_1"), 400, "invalid_parameter"
    )
    status, item, _ = await rig.ask("POST", "/api/outbox/msg_1/retry")
    assert (status, item["status"], item["attempts"], item["code"]) == (200, "ready", 0, None)
    refused(await rig.ask("POST", "/api/outbox/9/retry"), 404, "not_found")


async def test_the_document_describes_every_route_and_what_it_answers(rig: Rig) -> None:
    number = await rig.send({"id": "evt_1", "type": "broken"})
    await rig.ask("PUT", "/api/tables/orders/1", {})
    await rig.gateway.database_thread.call(add_dead_message)
    _, document, _ = await rig.ask("GET", "/api/openapi.json")
    assert document["openapi"] == "3.1.0"
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    calls = {
        ("GET", "/api/events"): None,
        ("GET", f"/api/events/{number}"): None,
        ("POST", f"/api/events/{number}/retry"): None,
        ("GET", "/api/outbox"): None,
        ("GET", "/api/outbox/msg_1"): None,
        ("POST", "/api/outbox/1/retry"): None,
        ("GET", "/api/tables"): None,
        ("GET", "/api/tables/orders"): None,
        ("GET", "/api/tables/orders/1"): None,
        ("PUT", "/api/tables/orders/2"): {"state": "paid"},
        ("GET", "/api/rules"): None,
        ("POST", "/api/trigger/stripe/payment_intent.succeeded"): None,
        ("POST", "/api/run/settle"): {"with": {"number": 2, "state": "open"}},
        ("GET", "/api/alerts"): None,
        ("GET", "/api/openapi.json"): None,
    }
    covered = set()
    for (method, path), body in calls.items():
        status, content, _ = await rig.ask(method, path, body)
        assert status == 200, content
        [template] = [known for own, known in described if own == method and fits(known, path)]
        covered.add((method, template))
        operation = document["paths"][template][method.lower()]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": document["components"]}).validate(content)
        open_parts = [one["name"] for one in operation["parameters"] if one["in"] == "path"]
        assert open_parts == re.findall(r"{(\w+)}", template)
    assert covered == described


def fits(template: str, path: str) -> bool:
    """Say whether a path is one of a template's; words count before open parts."""
    if template == "/api/openapi.json" or path == "/api/openapi.json":
        return template == path
    return re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path) is not None


async def test_the_document_names_every_refusal_that_can_come(rig: Rig) -> None:
    _, document, _ = await rig.ask("GET", "/api/openapi.json")
    error = {**document["components"]["schemas"]["Error"], "components": document["components"]}
    for method, path, body, template in (
        ("GET", "/api/events?limit=x", None, "/api/events"),
        ("GET", "/api/events/99", None, "/api/events/{id}"),
        ("PUT", "/api/tables/orders/x", {}, "/api/tables/{table}/{key}"),
        ("POST", "/api/trigger/none/x", None, "/api/trigger/{source}/{type}"),
    ):
        status, content, _ = await rig.ask(method, path, body)
        Draft202012Validator(error).validate(content)
        told = document["paths"][template][method.lower()]["responses"][str(status)]["description"]
        assert content["error"]["code"] in told
    assert set(STATUSES) >= {"not_delivered", "storage_unavailable"}

"""The courier: each target on its own, at least once, under one id, and nothing dropped."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from running import free_port
from sending.rig import CONFIGURATION, QUICK, Leaser, Start, add_event, open_outbox, outgoing, post
from servers import Receiver, RedisServer

from gateway.building import clock
from gateway.sending.circuit import FAILURES
from gateway.sending.targets import build_places
from gateway.store.outbox import add_outgoing, answers_of


def destinations(**urls: str) -> str:
    lines = [f'  {name}: {{url: "{url}", timeout: 5s, concurrency: 4}}' for name, url in urls.items()]
    return "\n".join(["destinations:", *lines, ""])


def numbers(receiver: Receiver) -> list[int]:
    return [one.json["number"] for one in receiver.received]


async def test_messages_are_sent_and_recorded(app: Receiver, start: Start) -> None:
    sending = await start(destinations(app=app.url))
    event = add_event(sending.database)
    sending.add(*(outgoing("send", "app", post(n), n) for n in range(20)), event=event)
    await sending.until(lambda: all(row[0] == "done" for row in sending.rows()))
    assert sorted(numbers(app)) == list(range(20))
    assert sending.rows()[0] == ("done", 1, None, None, '{"status":200}')
    assert sending.metric('gateway_sends_total{action="send",outcome="done",target="app"} 20.0')


async def test_a_message_that_belongs_to_no_event_is_sent_too(app: Receiver, start: Start) -> None:
    sending = await start(destinations(app=app.url))
    sending.add(outgoing("send", "app", post()))
    await sending.until(lambda: sending.rows("status") == [("done",)])


async def test_trouble_is_tried_again_under_the_same_id(app: Receiver, start: Start) -> None:
    app.fail(503, times=3)
    sending = await start(destinations(app=app.url))
    sending.add(outgoing("send", "app", post()))
    await sending.until(lambda: sending.rows("status") == [("done",)])
    assert [one.id for one in app.received] == ["msg_send_app_1"] * 4
    assert sending.rows("attempts, error") == [(4, None)]


async def test_retry_after_is_honoured_by_the_whole_target(app: Receiver, start: Start) -> None:
    app.fail(429, headers={"Retry-After": "1"})
    policy = replace(QUICK, most=10)
    sending = await start(destinations(app=app.url), policy=policy)
    sending.add(outgoing("send", "app", post(1), 1))
    await sending.until(lambda: len(app.received) == 1 and sending.rows("leased_by") == [(None,)])
    sending.add(outgoing("send", "app", post(2), 2))
    await sending.until(lambda: [row[0] for row in sending.rows()] == ["done", "done"])
    first, *others = [one.at for one in app.received]
    assert len(others) == 2
    assert min(others) - first >= 1


async def test_a_wait_that_is_asked_for_is_bounded(app: Receiver, start: Start) -> None:
    app.fail(503, headers={"Retry-After": "9" * 300})
    sending = await start(destinations(app=app.url))
    sending.add(outgoing("send", "app", post()))
    await sending.until(lambda: sending.rows("status") == [("done",)])


async def test_what_is_refused_is_a_dead_letter(app: Receiver, start: Start) -> None:
    app.fail(422, body='{"why": "not like this"}')
    sending = await start(destinations(app=app.url))
    sending.add(outgoing("send", "app", post()))
    await sending.until(lambda: sending.rows("status") == [("dead",)])
    assert sending.rows() == [("dead", 1, "refused", 'answered 422: {"why": "not like this"}', None)]
    assert len(app.received) == 1


async def test_what_lasts_too_long_is_given_up(app: Receiver, start: Start) -> None:
    app.fail_always(500)
    sending = await start(destinations(app=app.url), policy=replace(QUICK, give_up_after=0.3))
    sending.add(outgoing("send", "app", post()))
    await sending.until(lambda: sending.rows("status") == [("dead",)])
    [(attempts, code)] = sending.rows("attempts, code")
    assert code == "gave_up"
    assert attempts == len(app.received) > 1


async def test_a_slow_answer_is_not_waited_for(app: Receiver, start: Start) -> None:
    app.hold()
    sending = await start(destinations(app=app.url).replace("5s", "200ms"))
    sending.add(outgoing("send", "app", post()))
    await sending.until(lambda: sending.rows("error") == [("no answer within 0.2 seconds",)])
    await sending.until(lambda: sending.rows("status") == [("done",)])
    assert [one.id for one in app.received] == ["msg_send_app_1"] * 2


async def test_a_call_is_answered_and_its_event_runs(app: Receiver, start: Start) -> None:
    sending = await start(destinations(app=app.url))
    event = sending.call(outgoing("send", "app", post(), kind="call"))
    await sending.until(lambda: sending.event(event)[0] == "ready")
    assert sending.answered == [1]
    answer: Any = answers_of(sending.database.execute, event)["send app#1"]
    assert answer.ok
    assert answer.value["body"] == {"ok": True}


async def test_a_call_that_is_refused_answers_its_event_too(app: Receiver, start: Start) -> None:
    app.fail(404)
    sending = await start(destinations(app=app.url))
    event = sending.call(outgoing("send", "app", post(), kind="call"))
    await sending.until(lambda: sending.event(event)[0] == "ready")
    answer = answers_of(sending.database.execute, event)["send app#1"]
    assert (answer.ok, answer.code) == (False, "not_found")


async def test_a_dead_destination_is_left_alone_while_another_goes_on(app: Receiver, start: Start) -> None:
    with Receiver() as other:
        other.stop()
        sending = await start(destinations(app=app.url, other=other.url))
        sending.add(*(outgoing("send", "other", post(n), n) for n in range(60)))
        await sending.until(lambda: sending.metric('gateway_circuit_open{action="send",target="other"} 1.0'))
        sending.add(*(outgoing("send", "app", post(n), n) for n in range(60)))
        await sending.until(lambda: len(app.received) == 60)
        tries = [attempts for target, attempts in sending.rows("target, attempts") if target == "other"]
        assert sum(tries) < FAILURES + 2 * 4 + 2, "tries are not spent on what cannot be reached"
        assert {status for target, status in sending.rows("target, status") if target == "other"} == {"ready"}
        other.start()
        await sending.until(lambda: all(row[0] == "done" for row in sending.rows()), 40)
        assert sorted(set(numbers(other))) == list(range(60)), "nothing is dropped"
        assert sending.metric('gateway_circuit_open{action="send",target="other"} 0.0')


async def test_a_slow_destination_takes_no_place_of_another(app: Receiver, start: Start) -> None:
    with Receiver() as other:
        holds = [other.hold() for _ in range(4)]
        sending = await start(destinations(app=app.url, other=other.url))
        sending.add(*(outgoing("send", "other", post(n), n) for n in range(8)))
        for hold in holds:
            await asyncio.to_thread(hold.wait_until_it_arrived)
        sending.add(*(outgoing("send", "app", post(n), n) for n in range(8)))
        await sending.until(lambda: len(app.received) == 8)
        assert len(other.received) == 4, "no more at once than the destination says"
        for hold in holds:
            hold.release()
        await sending.until(lambda: len(other.received) == 8)


async def test_a_redis_that_is_away_keeps_nothing_else_back(app: Receiver, start: Start, tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    sending = await start(f'redis: {{url: "{redis.url}"}}\n' + destinations(app=app.url))
    sending.add(outgoing("cache", "redis", {"delete": ["customer:1"]}), outgoing("send", "app", post()))
    await sending.until(lambda: len(app.received) == 1)
    await sending.until(lambda: sending.rows("error")[0][0] is not None)
    assert sending.rows("status, error")[0] == ("ready", "Redis could not be reached: ConnectionError")
    with redis:
        redis.keep("customer:1")
        await sending.until(lambda: sending.rows("status")[0] == ("done",))
        assert redis.keys == set()


async def test_what_a_killed_process_had_leased_is_sent_again_at_once(
    app: Receiver, start: Start, tmp_path: Path
) -> None:
    database = open_outbox(tmp_path)
    with database.transaction():
        add_outgoing(database, [(None, outgoing("send", "app", post(n), n)) for n in range(3)], clock())
    database.close()
    leaser = Leaser(tmp_path)
    assert leaser.count == 3
    leaser.kill()
    sending = await start(destinations(app=app.url))
    await sending.until(lambda: all(row[0] == "done" for row in sending.rows()), 5)
    assert sorted(one.id for one in app.received) == [f"msg_send_app_{n}" for n in range(3)]


async def test_stopping_lets_what_is_under_way_end(app: Receiver, start: Start) -> None:
    hold = app.hold()
    sending = await start(destinations(app=app.url))
    sending.add(outgoing("send", "app", post()))
    await asyncio.to_thread(hold.wait_until_it_arrived)
    stopping = asyncio.create_task(sending.courier.stop(10))
    await asyncio.sleep(0)  # the end is announced
    sending.add(outgoing("send", "app", post(2), 2))
    hold.release()
    await stopping
    assert sending.rows("status, leased_by") == [("done", None), ("ready", None)]
    assert numbers(app) == [1], "nothing new is begun"


async def test_what_does_not_end_in_time_is_given_back(app: Receiver, start: Start) -> None:
    hold = app.hold()
    sending = await start(destinations(app=app.url))
    sending.add(outgoing("send", "app", post()))
    await asyncio.to_thread(hold.wait_until_it_arrived)
    await sending.courier.stop(0.05)
    hold.release()
    [(status, leased_by, due)] = sending.rows("status, leased_by, next_attempt_at")
    assert (status, leased_by) == ("ready", None)
    assert due <= clock()


async def test_other_settings_are_used_at_once(app: Receiver, start: Start) -> None:
    sending = await start(destinations(app=f"http://127.0.0.1:{free_port()}"))
    sending.add(outgoing("send", "app", post()))
    await sending.until(lambda: sending.rows("error")[0][0] is not None)
    settings = sending.settings(CONFIGURATION + destinations(app=app.url))
    sending.courier.use(build_places(settings, sending.session), QUICK)
    await sending.until(lambda: sending.rows("status") == [("done",)])


async def test_a_target_that_was_left_alone_stays_so_when_the_settings_are_read_again(start: Start) -> None:
    nobody = destinations(app=f"http://127.0.0.1:{free_port()}")
    sending = await start(nobody)
    sending.add(*(outgoing("send", "app", post(n), n) for n in range(FAILURES)))
    await sending.until(lambda: sending.metric('gateway_circuit_open{action="send",target="app"} 1.0'))
    sending.courier.use(build_places(sending.settings(CONFIGURATION + nobody), sending.session), QUICK)
    assert sending.metric('gateway_circuit_open{action="send",target="app"} 1.0')


async def test_a_target_with_another_address_is_not_left_alone(app: Receiver, start: Start) -> None:
    sending = await start(destinations(app=f"http://127.0.0.1:{free_port()}"))
    sending.add(*(outgoing("send", "app", post(n), n) for n in range(FAILURES)))
    await sending.until(lambda: sending.metric('gateway_circuit_open{action="send",target="app"} 1.0'))
    settings = sending.settings(CONFIGURATION + destinations(app=app.url))
    sending.courier.use(build_places(settings, sending.session), QUICK)
    assert sending.metric('gateway_circuit_open{action="send",target="app"} 0.0')
    await sending.until(lambda: all(row[0] == "done" for row in sending.rows()))


async def test_what_waits_for_a_destination_that_is_gone_is_a_dead_letter(app: Receiver, start: Start) -> None:
    sending = await start(destinations(app=app.url))
    event = sending.call(outgoing("send", "gone", post(), kind="call"))
    settings = sending.settings(CONFIGURATION + destinations(app=app.url))
    sending.courier.use(build_places(settings, sending.session), QUICK)
    await sending.until(lambda: sending.event(event)[0] == "ready")
    assert sending.rows("status, code, error") == [
        ("dead", "refused", "no target `gone` for `send` is configured any more")
    ]


async def test_what_waits_is_counted(app: Receiver, start: Start) -> None:
    sending = await start(destinations(app=app.url, other=f"http://127.0.0.1:{free_port()}"))
    sending.add(outgoing("send", "other", post()))
    await sending.courier.measure(sending.thread)
    assert sending.metric('gateway_outbox_open{action="send",target="other"} 1.0')
    assert sending.metric('gateway_outbox_open{action="send",target="app"} 0.0')


async def test_no_log_line_holds_a_body_or_a_secret(
    app: Receiver, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    app.fail(422, body="what the other side says")
    address = app.url.replace("http://", "http://user:password-of-the-app@")
    sending = await start(destinations(app=address))
    sending.add(outgoing("send", "app", post(json={"card": "what is sent"})))
    await sending.until(lambda: sending.rows("status") == [("dead",)])
    printed = capsys.readouterr()
    assert "refused" in printed.out + printed.err
    for text in ("what the other side says", "what is sent", "password-of-the-app"):
        assert text not in printed.out + printed.err
    assert json.loads(json.dumps(sending.rows("error")))[0][0] == "answered 422: what the other side says"

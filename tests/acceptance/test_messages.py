"""Messages leave after their event has committed: at least once, each under one id, and a dead place stops no other."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import shop
from installation import APP_SECRET
from running import Gateway, eventually
from servers import MailServer, NatsServer, Receiver, RedisServer
from shop import open_shop

MORE = """
destinations:
  app: {url: "${env:APP_URL}", secret: "${env:APP_SECRET}", timeout: 5s}
  other: {url: "${env:OTHER_URL}", secret: "${env:APP_SECRET}", timeout: 5s}
  broker: {url: "${env:NATS_URL}"}
channels:
  admins: ["${env:ADMIN_CHANNEL}"]
redis: {url: "${env:REDIS_URL}"}
retry: {first: 100ms, factor: 2, max: 500ms, jitter: 0%, give_up_after: 1h}
engine: {lease: 1s}
"""

RULES = """
version: 1
tables:
  seen:
    columns:
      id: {type: text, primary_key: true}
      answer: {type: text}
extract:
  number: {path: number, as: decimal}
rules:
  - name: both
    on: both
    do:
      - insert: seen
        values: {id: $event.id}
      - send: app
        path: /both
        json: {id: $event.id, number: $number}
      - send: other
        path: /both
        json: {id: $event.id}
  - name: forward
    on: forward
    do:
      - send: app
        path: /forwarded
        forward: true
        headers: {X-Event: $event.id}
  - name: ask
    on: ask
    do:
      - send: app
        path: /questions
        json: {id: $event.id}
        wait: true
        as: answer
      - insert: seen
        values: {id: $event.id, answer: "${ join(' ', [to_string(answer.status), answer.body.word]) }"}
  - name: everywhere
    on: everywhere
    do:
      - insert: seen
        values: {id: $event.id}
      - send: app
        path: /everywhere
        json: {id: $event.id}
      - notify: admins
        title: event $event.id
        body: something has happened
      - cache: delete
        keys: ["thing:$event.id", "things"]
      - publish: broker
        subject: things.$event.id
        json: {id: $event.id, number: $number}
  - name: wrong
    on: wrong
    do:
      - send: app
        path: /wrong
        json: {id: $event.id}
      - fail: it was wrong
"""

_numbers = itertools.count(1)


@dataclass
class Place:
    """A gateway and what it sends to."""

    gateway: Gateway
    app: Receiver
    other: Receiver
    mail: MailServer
    redis: RedisServer
    nats: NatsServer

    def send(self, kind: str, identity: str | None = None) -> str:
        """Send an event and return its id."""
        name = identity or f"{kind}-{next(_numbers)}"
        shop.send(self.gateway, name, kind, name, number=1)
        return name

    def open_outbox(self) -> int:
        return int(self.gateway.sql("SELECT count(*) FROM gateway_outbox WHERE status = 'ready'")[0][0])


def ids_of(receiver: Receiver, name: str) -> list[str]:
    return [one.id for one in receiver.received if one.json.get("id") == name]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("messages")
    with (
        Receiver(APP_SECRET) as app,
        Receiver(APP_SECRET) as other,
        MailServer() as mail,
        RedisServer(folder) as redis,
        NatsServer(folder) as nats,
    ):
        nats.add_stream("things", "things.>")
        environment = {
            "APP_URL": app.url,
            "OTHER_URL": other.url,
            "APP_SECRET": APP_SECRET,
            "NATS_URL": nats.url,
            "REDIS_URL": redis.url,
            "ADMIN_CHANNEL": mail.channel(),
        }
        gateway = open_shop(folder / "gateway", RULES, MORE, environment)
        yield Place(gateway, app, other, mail, redis, nats)
        assert gateway.stop() == 0


@pytest.fixture
def place(running: Place) -> Iterator[Place]:
    yield running
    running.app.work_again()
    running.other.work_again()


def test_a_message_is_signed_as_the_standard_says(place: Place) -> None:
    shop.send_raw(place.gateway, b'{"id": "exact", "type": "both", "key": "exact", "number": 99.90}')
    eventually(lambda: bool(ids_of(place.app, "exact")) and bool(ids_of(place.other, "exact")), 30)
    [one] = [one for one in place.app.received if one.json.get("id") == "exact"]
    assert one.verified
    assert (one.method, one.path) == ("POST", "/both")
    assert one.headers["content-type"].startswith("application/json")
    assert b"99.9" in one.body
    assert ids_of(place.app, "exact") != ids_of(place.other, "exact"), "each message has an id of its own"


def test_everything_leaves_once_the_event_has_committed(place: Place) -> None:
    name = f"everywhere-{next(_numbers)}"
    place.redis.keep(f"thing:{name}", "things", "kept")
    place.send("everywhere", name)
    eventually(lambda: bool(ids_of(place.app, name)))
    eventually(lambda: any(mail.subject == f"event {name}" for mail in place.mail.mails))
    eventually(lambda: place.redis.keys == {"kept"})
    eventually(lambda: any(one.subject == f"things.{name}" for one in place.nats.messages("things")))
    [mail] = [mail for mail in place.mail.mails if mail.subject == f"event {name}"]
    assert "something has happened" in mail.text
    assert mail.recipients == ("admins@example.org",)
    [published] = [one for one in place.nats.messages("things") if one.subject == f"things.{name}"]
    assert published.json == {"id": name, "number": 1}
    assert published.headers["Nats-Msg-Id"].startswith("msg_")


def test_an_event_that_fails_sends_nothing(place: Place) -> None:
    name = place.send("wrong")
    assert place.gateway.outcome(name)["status"] == "dead"
    after = place.send("both")
    eventually(lambda: bool(ids_of(place.app, after)))
    assert ids_of(place.app, name) == []


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json; charset=utf-8", '{"id": "%s",\n\n  "type":"forward", "n": 1.50, "text": "\\u20ac €"}'),
        ("application/vnd.shop+json", '{"type":"forward","id":"%s"}'),
    ],
)
def test_a_body_is_forwarded_untouched(place: Place, content_type: str, body: str) -> None:
    name = f"forwarded-{next(_numbers)}"
    original = (body % name).encode()
    shop.send_raw(place.gateway, original, content_type)
    eventually(lambda: any(one.headers.get("x-event") == name for one in place.app.at("/forwarded")))
    [one] = [one for one in place.app.at("/forwarded") if one.headers["x-event"] == name]
    assert (one.body, one.headers["content-type"], one.verified) == (original, content_type, True)


def test_an_answer_can_be_waited_for(place: Place) -> None:
    place.app.answers["/questions"] = {"word": "yes"}
    place.app.fail(503, path="/questions")
    name = place.send("ask")
    assert place.gateway.outcome(name)["status"] == "done"
    assert place.gateway.row("seen", name)["answer"] == "200 yes"  # type: ignore[index]
    ids = ids_of(place.app, name)
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_messages_arrive_however_often_the_gateway_dies(place: Place) -> None:
    before = len(place.app.received)
    place.app.reset(times=3)
    place.app.fail(500, times=3)
    names = []
    for _ in range(2):
        names += [place.send("everywhere" if number % 2 else "both") for number in range(6)]
        place.app.hold()
        place.gateway.crash()
    place.app.work_again()
    for name in names:
        assert place.gateway.outcome(name)["status"] == "done"
    eventually(lambda: place.open_outbox() == 0, 60)
    for name in names:
        assert place.gateway.row("seen", name) is not None
        assert len(set(ids_of(place.app, name))) == 1, "every try has the same id"
    assert all(one.verified for one in place.app.received[before:])
    published = [one.subject.removeprefix("things.") for one in place.nats.messages("things")]
    expected = [name for name in names if name.startswith("everywhere")]
    assert sorted(one for one in published if one in expected) == sorted(expected), "a stream takes an id once"


def test_a_dead_destination_holds_up_no_other(place: Place) -> None:
    place.other.stop()
    names = [place.send("both") for _ in range(20)]
    eventually(lambda: all(ids_of(place.app, name) for name in names), 30)
    assert place.open_outbox() >= len(names), "what could not be sent is kept"
    place.other.start()
    eventually(lambda: all(ids_of(place.other, name) for name in names), 60)
    eventually(lambda: place.open_outbox() == 0)


def test_a_slow_destination_holds_up_no_other(place: Place) -> None:
    hold = place.other.hold()
    first = place.send("both")
    hold.wait_until_it_arrived()
    names = [place.send("both") for _ in range(5)]
    eventually(lambda: all(ids_of(place.app, name) for name in [first, *names]), 30)
    hold.release()
    eventually(lambda: all(ids_of(place.other, name) for name in names), 60)


def outbox(place: Place, *arguments: str) -> list[dict[str, Any]]:
    listed = place.gateway.cli("outbox", "list", "--json", *arguments)
    assert listed.returncode == 0, listed.stderr
    found: list[dict[str, Any]] = json.loads(listed.stdout)["outbox"]
    return found


def test_a_refused_message_is_a_dead_letter_and_can_be_sent_again(place: Place) -> None:
    place.app.fail(422, path="/both", body='{"error": "not like this"}')
    name = place.send("both")
    eventually(lambda: bool(ids_of(place.app, name)))
    eventually(lambda: bool(place.gateway.api("GET", "/api/outbox?status=dead").json["outbox"]))
    [dead] = [one for one in outbox(place, "--status", "dead") if one["target"] == "app"]
    assert "422" in dead["error"]
    assert place.gateway.event(name)["status"] == "done"
    listed = place.gateway.api("GET", "/api/outbox?status=dead").json["outbox"]
    assert [one["message_id"] for one in listed] == [dead["message_id"]]
    retried = place.gateway.cli("outbox", "retry", dead["message_id"])
    assert retried.returncode == 0, retried.stderr
    eventually(lambda: len(ids_of(place.app, name)) == 2)
    assert set(ids_of(place.app, name)) == {dead["message_id"]}
    eventually(lambda: place.gateway.api("GET", "/api/outbox?status=dead").json["outbox"] == [])


def test_people_are_told_when_their_mail_works_again(place: Place) -> None:
    place.mail.refusing = True
    name = place.send("everywhere")
    eventually(lambda: bool(ids_of(place.app, name)))
    place.mail.refusing = False
    eventually(lambda: any(mail.subject == f"event {name}" for mail in place.mail.mails), 30)


def test_a_broker_and_a_cache_may_be_away(place: Place) -> None:
    place.nats.stop()
    place.redis.stop()
    name = place.send("everywhere")
    eventually(lambda: bool(ids_of(place.app, name)))
    place.nats.start()
    place.redis.start()
    eventually(lambda: "cmdstat_del" in place.redis.ask("INFO", "commandstats"), 30)
    eventually(lambda: any(one.subject == f"things.{name}" for one in place.nats.messages("things")), 30)

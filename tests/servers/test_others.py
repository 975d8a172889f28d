"""Redis, NATS, mail and the receiver of messages: each does what tests rely on."""

from __future__ import annotations

import json
import smtplib
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from servers import MailServer, NatsServer, Receiver, RedisServer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_redis_keeps_and_forgets(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as redis:
        redis.keep("a", "b")
        assert redis.keys == {"a", "b"}
        redis.ask("DEL", "a")
        assert redis.keys == {"b"}


def test_a_stream_keeps_what_is_published(tmp_path: Path) -> None:
    with NatsServer(tmp_path) as nats:
        nats.add_stream("kept", "kept.>")
        assert nats.messages("kept") == []
        nats.publish("kept.one", b'{"n": 1}')
        nats.publish("elsewhere", b"{}")
        assert [(one.subject, one.json) for one in nats.messages("kept")] == [("kept.one", {"n": 1})]
        nats.stop()
        nats.start()
        assert len(nats.messages("kept")) == 1


def test_mails_are_kept_unless_refused() -> None:
    with MailServer() as mail, smtplib.SMTP("127.0.0.1", mail.port) as client:
        client.sendmail("a@example.org", ["b@example.org"], "Subject: hello\n\nthe text")
        mail.refusing = True
        with pytest.raises(smtplib.SMTPDataError):
            client.sendmail("a@example.org", ["b@example.org"], "Subject: again\n\n")
        [one] = mail.mails
    assert (one.sender, one.recipients, one.subject, one.text.strip()) == (
        "a@example.org",
        ("b@example.org",),
        "hello",
        "the text",
    )


def send(receiver: Receiver, path: str, headers: dict[str, str] | None = None) -> int:
    request = urllib.request.Request(receiver.url + path, data=b'{"n": 1}', headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_receiver_knows_a_signature() -> None:
    now = datetime.now(UTC)
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_1", now, '{"n": 1}'),
    }
    with Receiver(SECRET) as receiver:
        assert send(receiver, "/signed", signed) == 200
        assert send(receiver, "/forged", {**signed, "webhook-id": "msg_2"}) == 200
        assert send(receiver, "/unsigned") == 200
    assert [(one.path, one.verified, one.json) for one in receiver.received] == [
        ("/signed", True, {"n": 1}),
        ("/forged", False, {"n": 1}),
        ("/unsigned", False, {"n": 1}),
    ]


def test_the_receiver_fails_when_told_and_comes_back() -> None:
    with Receiver() as receiver:
        receiver.fail_always(503)
        assert [send(receiver, "/"), send(receiver, "/")] == [503, 503]
        receiver.work_again()
        receiver.answers["/"] = {"ok": False}
        with urllib.request.urlopen(receiver.url + "/", timeout=30) as answer:
            assert json.loads(answer.read()) == {"ok": False}
        receiver.stop()
        with pytest.raises(urllib.error.URLError):
            send(receiver, "/")
        receiver.start()
        assert send(receiver, "/") == 200

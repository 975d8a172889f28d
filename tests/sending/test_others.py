"""`cache`, `publish` and `notify` on a real Redis, a real NATS and a real mail server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import free_port
from sending.rig import destination, leased
from servers import MailServer, NatsServer, RedisServer
from structlog.testing import capture_logs

from gateway.config.environment import Secret
from gateway.sending.cache import CacheTransport
from gateway.sending.notify import NotifyTransport, hidden
from gateway.sending.publish import NatsTransport
from gateway.sending.transport import Passing, Refused
from gateway.store.codecs import dump_json

# Apprise imports a module that Python 3.13 no longer has, and brings its own where it is missing.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with NatsServer(tmp_path_factory.mktemp("nats")) as server:
        server.add_stream("things", "things.>")
        yield server


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def drop(*keys: str) -> Any:
    return leased("cache", {"delete": keys}, target="redis")


async def test_keys_are_dropped_and_others_stay(redis: RedisServer) -> None:
    redis.keep("customer:1", "user:1:features", "kept")
    transport = CacheTransport(Secret(redis.url), 5)
    assert await transport.deliver(drop("customer:1", "user:1:features", "never there")) == {"deleted": 2}
    assert redis.keys == {"kept"}
    assert await transport.deliver(drop("customer:1")) == {"deleted": 0}, "once more does no harm"
    await transport.close()


async def test_without_a_redis_it_is_recorded_that_nothing_was_done() -> None:
    assert await CacheTransport(None, 5).deliver(drop("a")) == {"skipped": "no redis is configured"}


async def test_a_redis_that_is_away_may_pass(tmp_path: Path) -> None:
    transport = CacheTransport(Secret(f"redis://:password-of-redis@127.0.0.1:{free_port()}/0"), 5)
    with pytest.raises(Passing, match="could not be reached") as raised:
        await transport.deliver(drop("a"))
    assert "password" not in raised.value.full
    await transport.close()


async def test_what_redis_will_not_do_is_refused(redis: RedisServer) -> None:
    transport = CacheTransport(Secret(redis.url), 5)
    with pytest.raises(Refused, match="Redis refused it"):
        await transport.deliver(drop())
    await transport.close()
    with pytest.raises(Refused, match=r"`redis\.url` is no address"):
        await CacheTransport(Secret("http://nowhere"), 5).deliver(drop("a"))


def publish(subject: str = "things.new", identity: str = "msg_1", value: object = 1) -> Any:
    return leased("publish", {"subject": subject, "json": value}, target="events", message_id=identity)


async def test_a_stream_takes_a_message_once(nats: NatsServer) -> None:
    transport = NatsTransport(destination(nats.url))
    first: Any = await transport.deliver(publish(identity="msg_dup", value={"id": "x"}))
    again: Any = await transport.deliver(publish(identity="msg_dup", value={"id": "x"}))
    assert (first["stream"], first["duplicate"]) == ("things", False)
    assert (again["sequence"], again["duplicate"]) == (first["sequence"], True)
    [stored] = [one for one in nats.messages("things") if one.headers["Nats-Msg-Id"] == "msg_dup"]
    assert stored.json == {"id": "x"}
    await transport.close()


async def test_a_subject_that_no_stream_takes_may_get_one(nats: NatsServer) -> None:
    transport = NatsTransport(destination(nats.url))
    with pytest.raises(Passing, match=r"no stream of the broker takes the subject `other\.new`"):
        await transport.deliver(publish("other.new"))
    await transport.close()


async def test_a_message_that_is_too_long_is_refused(nats: NatsServer) -> None:
    transport = NatsTransport(destination(nats.url))
    with pytest.raises(Refused, match="longer than the broker takes"):
        await transport.deliver(publish(value="x" * 2**21))
    await transport.close()


async def test_a_broker_that_was_away_is_used_again(nats: NatsServer) -> None:
    transport = NatsTransport(destination(nats.url))
    await transport.deliver(publish(identity="msg_before"))
    nats.stop()
    with pytest.raises(Passing, match="the broker did not take it"):
        await transport.deliver(publish(identity="msg_away"))
    nats.start()
    await transport.deliver(publish(identity="msg_away"))
    assert [one.headers["Nats-Msg-Id"] for one in nats.messages("things")].count("msg_away") == 1
    await transport.close()


def tell(answer: object = None, level: str = "warning", title: str | None = "A title") -> Any:
    text = None if answer is None else dump_json(answer)
    return leased("notify", {"title": title, "body": "A text.", "level": level}, target="admins", answer=text)


def channel(*addresses: str) -> NotifyTransport:
    return NotifyTransport("admins", [Secret(address) for address in addresses], 20)


async def test_people_get_a_mail(mail: MailServer) -> None:
    transport = channel(mail.channel())
    assert await transport.deliver(tell()) == {"told": 1}
    [one] = mail.mails
    assert one.subject == "A title"
    assert "A text." in one.text
    await transport.close()


async def test_who_was_told_is_not_told_again_when_others_were_not(mail: MailServer) -> None:
    away = f"mailto://127.0.0.1:{free_port()}?from=gateway@example.org&to=away@example.org&mode=insecure"
    transport = channel(away, mail.channel("first@example.org"), mail.channel("second@example.org"))
    with pytest.raises(Passing, match="address 1 of 3 took nothing") as raised:
        await transport.deliver(tell())
    assert sorted(one.recipients[0] for one in mail.mails) == ["first@example.org", "second@example.org"]
    with pytest.raises(Passing):
        await transport.deliver(tell(raised.value.progress))
    assert len(mail.mails) == 2
    # The one that was away is gone from the channel; whom the others are is remembered, not where they stood.
    shorter = channel(mail.channel("second@example.org"), mail.channel("third@example.org"))
    assert await shorter.deliver(tell(raised.value.progress)) == {"told": 2}
    assert [one.recipients[0] for one in mail.mails[2:]] == ["third@example.org"]
    await transport.close()
    await shorter.close()


async def test_an_address_that_is_none_keeps_nobody_else_from_being_told(mail: MailServer) -> None:
    transport = channel("nosuchservice://secret-of-it", mail.channel())
    with pytest.raises(Refused, match="address 1 of 2 is none that Apprise knows") as raised:
        await transport.deliver(tell())
    assert "secret-of-it" not in raised.value.full
    assert len(mail.mails) == 1
    await transport.close()


async def test_an_error_gives_nothing_of_an_address_away(mail: MailServer) -> None:
    mail.refusing = True
    address = (
        f"mailto://someone:pass%40word@127.0.0.1:{mail.port}?from=a@example.org&to=private@example.org&mode=insecure"
    )
    with pytest.raises(Passing) as raised:
        await channel(address).deliver(tell())
    for part in ("someone", "pass@word", "pass%40word", "private", "127.0.0.1"):
        assert part not in raised.value.full


def test_parts_of_addresses_are_hidden() -> None:
    address = "tgram://123456789:AAbb-CCdd%2Fee/987654?format=text"
    text = "POST https://api.telegram.org/bot123456789:AAbb-CCdd/ee failed for 987654"
    assert "AAbb" not in hidden(text, address)
    assert "123456789" not in hidden(text, address)
    assert "987654" not in hidden(text, address)
    assert hidden(text, address).startswith("POST https://api.telegram.org/")


@pytest.mark.parametrize(
    ("level", "logged"), [("info", "info"), ("success", "info"), ("warning", "warning"), ("failure", "error")]
)
async def test_the_log_is_a_channel(level: str, logged: str) -> None:
    with capture_logs() as lines:
        assert await channel("log://").deliver(tell(level=level)) == {"told": 1}
    assert lines == [{"event": "A title", "channel": "admins", "body": "A text.", "log_level": logged}]


async def test_a_title_may_be_left_out(mail: MailServer) -> None:
    transport = channel(mail.channel(), "log://")
    with capture_logs() as lines:
        assert await transport.deliver(tell(title=None)) == {"told": 2}
    assert lines[0]["event"] == "A text."
    assert len(mail.mails) == 1
    await transport.close()


async def test_a_channel_without_an_address_says_so() -> None:
    assert await channel().deliver(tell()) == {"skipped": "the channel has no address"}

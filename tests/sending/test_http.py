"""`send`: what goes over the wire, and what each answer means."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from running import free_port
from sending.conftest import SECRET
from sending.rig import destination, leased, post
from servers import Receiver
from servers.threads import WebServer
from standardwebhooks import Webhook

from gateway.config.environment import Secret
from gateway.sending.http import MOST_ANSWERED, HttpTransport
from gateway.sending.signing import destination_key, sign
from gateway.sending.transport import Passing, Refused, retry_after


class Saying(WebServer):
    """Answers as a test says."""

    def __init__(self, body: bytes = b"", status: int = 200, **headers: str) -> None:
        super().__init__()
        self.body, self.status, self.headers = body, status, headers
        self.paths: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.raw_path)
        return web.Response(body=self.body, status=self.status, headers=self.headers)


async def ask(session: aiohttp.ClientSession, url: str, **more: Any) -> Any:
    item = leased("send", post(**more), kind="call")
    return await HttpTransport(destination(url), session).deliver(item)


async def test_a_message_is_signed_anew_at_each_try(app: Receiver, session: aiohttp.ClientSession) -> None:
    headers = {"Authorization": Secret("Bearer of-the-app"), "X-Env": Secret("test")}
    transport = HttpTransport(destination(app.url, secret=Secret(SECRET), headers=headers), session)
    item = leased("send", {"method": "PUT", "path": "/x?y=1", "json": {"a": 1}, "headers": {"x-env": "ignored"}})
    assert await transport.deliver(item) == {"status": 200}
    [one] = app.received
    assert one.verified
    assert (one.method, one.path, one.body, one.id) == ("PUT", "/x?y=1", b'{"a":1}', item.message_id)
    assert one.headers["authorization"] == "Bearer of-the-app"
    assert one.headers["x-env"] == "test", "a destination's own headers count"
    assert one.headers["content-type"] == "application/json"
    assert abs(int(one.headers["webhook-timestamp"]) - one.at) < 60


async def test_nothing_is_signed_without_a_secret(app: Receiver, session: aiohttp.ClientSession) -> None:
    await HttpTransport(destination(app.url), session).deliver(leased("send", {"method": "DELETE", "path": "/x"}))
    [one] = app.received
    assert "webhook-signature" not in one.headers
    assert one.headers["webhook-id"].startswith("msg_")
    assert (one.method, one.body) == ("DELETE", b"")


@pytest.mark.parametrize("secret", [SECRET, "a plain text with spaces", "whsec_not base64 at all"])
def test_a_secret_is_base64_behind_its_prefix_or_plain_text(secret: str) -> None:
    key = destination_key(secret)
    if secret == SECRET:
        assert sign(key, "msg_1", "1700000000", b"{}") in Webhook(SECRET).sign("msg_1", _moment(), "{}")
    else:
        assert key == secret.encode()


def _moment() -> datetime:
    return datetime.fromtimestamp(1700000000, UTC)


async def test_numbers_keep_all_their_digits(app: Receiver, session: aiohttp.ClientSession) -> None:
    text = '{"a":0.10000000000000000001,"b":1.50,"c":123456789012345678901234567890}'
    request = '{"method":"POST","path":"/x","json":' + text + "}"
    await HttpTransport(destination(app.url), session).deliver(leased("send", {})._replace(request=request))
    assert app.received[0].body == text.encode()


async def test_the_original_body_is_forwarded_untouched(app: Receiver, session: aiohttp.ClientSession) -> None:
    body = b'{"n": 1.50,\n "text": "\xe2\x82\xac"}'
    item = leased("send", {"method": "POST", "path": "/x", "forward": True}, body=body, content_type="application/x-y")
    await HttpTransport(destination(app.url, secret=Secret(SECRET)), session).deliver(item)
    [one] = app.received
    assert (one.body, one.headers["content-type"], one.verified) == (body, "application/x-y", True)


async def test_a_body_that_is_no_longer_kept_cannot_be_forwarded(app: Receiver, session: aiohttp.ClientSession) -> None:
    item = leased("send", {"method": "POST", "path": "/x", "forward": True})
    with pytest.raises(Refused, match="no longer kept"):
        await HttpTransport(destination(app.url), session).deliver(item)
    assert app.received == []


@pytest.mark.parametrize("value", ["a\r\nX-Admin: 1", "a\nb", "a\0b", "\x7f"])
async def test_a_header_cannot_smuggle_another(app: Receiver, session: aiohttp.ClientSession, value: str) -> None:
    with pytest.raises(Refused, match="`x-tenant` holds a control character"):
        await ask(session, app.url, headers={"X-Tenant": value})
    assert app.received == []


async def test_a_step_cannot_set_headers_that_are_the_gateways(app: Receiver, session: aiohttp.ClientSession) -> None:
    await ask(
        session, app.url, headers={"Webhook-Id": "forged", "Host": "elsewhere", "Content-Length": "1", "X-A": "ü"}
    )
    [one] = app.received
    assert one.id.startswith("msg_")
    assert one.headers["host"] == f"127.0.0.1:{app.port}"
    assert one.body == b'{"number":1}'


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 599])
async def test_trouble_that_may_pass(session: aiohttp.ClientSession, status: int) -> None:
    with (
        Saying(
            b'{"error": "busy, token=Bearer abcdef123456"}', status, **{"Content-Type": "application/json"}
        ) as server,
        pytest.raises(Passing) as raised,
    ):
        await ask(session, server.url)
    assert raised.value.message == f"answered {status}"
    assert "busy" in raised.value.full
    assert "abcdef123456" not in raised.value.full, "secrets are left out"


@pytest.mark.parametrize(
    ("status", "code"), [(301, "refused"), (302, "refused"), (400, "refused"), (404, "not_found"), (410, "refused")]
)
async def test_refusals_are_final_and_redirects_are_not_followed(
    app: Receiver, session: aiohttp.ClientSession, status: int, code: str
) -> None:
    answers = Saying(b"no " * 1000, status, Location=f"{app.url}/elsewhere")
    with answers as server, pytest.raises(Refused, match=f"answered {status}") as raised:
        await ask(session, server.url)
    assert raised.value.code == code
    assert len(raised.value.full) < 400
    assert app.received == []


async def test_a_place_where_nobody_listens_may_pass(session: aiohttp.ClientSession) -> None:
    url = f"http://user:password-of-the-app@127.0.0.1:{free_port()}"
    with pytest.raises(Passing) as raised:
        await ask(session, url)
    assert "password" not in raised.value.full


async def test_a_connection_that_breaks_may_pass(app: Receiver, session: aiohttp.ClientSession) -> None:
    app.reset()
    with pytest.raises(Passing, match="could not be reached"):
        await ask(session, app.url)


@pytest.mark.parametrize(
    ("content_type", "body", "value"),
    [
        ("application/json", b'{"amount": 99.90, "n": 1}', {"amount": Decimal("99.90"), "n": 1}),
        ("application/vnd.app+json; charset=utf-8", b"[1]", [1]),
        ("text/plain", b"fine", "fine"),
        ("text/plain", b'{"a": 1}', {"a": 1}),
        ("text/plain", b"123", "123"),
        ("application/json", b'{"a": NaN}', '{"a": NaN}'),
        ("application/json", b"{broken", "{broken"),
        ("application/json", b"", None),
        ("application/octet-stream", b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
async def test_an_awaited_answer_is_what_came(
    session: aiohttp.ClientSession, content_type: str, body: bytes, value: object
) -> None:
    with Saying(body, 201, **{"Content-Type": content_type, "X-Request": "7", "Set-Cookie": "a=b"}) as server:
        answer = await ask(session, server.url)
    assert (answer["status"], answer["body"]) == (201, value)
    assert answer["headers"]["x-request"] == "7"
    assert "set-cookie" not in answer["headers"]


async def test_an_answer_that_is_too_long_is_refused_where_somebody_waits(session: aiohttp.ClientSession) -> None:
    with Saying(b'"' + b"x" * MOST_ANSWERED + b'"') as server:
        with pytest.raises(Refused, match="more than"):
            await ask(session, server.url)
        message = leased("send", post())
        assert await HttpTransport(destination(server.url), session).deliver(message) == {"status": 200}


async def test_an_answer_of_just_that_length_is_taken(session: aiohttp.ClientSession) -> None:
    with Saying(b"x" * MOST_ANSWERED) as server:
        assert len((await ask(session, server.url))["body"]) == MOST_ANSWERED


async def test_a_hostile_path_sends_nothing(app: Receiver, session: aiohttp.ClientSession) -> None:
    for path in ("//127.0.0.1:1/x", "/../x", "/%2e%2e/x", "@127.0.0.1/x", "/x\r\nX: y"):
        with pytest.raises(Refused):
            await ask(session, app.url, path=path)
    assert app.received == []


async def test_percent_encoding_arrives_as_it_was_written(session: aiohttp.ClientSession) -> None:
    with Saying() as server:
        await ask(session, server.url, path="/tenants/a%2Fb%3Fc%20d?x=%26")
    assert server.paths == ["/tenants/a%2Fb%3Fc%20d?x=%26"]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 1 ", 1.0),
        ("9" * 400, 999999999.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 60.0),
        ("Wed, 21 Oct 2015 07:26:00 GMT", 0.0),
        ("", None),
        (None, None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, now=1445412420.0) == seconds

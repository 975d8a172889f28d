"""Who may use the admin API."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from gateway.admin.access import admit, is_bearer
from gateway.admin.refusals import Refused

HERE = {"Host": "127.0.0.1:8080"}


def refusal(token: str | None, peer: str | None, headers: dict[str, str]) -> str | None:
    try:
        admit(token, peer, CIMultiDict(headers))
    except Refused as refused:
        return refused.code
    return None


@pytest.mark.parametrize("header", ["Bearer right", "bearer right", "Bearer  right ", "BEARER right"])
def test_the_token_opens(header: str) -> None:
    assert refusal("right", "203.0.113.9", {"Authorization": header}) is None


@pytest.mark.parametrize(
    "header",
    ["Bearer wrong", "Bearer", "Bearer ", "right", "Basic right", "Bearer right2", "Bearer righ", "Bearer rïght", ""],
)
def test_any_other_is_refused_also_from_this_machine(header: str) -> None:
    assert refusal("right", "127.0.0.1", {**HERE, "Authorization": header}) == "unauthorized"
    assert refusal("right", "127.0.0.1", HERE) == "unauthorized"


def test_a_token_beyond_ascii_is_compared_by_its_bytes() -> None:
    assert is_bearer("Bearer schlüssel", "schlüssel")
    assert not is_bearer("Bearer schlüssel", "schlussel")


def test_a_refusal_says_what_is_asked_for() -> None:
    with pytest.raises(Refused) as caught:
        admit("right", "127.0.0.1", CIMultiDict())
    assert caught.value.status == 401
    assert caught.value.headers == {"WWW-Authenticate": 'Bearer realm="gateway"'}


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "localhost:8080", "[::1]:8080"])
def test_without_a_token_this_machine_is_served(peer: str, host: str) -> None:
    assert refusal(None, peer, {"Host": host}) is None


@pytest.mark.parametrize("peer", ["203.0.113.9", "10.0.0.1", "::2", "::ffff:10.0.0.1", "169.254.0.1", "", None])
def test_without_a_token_nobody_else_is(peer: str | None) -> None:
    assert refusal(None, peer, HERE) == "forbidden"


@pytest.mark.parametrize("claim", ["X-Forwarded-For", "x-real-ip", "Forwarded", "Via"])
def test_a_forwarding_header_never_helps_and_gives_a_proxy_away(claim: str) -> None:
    assert refusal(None, "203.0.113.9", {**HERE, claim: "127.0.0.1"}) == "forbidden"
    assert refusal(None, "127.0.0.1", {**HERE, claim: "127.0.0.1"}) == "forbidden"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example:8080"},
        {"Host": "127.0.0.1.attacker.example"},
        {},
        {"Host": "["},
        {**HERE, "Origin": "https://attacker.example"},
        {**HERE, "Origin": "null"},
    ],
)
def test_without_a_token_a_page_from_elsewhere_cannot_act_through_the_browser(headers: dict[str, str]) -> None:
    assert refusal(None, "127.0.0.1", headers) == "forbidden"


def test_a_page_of_this_machine_can() -> None:
    assert refusal(None, "127.0.0.1", {**HERE, "Origin": "http://localhost:8080"}) is None

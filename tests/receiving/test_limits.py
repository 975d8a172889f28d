from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.receiving.limits import MAX_SENDERS, AddressList, RateLimit, client_address, parse_address


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10.0.0.1", "10.0.0.1"),
        (" 10.0.0.1 ", "10.0.0.1"),
        ("10.0.0.1:8080", "10.0.0.1"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("[::1]:8080", "::1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("unknown", None),
        ("", None),
        ("_hidden", None),
        ("10.0.0.256", None),
    ],
)
def test_reading_an_address(text: str, found: str | None) -> None:
    assert (str(parse_address(text)) if found else parse_address(text)) == found


def test_an_address_list() -> None:
    addresses = AddressList(["10.0.0.0/8", "192.168.1.7", "2001:db8::/32", "172.16.1.1/12"])
    assert all(a in addresses for a in ("10.255.0.1", "192.168.1.7", "::ffff:10.0.0.1", "2001:db8::5", "172.20.0.1"))
    assert not any(a in addresses for a in ("11.0.0.1", "192.168.1.8", "2001:db9::", "", "junk"))
    assert bool(addresses)
    assert not AddressList([])
    with pytest.raises(ValueError, match="not-an-address"):
        AddressList(["not-an-address"])


def test_an_address_list_forgets_what_it_was_asked_before_it_grows_without_end() -> None:
    addresses = AddressList(["10.0.0.0/8"])
    for number in range(MAX_SENDERS + 10):
        assert f"11.{number >> 16}.{number >> 8 & 255}.{number & 255}" not in addresses
    assert "10.0.0.1" in addresses


PROXIES = AddressList(["10.0.0.0/8", "::1"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("8.8.8.8", ["1.2.3.4"], "8.8.8.8"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", ["9.9.9.9, 1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", ["1.2.3.4, 10.0.0.9"], "1.2.3.4"),
        ("10.0.0.1", ["9.9.9.9", "1.2.3.4, 10.0.0.9"], "1.2.3.4"),
        ("10.0.0.1", ["1.2.3.4:5555"], "1.2.3.4:5555"),
        ("10.0.0.1", ["10.0.0.5, 10.0.0.9"], "10.0.0.5"),
        ("10.0.0.1", ["1.2.3.4, junk"], "junk"),
        ("::1", ["1.2.3.4"], "1.2.3.4"),
    ],
)
def test_whose_request_it_is(peer: str, forwarded: list[str], found: str) -> None:
    assert client_address(peer, forwarded, PROXIES) == found


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert client_address("10.0.0.1", ["1.2.3.4"], None) == "10.0.0.1"


def test_a_rate_limit_lets_a_burst_through_and_then_the_rate() -> None:
    limit = RateLimit(10, 1.0)
    assert [limit.wait("a", 100.0) for _ in range(10)] == [0.0] * 10
    assert limit.wait("a", 100.0) == pytest.approx(0.1)
    assert limit.wait("a", 100.05) == pytest.approx(0.05)
    assert limit.wait("a", 100.1) == 0.0
    assert limit.wait("a", 100.1) > 0.0
    assert limit.wait("b", 100.1) == 0.0


def test_addresses_of_one_ipv6_network_share_an_allowance() -> None:
    limit = RateLimit(1, 60.0)
    assert limit.wait("2001:db8::1", 0.0) == 0.0
    assert limit.wait("2001:db8::2", 0.0) > 0.0
    assert limit.wait("2001:db8:0:1::1", 0.0) == 0.0
    assert limit.wait("::ffff:10.0.0.1", 0.0) == 0.0
    assert limit.wait("10.0.0.1", 0.0) > 0.0


def test_senders_beyond_those_told_apart_share_one_allowance() -> None:
    limit = RateLimit(1, 3600.0)
    for number in range(MAX_SENDERS):
        assert limit.wait(f"s{number}", 0.0) == 0.0
    assert limit.wait("one more", 1.0) == 0.0
    assert limit.wait("and another", 1.0) > 0.0
    assert limit.wait("and another", 3601.0) == 0.0


@given(
    count=st.integers(1, 20),
    gaps=st.lists(st.floats(0, 2, allow_nan=False), min_size=1, max_size=200),
)
def test_no_window_holds_more_than_a_burst_and_the_rate(count: int, gaps: list[float]) -> None:
    limit = RateLimit(count, 1.0)
    taken = [now for now in accumulate(gaps) if limit.wait("a", now) == 0.0]
    for first, start in enumerate(taken):
        for last in range(first, len(taken)):
            allowed = count + (taken[last] - start) * count
            assert last - first + 1 <= allowed + 1e-6

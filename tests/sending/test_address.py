"""A step's path leads nowhere but below its destination."""

from __future__ import annotations

import pytest

from gateway.sending.address import request_address
from gateway.sending.transport import Refused

BASE = "http://user:secret@127.0.0.1:9000/base"


@pytest.mark.parametrize(
    ("base", "path", "address"),
    [
        ("http://app", "", "http://app/"),
        ("http://app", "/x", "http://app/x"),
        ("http://app/", "/x", "http://app/x"),
        ("http://app/base/", "/x/", "http://app/base/x/"),
        ("http://app/base", "", "http://app/base"),
        ("http://app/base?key=1", "/x", "http://app/base/x?key=1"),
        ("http://app/base?key=1", "/x?y=2", "http://app/base/x?key=1&y=2"),
        ("http://app", "?y=2", "http://app/?y=2"),
        ("http://app", "/a%2Fb%20c", "http://app/a%2Fb%20c"),
        ("http://app", "/café/ü b", "http://app/caf%C3%A9/%C3%BC%20b"),
        ("http://app", "/x?next=https://elsewhere/..", "http://app/x?next=https://elsewhere/.."),
        ("http://app", "/@elsewhere:99/x", "http://app/@elsewhere:99/x"),
        ("https://[::1]:9000", "/x", "https://[::1]:9000/x"),
    ],
)
def test_a_path_is_put_behind_the_address_as_it_is(base: str, path: str, address: str) -> None:
    assert str(request_address(base, path)) == address


@pytest.mark.parametrize(
    "path",
    [
        "//elsewhere/x",
        "/a//b",
        "/../x",
        "/a/../../x",
        "/a/..",
        "/./x",
        "/%2e%2e/x",
        "/%2E./x",
        "/..%2fx",
        "/a%2f..%2fx",
        "/a/..%5cx",
        "/a\\..\\x",
        "\\\\elsewhere\\x",
        "@elsewhere/x",
        ":99/x",
        ".elsewhere/x",
        "http://elsewhere/x",
        "x",
        "/x\r\nHost: elsewhere",
        "/x\n",
        "/x\0",
        "/x%0d%0aHost: elsewhere",
        "/x%00",
        "/x#fragment",
        "/x\tHTTP/1.1",
        "?y=1\r\nX: y",
    ],
)
def test_a_path_that_could_lead_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(Refused, match="does not stay below"):
        request_address(BASE, path)


def test_the_destination_stays_whatever_the_path_is() -> None:
    address = request_address(BASE, "/@elsewhere/x?@elsewhere")
    assert (address.scheme, address.host, address.port, address.user) == ("http", "127.0.0.1", 9000, "user")

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from gateway.receiving.parsing import (
    MAX_STORED_HEADERS,
    SECRET_HEADERS,
    Unreadable,
    parse,
    parse_strictly,
    stored_headers,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is empty"),
        (b"{", "the body is not JSON: expecting property name enclosed in double quotes at line 1, column 2"),
        (b'{\n  "a": 1,\n  "b" 2\n}', "the body is not JSON: expecting ':' delimiter at line 3, column 7"),
        (b'{"a": \xc3\x28}', "the body is not UTF-8: byte 0xc3 at line 1, byte 7 of it"),
        (b'{"a":\n "\xff"}', "the body is not UTF-8: byte 0xff at line 2, byte 3 of it"),
        (b"[Infinity]", "the body is not JSON: `Infinity` is not a JSON number"),
        (b'{"a": -Infinity}', "the body is not JSON: `-Infinity` is not a JSON number"),
        (b'"\\udc00"', "the body is not JSON: half of a surrogate pair in a string"),
        (b'{"\\ud800": 1}', "the body is not JSON: half of a surrogate pair in a string"),
        (b"[" * 100_000, "the body is nested too deeply"),
        (b'{"a": {"b": 1, "c": 2, "b": 3}}', "the body is not unambiguous JSON: key `b` occurs twice in one object"),
        (b"payload=%7B%7D", "the body is not JSON: expecting value at line 1, column 1"),
        (b"{} {}", "the body is not JSON: extra data at line 1, column 4"),
    ],
)
def test_what_is_wrong_and_where(body: bytes, message: str) -> None:
    with pytest.raises(Unreadable) as raised:
        parse_strictly(body)
    assert raised.value.message == message


def test_a_doubled_key_is_named_safely() -> None:
    with pytest.raises(Unreadable) as raised:
        parse_strictly(b'{"\\ud800": 1, "\\ud800": 2}')
    raised.value.message.encode()
    with pytest.raises(Unreadable) as raised:
        parse_strictly(b'{"%b": 1, "%b": 2}' % (b"k" * 5000, b"k" * 5000))
    assert len(raised.value.message) < 200


def test_numbers_are_exact_in_strict_parsing() -> None:
    parsed: Any = parse_strictly(b'{"value": 99.90, "large": 123456789012345678901234567890, "far": 1e400}')
    assert parsed["value"] == Decimal("99.90")
    assert str(parsed["value"]) == "99.90"
    assert parsed["large"] == 123456789012345678901234567890
    assert parsed["far"] == Decimal("1e400")


def test_a_number_beyond_binary_floats_is_no_reason_to_refuse_a_body() -> None:
    assert parse(b'{"id": "1", "far": 1e400}') == {"id": "1", "far": Decimal("1e400")}


@given(JSON)
def test_every_json_text_is_read_by_both(value: Any) -> None:
    try:
        body = json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        body = json.dumps(value).encode()
    try:
        expected = json.loads(body)
        json.dumps(expected, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        with pytest.raises(Unreadable):
            parse(body)
    else:
        assert parse_strictly(body) == expected


@given(st.binary(max_size=200))
def test_nothing_else_is_ever_raised(body: bytes) -> None:
    for read in (parse, parse_strictly):
        try:
            read(body)
        except Unreadable as found:
            said = found.message
        else:
            said = ""
        assert said.isprintable()


def test_stored_headers() -> None:
    headers = CIMultiDict([("X-A", "1"), ("Authorization", "Bearer x"), ("x-a", "2"), ("X-Own", "secret")])
    stored = json.loads(stored_headers(headers, SECRET_HEADERS | {"x-own"}))
    assert stored == {"x-a": "1, 2", "authorization": "[redacted]", "x-own": "[redacted]"}


def test_stored_headers_have_an_end() -> None:
    headers = CIMultiDict((f"X-{number}", "\N{PILE OF POO}" * 3000) for number in range(100))
    stored = stored_headers(headers, SECRET_HEADERS)
    assert len(stored) <= MAX_STORED_HEADERS
    assert "(3000 characters)" in stored
    assert len(json.loads(stored)) > 1


@given(st.lists(st.tuples(st.text(min_size=1, max_size=20), st.binary(max_size=50))))
def test_any_bytes_in_headers_become_json(pairs: list[tuple[str, bytes]]) -> None:
    headers = CIMultiDict((name, value.decode("utf-8", "surrogateescape")) for name, value in pairs)
    stored = json.loads(stored_headers(headers, SECRET_HEADERS))
    stored_headers(headers, SECRET_HEADERS).encode()
    assert len(stored) <= len(pairs)

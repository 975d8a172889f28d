"""Reading payloads: what every body comes to, and that the fast way gives exactly what the slow one does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.engine.payload import DEEPEST, PayloadRefused, read_payload, read_slowly

_SPACE = st.sampled_from(["", "", " ", "\n", "\t ", "  "])
_NUMBERS = st.one_of(
    st.integers().map(str),
    st.integers(min_value=2**62, max_value=2**70).map(str),
    st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?", fullmatch=True),
)
_TEXTS = st.one_of(
    st.text().map(json.dumps),
    st.text().map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.sampled_from(['":"', '"a\\"b"', '"\\ud83d\\ude00"', '"\\ud800"', '"\\u0022"', '"\\\\"', '"{[\\"]}"']),
)
_KEYS = st.one_of(st.sampled_from(['"id"', '"value"', '"a"', '"\\u0061"']), _TEXTS)


def _list(items: list[str], space: str) -> str:
    return f"[{space}{f'{space},{space}'.join(items)}{space}]"


def _object(pairs: list[tuple[str, str]], space: str) -> str:
    return f"{{{space}{f',{space}'.join(f'{key}{space}:{space}{value}' for key, value in pairs)}{space}}}"


_JSON_TEXTS = st.recursive(
    st.one_of(st.sampled_from(["null", "true", "false", "NaN", "-Infinity"]), _NUMBERS, _TEXTS),
    lambda inner: st.one_of(
        st.builds(_list, st.lists(inner, max_size=5), _SPACE),
        st.builds(_object, st.lists(st.tuples(_KEYS, inner), max_size=5), _SPACE),
    ),
    max_leaves=20,
)


def _flat(value: object) -> Iterator[object]:
    """Yield what a value is made of, kinds and order of keys included: `1 == Decimal(1)` is not enough here."""
    yield value.__class__
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _flat(item)
    elif isinstance(value, list):
        yield len(value)
        for item in value:
            yield from _flat(item)
    else:
        yield str(value)


def _read(read: Any, body: bytes) -> object:
    try:
        return list(_flat(read(body)))
    except PayloadRefused as refused:
        return str(refused)


@given(_JSON_TEXTS)
@example('{"a":1,"a":2}')
@example('{"a" :1,"b":{"c":[{"a":"x"},{"a":"y","a":"z"}]}}')
@example('{"a":"\\"","a":1}')
@example('["1",1.50,1e5,-0.0,-0,18446744073709551616,1e9999999999999999999]')
def test_every_text_reads_the_same_both_ways(text: str) -> None:
    body = text.encode("utf-8", "surrogatepass")
    assert _read(read_payload, body) == _read(read_slowly, body)


@given(_JSON_TEXTS, st.data())
def test_damaged_texts_read_the_same_both_ways(text: str, data: st.DataObject) -> None:
    body = bytearray(text.encode("utf-8", "surrogatepass"))
    at = data.draw(st.integers(0, len(body)))
    body[at : at + data.draw(st.integers(0, 3))] = data.draw(
        st.binary(max_size=3) | st.sampled_from([b'"', b",", b"}"])
    )
    assert _read(read_payload, bytes(body)) == _read(read_slowly, bytes(body))


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("levels", [DEEPEST - 1, DEEPEST, DEEPEST + 1, 5_000])
def test_nesting_ends_at_the_same_level_both_ways(opening: str, closing: str, levels: int) -> None:
    body = (opening * levels + "1" + closing * levels).encode()
    assert _read(read_payload, body) == _read(read_slowly, body)
    assert isinstance(_read(read_payload, body), str) is (levels > DEEPEST)


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ('{"value": 149.90}', {"value": Decimal("149.90")}),
        ("0.10", Decimal("0.10")),
        ("1e400", Decimal("1e400")),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ('"\\u00e9\\n"', "é\n"),
        ("[]", []),
        ("null", None),
    ],
)
def test_values_are_exact(text: str, payload: object) -> None:
    assert list(_flat(read_payload(text.encode()))) == list(_flat(payload))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"id": 1, "id": 2}', "an object of the body has the key `id` twice"),
        (b'{"id": "\\"", "\\u0069d": 2}', "an object of the body has the key `id` twice"),
        (b"[NaN]", "the body holds `NaN`, which is not a JSON number"),
        (b'"\\ud800"', "the body holds half of a surrogate pair, which is no character"),
        (b'"\xff"', "the body is not UTF-8: byte 1 is 0xff"),
        (b'"\xed\xa0\x80"', "the body is not UTF-8: byte 1 is 0xed"),
        (b"nothing", "the body is not JSON: expecting value at line 1 column 1"),
        (b"1e99999999999999999999", "the body holds a number with an exponent that is too large"),
    ],
)
def test_what_cannot_be_read_in_one_way_is_refused_by_name(body: bytes, message: str) -> None:
    with pytest.raises(PayloadRefused) as refused:
        read_payload(body)
    assert str(refused.value) == message

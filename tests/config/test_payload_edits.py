"""Changing a sample payload by path."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gateway.config.payload_edits import edit, parse_path

PAYLOAD: dict[str, Any] = {"data": {"items": [{"id": 1}], "odd key": {"a-b": 2}}, "none": None}


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("a", ("a",)),
        ("data.items[0].id", ("data", "items", 0, "id")),
        ('data."odd key".a-b', ("data", "odd key", "a-b")),
        ("[1][2]", (1, 2)),
    ],
)
def test_a_path_is_keys_and_indexes(path: str, steps: tuple[str | int, ...]) -> None:
    assert parse_path(path) == steps


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", "a[", "a[b]", "a[-1]", "a b", "a]", "1a", 'a."'])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is not a path such as"):
        parse_path(path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("none", {**PAYLOAD, "none": 9}),
        ("new", {**PAYLOAD, "new": 9}),
        ("data.items[0].id", {**PAYLOAD, "data": {**PAYLOAD["data"], "items": [{"id": 9}]}}),
        ("data.items[0]", {**PAYLOAD, "data": {**PAYLOAD["data"], "items": [9]}}),
        ("data.items[1]", {**PAYLOAD, "data": {**PAYLOAD["data"], "items": [{"id": 1}, 9]}}),
        ("data", {**PAYLOAD, "data": 9}),
    ],
)
def test_a_value_is_put_at_a_path(path: str, expected: object) -> None:
    payload = copy.deepcopy(PAYLOAD)
    edit(payload, path, 9)
    assert payload == expected


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("dat.items", "no `dat` on the way of `dat.items`, did you mean `data`"),
        ("data.items[2]", "has 1 entries"),
        ("data.items[5].id", "has 1 entries"),
        ("data.items.id", "no mapping that could have `id`"),
        ("data[0]", r"no list that could have an entry \[0\]"),
        ("none.a", "no mapping that could have `a`"),
    ],
)
def test_a_way_that_is_not_there_is_refused(path: str, said: str) -> None:
    payload = copy.deepcopy(PAYLOAD)
    with pytest.raises(ValueError, match=said):
        edit(payload, path, 9)
    assert payload == PAYLOAD

"""What queries may say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.admin.event_json import iso_time
from gateway.admin.parameters import EVENT_CURSOR, EVENT_FILTERS, LIMIT, event_filter, read_query, read_time
from gateway.admin.refusals import Refused
from gateway.store.event_filter import EventFilter

NOW = 1_768_478_400_000_000
PARAMETERS = (*EVENT_FILTERS, LIMIT, EVENT_CURSOR)


def test_a_query_becomes_a_filter() -> None:
    given = [
        ("source", "asaas"),
        ("type", "invoice.*"),
        ("status", "dead"),
        ("q", "evt_1"),
        ("limit", "7"),
        ("key", ""),
    ]
    values = read_query(PARAMETERS, given, NOW)
    assert values == {"source": "asaas", "type": "invoice.*", "status": "dead", "q": "evt_1", "limit": 7}
    assert event_filter(values) == EventFilter(source="asaas", type="invoice.*", status="dead", q="evt_1")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90m", "2026-01-15T10:30:00Z"),
        ("7d", "2026-01-08T12:00:00Z"),
        ("1d12h", "2026-01-14T00:00:00Z"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05.123456+01:00", "2026-01-02T02:04:05.123456Z"),
        ("2026-01-02", "2026-01-02T00:00:00Z"),
    ],
)
def test_a_time_is_a_moment_or_how_long_ago(text: str, moment: str) -> None:
    assert iso_time(read_time(text, NOW)) == moment


def test_now_is_noon() -> None:
    assert timedelta(microseconds=NOW) == datetime(2026, 1, 15, 12, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([("sourc", "x")], "there is no parameter `sourc`, did you mean `source`?"),
        ([("zzz", "x")], "there is no parameter `zzz`: there are `source`, `type`"),
        ([("source", "a"), ("source", "b")], "parameter `source` is given twice"),
        ([("status", "deed")], "parameter `status`: `deed` is no status: did you mean `dead`?"),
        ([("status", "over")], "`over` is no status: ready, waiting, parked, done, ignored, dead"),
        ([("limit", "0")], "parameter `limit`: `0` is not a number from 1 to 500"),
        ([("limit", "501")], "is not a number"),
        ([("limit", "-1")], "is not a number"),
        ([("limit", "٣")], "is not a number"),
        ([("limit", "1" * 5000)], "is not a number"),
        ([("cursor", "x")], "parameter `cursor`: `x` is not a cursor"),
        ([("since", "yesterday")], "parameter `since`: `yesterday` is neither a time"),
        ([("since", "999999999w")], "neither a time"),
        ([("q", "x" * 201)], "parameter `q`: it has 201 characters, more than 200"),
    ],
)
def test_what_a_query_cannot_say_is_named(given: Any, message: str) -> None:
    with pytest.raises(Refused) as caught:
        read_query(PARAMETERS, given, NOW)
    assert caught.value.code == "invalid_parameter"
    assert message in caught.value.message

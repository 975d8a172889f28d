from __future__ import annotations

import json
import time

import pytest
from receiving.serving import open_source, stripe_body, stripe_headers, stripe_source

from gateway.providers import PRESETS, build_envelope
from gateway.receiving.answers import Refusal
from gateway.receiving.deliveries import MAX_NAME, Source, read_delivery
from gateway.store.inbox import Delivery

DAY = 86_400


def read(source: Source, body: bytes, headers: dict[str, str] | None = None, *, now: float = 1.7e9) -> Delivery:
    return read_delivery(source, body, headers or {}, request_id="r", now=now)


def test_the_second_of_an_event_is_its_own_time_where_that_never_changes() -> None:
    body = stripe_body()
    source = stripe_source()
    delivery = read_delivery(source, body, stripe_headers(body), request_id="r", now=time.time())
    assert (delivery.event_id, delivery.event_second) == ("evt_1", 1_700_000_000)


def test_a_source_whose_events_have_no_time() -> None:
    delivery = read(open_source(), b'{"id": "a1", "kind": "order", "account": 7}')
    assert delivery[:5] == ("open", "a1", 0, "order", "7")
    assert delivery.occurred_at is None
    assert delivery.verified_by is None
    assert delivery.received_at == 1_700_000_000_000_000


def test_a_time_before_the_epoch_is_not_taken_for_a_window() -> None:
    envelope = build_envelope({"occurred_at": "at"}, PRESETS["stripe"])
    source = stripe_source(verifier=None, envelope=envelope)
    delivery = read(source, b'{"id": "a", "type": "t", "at": "1969-07-20T20:17:40Z"}')
    assert delivery.event_second == 0
    assert delivery.occurred_at is not None
    assert delivery.occurred_at < 0


def test_without_an_id_the_body_within_a_window_is_the_identity() -> None:
    source = open_source(dedupe_window=DAY)
    body = b'{"kind": "ping"}'
    first = read(source, body, now=DAY * 100 + 5)
    assert first.event_id.startswith("sha256:")
    assert len(first.event_id) == 7 + 64
    assert first.event_second == -100
    same = read(source, body, now=DAY * 101 - 1)
    assert (same.event_id, same.event_second) == (first.event_id, first.event_second)
    assert read(source, body, now=DAY * 101 + 1).event_second == -101
    assert read(source, b'{"kind": "pong"}', now=DAY * 100 + 5).event_id != first.event_id
    assert read(source, body, now=1.0).event_second < 0


@pytest.mark.parametrize(
    "payload", ["[1, 2]", '"text"', "12", "null", "true", '{"id": null, "kind": 5.5}', '{"id": ""}']
)
def test_a_payload_without_an_envelope_is_of_unknown_type(payload: str) -> None:
    delivery = read(open_source(), payload.encode())
    assert (delivery.type, delivery.key, delivery.status) == ("unknown", None, "ready")
    assert delivery.event_second < 0


@pytest.mark.parametrize("part", ["id", "kind", "account"])
def test_a_name_beyond_all_measure(part: str) -> None:
    fits = read(open_source(), json.dumps({"id": "a", "kind": "b", part: "x" * MAX_NAME}).encode())
    assert fits.status == "ready"
    body = json.dumps({"id": "a", "kind": "b", part: "x" * (MAX_NAME + 1)}).encode()
    with pytest.raises(Refusal, match=f"{MAX_NAME + 1} characters"):
        read(open_source(), body)
    source = open_source(verifier=stripe_source().verifier)
    delivery = read_delivery(source, body, stripe_headers(body), request_id="r", now=time.time())
    assert delivery.status == "dead"
    assert delivery.event_id.startswith("sha256:")


def test_a_doubled_key_in_a_verified_body_is_left_to_the_exact_parser() -> None:
    body = b'{"id": "evt_1", "id": "evt_2", "type": "t"}'
    delivery = read_delivery(stripe_source(), body, stripe_headers(body), request_id="r", now=time.time())
    assert (delivery.event_id, delivery.status) == ("evt_2", "ready")


def test_integers_beyond_64_bits_are_not_rounded_into_one_identity() -> None:
    events = [read(open_source(), b'{"id": 1234567890123456789012345678%d}' % digit) for digit in (1, 2)]
    assert events[0].event_id != events[1].event_id


def test_unmatched_types_are_refused_only_where_the_source_says_so() -> None:
    body = b'{"id": "a", "kind": "order"}'
    asked: list[str] = []

    def handles(name: str) -> bool:
        asked.append(name)
        return False

    assert read(open_source(), body).type == "order"
    with pytest.raises(Refusal) as raised:
        read(open_source(handles=handles), body)
    assert (raised.value.code, raised.value.status) == ("unmatched_event_type", 422)
    assert asked == ["order"]


def test_headers_of_the_scheme_are_secret() -> None:
    assert "stripe-signature" not in stripe_source().secret_headers
    assert "authorization" in open_source().secret_headers


@pytest.mark.parametrize("event_type", ["run.grant_days", "schedule.suspend", "run."])
def test_a_type_of_the_gateways_own_is_a_dead_letter(event_type: str) -> None:
    body = json.dumps({"id": "a1", "kind": event_type, "account": 7}).encode()
    for source in (open_source(), open_source(handles=lambda _: True), open_source(handles=lambda _: False)):
        delivery = read(source, body)
        assert (delivery.status, delivery.type, delivery.event_id) == ("dead", event_type, "a1")
        assert delivery.error is not None
        assert f"`{event_type}` is reserved" in delivery.error


def test_a_type_that_only_resembles_one_is_taken() -> None:
    for event_type in ("run", "running.late", "scheduled.maintenance"):
        assert read(open_source(), json.dumps({"id": "a1", "kind": event_type}).encode()).status == "ready"

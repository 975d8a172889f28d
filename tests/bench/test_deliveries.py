"""What the load generator sends is what the providers send."""

from __future__ import annotations

import json
import time

import pytest
import stripe

from bench.deliveries import STRIPE_SECRET, Request, asaas_events, stripe_events, stripe_requests
from gateway.providers import build_envelope, preset_named


def _body_and_header(request: Request) -> tuple[bytes, str]:
    head, _, body = request.wire.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert int(headers["Content-Length"]) == len(body)
    return body, headers["Stripe-Signature"]


def test_stripes_own_sdk_accepts_a_request() -> None:
    for request in stripe_requests(3, path="/stripe", seed=1, now=int(time.time())):
        body, header = _body_and_header(request)
        event = stripe.Webhook.construct_event(body, header, STRIPE_SECRET)
        assert event.id == request.event_id


def test_stripes_own_sdk_refuses_it_when_the_body_is_another() -> None:
    one, two = stripe_requests(2, path="/stripe", seed=1, now=int(time.time()))
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(_body_and_header(two)[0], _body_and_header(one)[1], STRIPE_SECRET)


def test_every_event_has_an_id_and_a_customer_of_its_own() -> None:
    events = list(stripe_events(1_000, seed=1, newest=1_763_600_000))
    assert len({event.id for event in events}) == len({event.key for event in events}) == 1_000
    assert {event.id for event in events}.isdisjoint(e.id for e in stripe_events(1_000, seed=2, newest=1_763_600_000))


def test_a_stripe_event_is_about_one_and_a_half_kilobytes() -> None:
    event = next(stripe_events(1, seed=1, newest=1_763_600_000))
    assert 1_400 < len(event.body) < 1_700


@pytest.mark.parametrize(
    ("provider", "event"),
    [
        ("stripe", next(stripe_events(1, seed=1, newest=1_763_600_000))),
        ("asaas", next(asaas_events(1, seed=1, newest=1_763_600_000))),
    ],
)
def test_an_event_is_stored_as_the_gateway_would_read_it(provider: str, event) -> None:
    read = build_envelope({}, preset_named(provider)).read(json.loads(event.body), {})
    assert (read.id, read.type, read.key) == (event.id, event.type, event.key)
    assert read.occurred_at.timestamp() == event.second

"""HTTP requests as providers send them, built and signed before the clock starts."""

from __future__ import annotations

import hmac
import json
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

STRIPE_SECRET = "whsec_bench_5f2c0a9d8e7b6c4d"
ASAAS_TOKEN = "bench-asaas-token-3b1f"
TENANTS = 10_000
"""How many tenant rows the events refer to."""

_LETTERS = string.ascii_letters + string.digits
_SAO_PAULO = timezone(timedelta(hours=-3))

# What each event has of its own.
_ID, _CUSTOMER, _OBJECT, _TENANT, _CREATED = "@id@", "@customer@", "@object@", "@tenant@", "@created@"

# A subscription event with the parts that rules read and the ballast that Stripe sends: about 1.5 KB.
_STRIPE_EVENT = {
    "id": _ID,
    "object": "event",
    "api_version": "2025-03-31.basil",
    "created": _CREATED,
    "data": {
        "object": {
            "id": _OBJECT,
            "object": "subscription",
            "application": None,
            "application_fee_percent": None,
            "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
            "billing_cycle_anchor": _CREATED,
            "cancel_at": None,
            "cancel_at_period_end": False,
            "canceled_at": None,
            "collection_method": "charge_automatically",
            "created": _CREATED,
            "currency": "usd",
            "customer": _CUSTOMER,
            "default_payment_method": "pm_1OPdpWBpI3kq2xkD0hCwYx9e",
            "description": None,
            "discounts": [],
            "ended_at": None,
            "items": {
                "object": "list",
                "data": [
                    {
                        "id": "si_PDv0aQkBq7xT2n",
                        "object": "subscription_item",
                        "created": _CREATED,
                        "price": {
                            "id": "price_1OPdpVBpI3kq2xkDnUlXw8QG",
                            "object": "price",
                            "active": True,
                            "currency": "usd",
                            "recurring": {"interval": "month", "interval_count": 1},
                            "unit_amount": 2000,
                            "unit_amount_decimal": "2000",
                        },
                        "quantity": 1,
                    }
                ],
                "has_more": False,
                "total_count": 1,
            },
            "latest_invoice": "in_1OPdpWBpI3kq2xkDq9Z1R6vU",
            "livemode": False,
            "metadata": {"tenant_id": _TENANT, "plan": "pro"},
            "start_date": _CREATED,
            "status": "active",
            "trial_end": None,
            "trial_start": None,
        },
        "previous_attributes": {"status": "incomplete"},
    },
    "livemode": False,
    "pending_webhooks": 1,
    "request": {"id": "req_4H0cS1yY0bqN3e", "idempotency_key": "4a7f1f5e-6d8a-4a8d-8e54-0a2e6c1f9b7d"},
    "type": "customer.subscription.updated",
}

# A payment as ASAAS sends it, shortened to what a Pix payment carries: about 1 KB.
_ASAAS_EVENT = {
    "id": _ID,
    "event": "PAYMENT_RECEIVED",
    "dateCreated": _CREATED,
    "payment": {
        "object": "payment",
        "id": _OBJECT,
        "dateCreated": "2025-11-29",
        "customer": _CUSTOMER,
        "subscription": None,
        "checkoutSession": None,
        "paymentLink": None,
        "value": 149.9,
        "netValue": 148.91,
        "originalValue": None,
        "interestValue": None,
        "description": "Plano Pro",
        "billingType": "PIX",
        "confirmedDate": "2025-11-29",
        "pixTransaction": "0f6f4c1b-9b1c-4c1e-8d6a-2f7f0a1d9c3e",
        "status": "RECEIVED",
        "dueDate": "2025-12-09",
        "originalDueDate": "2025-12-09",
        "paymentDate": "2025-11-29",
        "clientPaymentDate": "2025-11-29",
        "installmentNumber": None,
        "invoiceUrl": "https://sandbox.asaas.com/i/cgc7l1ccsobs2va5",
        "invoiceNumber": "12125022",
        "externalReference": _TENANT,
        "deleted": False,
        "anticipated": False,
        "anticipable": False,
        "creditDate": "2025-11-29",
        "transactionReceiptUrl": "https://sandbox.asaas.com/comprovantes/3476380772610775",
        "discount": {"value": 0.0, "limitDate": None, "dueDateLimitDays": 0, "type": "FIXED"},
        "fine": {"value": 0.0, "type": "FIXED"},
        "interest": {"value": 0.0, "type": "PERCENTAGE"},
        "postalService": False,
        "escrow": None,
        "refunds": None,
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One provider event: what a delivery carries, and what the gateway reads from it when it is received."""

    id: str
    type: str
    second: int
    """The provider's own time of the event, seconds since the epoch."""
    key: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request, ready to be written to a socket."""

    event_id: str
    wire: bytes


def tenant_name(number: int) -> str:
    """Return the id of a tenant row."""
    return f"tenant-{number}"


def tenant_customer(number: int) -> str:
    """Return the ASAAS customer id of a tenant row."""
    return f"cus_{number:012d}"


def stripe_events(count: int, *, seed: int, newest: int, a_second: int = 1_000) -> Iterator[Event]:
    """Yield Stripe events with ids and customers of their own, `a_second` of each second, the last of `newest`."""
    template = json.dumps(_STRIPE_EVENT).replace(f'"{_CREATED}"', _CREATED)
    ids = _Ids(seed)
    first = newest - (count - 1) // a_second
    for number in range(count):
        event_id, customer = f"evt_1{ids.letters(23)}", f"cus_{ids.letters(14)}"
        second = first + number // a_second
        body = (
            template.replace(_ID, event_id)
            .replace(_CUSTOMER, customer)
            .replace(_OBJECT, f"sub_1{ids.letters(23)}")
            .replace(_TENANT, tenant_name(number % TENANTS))
            .replace(_CREATED, str(second))
        )
        yield Event(id=event_id, type="customer.subscription.updated", second=second, key=customer, body=body.encode())


def asaas_events(count: int, *, seed: int, newest: int, a_second: int = 20) -> Iterator[Event]:
    """Yield ASAAS payments of new ids, spread over the tenants, `a_second` of each second, the last of `newest`."""
    template = json.dumps(_ASAAS_EVENT)
    ids = _Ids(seed)
    first = newest - (count - 1) // a_second
    for number in range(count):
        event_id, customer = f"evt_{ids.hexadecimal(32)}&{number}", tenant_customer(number % TENANTS)
        second = first + number // a_second
        body = (
            template.replace(_ID, event_id)
            .replace(_CUSTOMER, customer)
            .replace(_OBJECT, f"pay_{ids.hexadecimal(16)}")
            .replace(_TENANT, tenant_name(number % TENANTS))
            .replace(_CREATED, datetime.fromtimestamp(second, _SAO_PAULO).strftime("%Y-%m-%d %H:%M:%S"))
        )
        yield Event(id=event_id, type="PAYMENT_RECEIVED", second=second, key=customer, body=body.encode())


class _Ids:
    """Makes up ids like the providers' own; the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - ids of made-up events, not secrets

    def letters(self, count: int) -> str:
        """Return letters of both cases and digits, as in Stripe's ids."""
        return "".join(self._random.choices(_LETTERS, k=count))

    def hexadecimal(self, count: int) -> str:
        """Return hexadecimal digits."""
        return f"{self._random.getrandbits(4 * count):0{count}x}"


def stripe_signature(body: bytes, timestamp: int, secret: str = STRIPE_SECRET) -> str:
    """Return the `Stripe-Signature` header of a body (docs.stripe.com/webhooks/signature)."""
    signed = b"%d.%b" % (timestamp, body)
    return f"t={timestamp},v1={hmac.digest(secret.encode(), signed, 'sha256').hex()}"


def stripe_requests(count: int, *, path: str, seed: int, now: int) -> list[Request]:
    """Return signed Stripe deliveries of fresh events; they are valid for the five minutes after `now`."""
    return [
        Request(event_id=event.id, wire=_post(path, event.body, "Stripe-Signature", stripe_signature(event.body, now)))
        for event in stripe_events(count, seed=seed, newest=now)
    ]


def _post(path: str, body: bytes, header: str, value: str) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\nAccept: */*; q=0.5, application/xml\r\n"
        f"Content-Type: application/json; charset=utf-8\r\nContent-Length: {len(body)}\r\n{header}: {value}\r\n\r\n"
    )
    return head.encode() + body

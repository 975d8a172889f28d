"""The hand-written handler on PostgreSQL: the same work as `handwritten.py`, through asyncpg and a pool.

Run as `python -m bench.peers.handwritten_postgresql PORT URL`.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import stripe
import uvloop
from aiohttp import web
from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as insert_or_nothing
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bench.deliveries import STRIPE_SECRET, TENANTS, tenant_name
from bench.peers.handwritten import (
    ACCOUNTS,
    ENGINE,
    EVENTS,
    FIND_ACCOUNT,
    FINISH_EVENT,
    METADATA,
    SUBSCRIPTIONS,
    UPDATE_ACCOUNT,
    amount_of,
)

POOL = 16
"""Connections: more made it slower here, fewer as well."""

INSERT_EVENT = insert_or_nothing(EVENTS).on_conflict_do_nothing().returning(EVENTS.c.id)
LOCK_ACCOUNT = FIND_ACCOUNT.with_for_update()
_NEW = insert_or_nothing(SUBSCRIPTIONS)
UPSERT_SUBSCRIPTION = _NEW.on_conflict_do_update(
    index_elements=["id"],
    set_={name: _NEW.excluded[name] for name in ("account_id", "customer_id", "status", "amount")},
)


async def receive(request: web.Request) -> web.Response:
    body = await request.read()
    try:
        stripe.WebhookSignature.verify_header(
            body.decode(), request.headers["Stripe-Signature"], STRIPE_SECRET, tolerance=300
        )
    except (KeyError, stripe.SignatureVerificationError):
        return web.json_response({"error": "bad signature"}, status=400)
    payload = json.loads(body)
    async with request.app[ENGINE].begin() as connection:
        new = await handle(connection, payload, body)
    return web.json_response({"status": "accepted" if new else "duplicate", "id": payload["id"]})


async def handle(connection: AsyncConnection, payload: dict[str, Any], body: bytes) -> bool:
    """Store an event and do what it means, unless it was there; say whether it is new."""
    event = {
        "event_id": payload["id"],
        "type": payload["type"],
        "created": payload["created"],
        "received_at": time.time_ns() // 1000,
        "status": "received",
        "body": body,
    }
    number = (await connection.execute(INSERT_EVENT, event)).scalar()
    if number is None:
        return False
    result = await apply(connection, payload["data"]["object"])
    await connection.execute(FINISH_EVENT, {"number": number, "outcome": result})
    return True


async def apply(connection: AsyncConnection, subscription: dict[str, Any]) -> str:
    """Do what the event means; return the result."""
    metadata = subscription["metadata"]
    account = (await connection.execute(LOCK_ACCOUNT, {"account": metadata["tenant_id"]})).first()
    if account is None:
        return "account_not_found"
    row = {
        "id": subscription["id"],
        "account_id": account.id,
        "customer_id": subscription["customer"],
        "status": subscription["status"],
        "amount": amount_of(subscription),
    }
    await connection.execute(UPSERT_SUBSCRIPTION, row)
    change = {"account": account.id, "new_status": subscription["status"], "new_plan": metadata["plan"]}
    await connection.execute(UPDATE_ACCOUNT, change)
    return "subscription_stored"


def open_engine(url: str) -> AsyncEngine:
    """Return an engine with a pool of connections."""
    address = url.replace("postgresql://", "postgresql+asyncpg://", 1)
    return create_async_engine(address, pool_size=POOL, max_overflow=0, pool_timeout=60)


async def prepare(engine: AsyncEngine) -> None:
    """Make the tables, and the rows that the events refer to."""
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
        accounts = [{"id": tenant_name(number), "status": "new", "plan": "free"} for number in range(TENANTS)]
        await connection.execute(insert(ACCOUNTS), accounts)


async def start(app: web.Application) -> None:
    await prepare(app[ENGINE])


async def stop(app: web.Application) -> None:
    await app[ENGINE].dispose()


def main() -> None:
    app = web.Application()
    app[ENGINE] = open_engine(sys.argv[2])
    app.router.add_post("/stripe", receive)
    app.on_startup.append(start)
    app.on_cleanup.append(stop)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)


if __name__ == "__main__":
    main()

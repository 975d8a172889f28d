"""A hand-written handler: aiohttp and SQLAlchemy, one transaction an event, as a careful developer writes it.

It does the work of `bench/configuration/subscriptions.yaml`: verify, insert unless it was there, find the account,
write the subscription, change the account, mark the event done; then it answers.
Run as `python -m bench.peers.handwritten PORT DATABASE`.
"""

from __future__ import annotations

import json
import sys
import time
from decimal import Decimal
from typing import Any

import stripe
import uvloop
from aiohttp import web
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as insert_or_nothing
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bench.deliveries import STRIPE_SECRET, TENANTS, tenant_name

METADATA = MetaData()
EVENTS = Table(
    "events",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("result", Text),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("created", "event_id"),
)
ACCOUNTS = Table(
    "accounts", METADATA, Column("id", Text, primary_key=True), Column("status", Text), Column("plan", Text)
)
SUBSCRIPTIONS = Table(
    "subscriptions",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("account_id", Text),
    Column("customer_id", Text),
    Column("status", Text),
    Column("amount", Text),
)
ENGINE = web.AppKey("engine", AsyncEngine)


# Statements are composed once; SQLAlchemy then only binds values.
INSERT_EVENT = insert_or_nothing(EVENTS).on_conflict_do_nothing()
FIND_ACCOUNT = select(ACCOUNTS).where(ACCOUNTS.c.id == bindparam("account"))
_NEW = insert_or_nothing(SUBSCRIPTIONS)
UPSERT_SUBSCRIPTION = _NEW.on_conflict_do_update(
    index_elements=["id"],
    set_={name: _NEW.excluded[name] for name in ("account_id", "customer_id", "status", "amount")},
)
UPDATE_ACCOUNT = (
    update(ACCOUNTS)
    .where(ACCOUNTS.c.id == bindparam("account"))
    .values(status=bindparam("new_status"), plan=bindparam("new_plan"))
)
FINISH_EVENT = (
    update(EVENTS).where(EVENTS.c.id == bindparam("number")).values(status="done", result=bindparam("outcome"))
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
        number = await store(connection, payload, body)
        if number is not None:
            result = await apply(connection, payload["data"]["object"])
            await connection.execute(FINISH_EVENT, {"number": number, "outcome": result})
    return web.json_response({"status": "duplicate" if number is None else "accepted", "id": payload["id"]})


async def store(connection: AsyncConnection, payload: dict[str, Any], body: bytes) -> int | None:
    """Insert the event; None when it was there."""
    inserted = await connection.execute(
        INSERT_EVENT,
        {
            "event_id": payload["id"],
            "type": payload["type"],
            "created": payload["created"],
            "received_at": time.time_ns() // 1000,
            "status": "received",
            "body": body,
        },
    )
    if not inserted.rowcount:
        return None
    return int(inserted.lastrowid)


async def apply(connection: AsyncConnection, subscription: dict[str, Any]) -> str:
    """Do what the event means; return the result."""
    metadata = subscription["metadata"]
    account = (await connection.execute(FIND_ACCOUNT, {"account": metadata["tenant_id"]})).first()
    if account is None:
        return "account_not_found"
    await connection.execute(
        UPSERT_SUBSCRIPTION,
        {
            "id": subscription["id"],
            "account_id": account.id,
            "customer_id": subscription["customer"],
            "status": subscription["status"],
            "amount": amount_of(subscription),
        },
    )
    await connection.execute(
        UPDATE_ACCOUNT,
        {"account": account.id, "new_status": subscription["status"], "new_plan": metadata["plan"]},
    )
    return "subscription_stored"


def amount_of(subscription: dict[str, Any]) -> str:
    """Return what a subscription costs, in whole units of its currency."""
    return str(Decimal(subscription["items"]["data"][0]["price"]["unit_amount"]) / 100)


def open_engine(path: str) -> AsyncEngine:
    """Return an engine of one connection: SQLite has one writer, and waiting for it in the pool costs least."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}", pool_size=1, max_overflow=0, pool_timeout=60)

    @event.listens_for(engine.sync_engine, "connect")
    def set_pragmas(connection: Any, _: object) -> None:
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


async def start(app: web.Application) -> None:
    async with app[ENGINE].begin() as connection:
        await connection.run_sync(METADATA.create_all)
        accounts = [{"id": tenant_name(number), "status": "new", "plan": "free"} for number in range(TENANTS)]
        await connection.execute(insert(ACCOUNTS), accounts)


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

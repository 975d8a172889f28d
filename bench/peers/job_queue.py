"""procrastinate, a job queue on PostgreSQL: a handler that stores a job per webhook, and a worker that does the work.

The job does what `handwritten_postgresql.py` does in its one transaction.
Run as `python -m bench.peers.job_queue receive PORT URL`, and after it `python -m bench.peers.job_queue work URL`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import stripe
import uvloop
from aiohttp import web
from procrastinate import App, PsycopgConnector
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.deliveries import STRIPE_SECRET
from bench.peers.handwritten_postgresql import handle, open_engine, prepare

CONCURRENCY = 16
"""Jobs at once, and connections."""

QUEUE = web.AppKey("queue", App)


async def receive(request: web.Request) -> web.Response:
    body = await request.read()
    try:
        stripe.WebhookSignature.verify_header(
            body.decode(), request.headers["Stripe-Signature"], STRIPE_SECRET, tolerance=300
        )
    except (KeyError, stripe.SignatureVerificationError):
        return web.json_response({"error": "bad signature"}, status=400)
    await request.app[QUEUE].configure_task("webhook").defer_async(body=body.decode())
    return web.json_response({"status": "accepted"})


def open_queue(url: str) -> App:
    """Return the queue; it is opened by `open_async`."""
    return App(connector=PsycopgConnector(conninfo=url, min_size=1, max_size=CONCURRENCY))


def run_receiver(port: int, url: str) -> None:
    """Listen, and store a job for each webhook."""
    app = web.Application()
    app[QUEUE] = open_queue(url)

    async def open_and_close(app: web.Application) -> Any:
        engine = open_engine(url)
        await prepare(engine)
        await engine.dispose()
        async with app[QUEUE].open_async():
            await app[QUEUE].schema_manager.apply_schema_async()
            yield

    app.router.add_post("/stripe", receive)
    app.cleanup_ctx.append(open_and_close)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None)


async def work(url: str) -> None:
    """Do jobs until a signal says to stop."""
    queue, engine = open_queue(url), open_engine(url)
    queue.task(name="webhook")(_job(engine))
    async with queue.open_async():
        await queue.run_worker_async(concurrency=CONCURRENCY, delete_jobs="never")
    await engine.dispose()


def _job(engine: AsyncEngine) -> Any:
    async def job(body: str) -> None:
        async with engine.begin() as connection:
            await handle(connection, json.loads(body), body.encode())

    return job


def main() -> None:
    if sys.argv[1] == "receive":
        run_receiver(int(sys.argv[2]), sys.argv[3])
    else:
        uvloop.install()
        asyncio.run(work(sys.argv[2]))


if __name__ == "__main__":
    main()

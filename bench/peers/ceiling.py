"""The ceiling: verify and parse a delivery, store nothing. No durable receiver on aiohttp can be faster.

Run as `python -m bench.peers.ceiling PORT`.
"""

from __future__ import annotations

import gc
import hmac
import sys

import orjson
import uvloop
from aiohttp import web

from bench.deliveries import STRIPE_SECRET

_SECRET = STRIPE_SECRET.encode()


async def receive(request: web.Request) -> web.Response:
    body = await request.read()
    if not signature_fits(body, request.headers["Stripe-Signature"]):
        return web.Response(status=400)
    event = orjson.loads(body)
    return web.Response(body=b'{"status":"accepted","id":"%b"}' % event["id"].encode(), content_type="application/json")


def signature_fits(body: bytes, header: str) -> bool:
    """Say whether a `Stripe-Signature` header belongs to a body; its time is not looked at."""
    timestamp, _, signature = header.partition(",v1=")
    signed = b"%b.%b" % (timestamp[2:].encode(), body)
    return hmac.compare_digest(hmac.digest(_SECRET, signed, "sha256").hex(), signature)


def main() -> None:
    app = web.Application()
    app.router.add_post("/stripe", receive)
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)


if __name__ == "__main__":
    main()

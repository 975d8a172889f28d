"""What the admin API answers: JSON, and errors in the gateway's one shape."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from gateway.admin.refusals import Refused
from gateway.store.codecs import dump_json


def json_answer(content: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return an answer with exact JSON, which nobody on the way may keep."""
    return web.Response(
        body=dump_json(content).encode(),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def error_answer(refused: Refused, request_id: str) -> web.Response:
    """Return the answer to a refused request."""
    error = {"code": refused.code, "message": refused.message, "request_id": request_id}
    return json_answer({"error": error}, status=refused.status, headers=refused.headers)

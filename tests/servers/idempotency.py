"""Idempotency keys as Stripe documents them. Source: docs.stripe.com/api/idempotent_requests."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class StoredAnswer:
    """An answer, as it goes over the wire."""

    status: int
    body: bytes
    content_type: str
    replayed: bool = False


_NOT_CARRIED_OUT = {400, 401, 429}
"""Statuses of requests that no endpoint began to carry out: parameters, key, rate. These are not remembered."""


class IdempotencyKeys:
    """The first answer to each key: given again to the same request, whether it was a success or a failure."""

    def __init__(self) -> None:
        self._requests: dict[str, bytes] = {}
        self._answers: dict[str, StoredAnswer | None] = {}

    def begin(self, key: str, request: bytes) -> StoredAnswer | None:
        """Return the answer to give without carrying the request out, or None to carry it out."""
        if key not in self._requests:
            self._requests[key], self._answers[key] = request, None
            return None
        if self._requests[key] != request:
            return error(
                400,
                "idempotency_error",
                f"Keys for idempotent requests can only be used with the parameters they were first used with: {key}",
            )
        answer = self._answers[key]
        if answer is None:
            return error(
                409,
                "idempotency_error",
                f"There is currently another in-progress request using this Idempotent Key: {key}",
                "idempotency_key_in_use",
            )
        return StoredAnswer(answer.status, answer.body, answer.content_type, replayed=True)

    def end(self, key: str, answer: StoredAnswer) -> None:
        """Remember the answer to a key, or forget the key when nothing was carried out."""
        if answer.status in _NOT_CARRIED_OUT:
            self.forget(key)
        else:
            self._answers[key] = answer

    def forget(self, key: str) -> None:
        """Forget a key whose request was not carried out."""
        del self._requests[key], self._answers[key]


def error(status: int, kind: str, message: str, code: str | None = None) -> StoredAnswer:
    """Return an error in the shape of Stripe's. Source: docs.stripe.com/api/errors."""
    content = {"type": kind, "message": message} | ({} if code is None else {"code": code})
    return StoredAnswer(status, json.dumps({"error": content}).encode(), "application/json")

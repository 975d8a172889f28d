"""Why a request to the admin API is not served: a code, its status, a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.errors import Conflict, GatewayError, NotFound, StorageUnavailable
from gateway.store.operator_rows import RowInvalid

STATUSES: Mapping[str, int] = {
    "invalid_parameter": 400,
    "invalid_json": 400,
    "invalid_row": 400,
    "invalid_run": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "body_timeout": 408,
    "conflict": 409,
    "body_too_large": 413,
    "not_delivered": 502,
    "storage_unavailable": 503,
}
"""Status of each error code."""


class Refused(GatewayError):
    """A request to the admin API is refused."""

    def __init__(self, code: str, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = STATUSES[code]
        self.headers = headers or {}


def refusal_of(error: GatewayError) -> Refused:
    """Return what is answered to an operational error; one that should not come up here is raised again."""
    match error:
        case Refused():
            return error
        case NotFound():
            return Refused("not_found", error.message)
        case Conflict():
            return Refused("conflict", error.message)
        case RowInvalid():
            return Refused("invalid_row", error.message + (f"; {error.help}" if error.help else ""))
        case StorageUnavailable():
            return Refused("storage_unavailable", error.message, headers={"Retry-After": str(error.retry_after)})
    raise error

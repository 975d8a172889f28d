"""The OpenAPI document of the admin API, made from its routes. Source of the format: OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway import __version__
from gateway.admin.parameters import Parameter
from gateway.admin.refusals import STATUSES
from gateway.admin.routes import Route
from gateway.admin.schemas import ERROR, SCHEMAS, ref

_ALWAYS = ("unauthorized", "forbidden", "invalid_parameter", "storage_unavailable")
_WITH_BODY = ("invalid_json", "body_too_large", "body_timeout")


def openapi_document(routes: Sequence[Route]) -> dict[str, Any]:
    """Return the document that describes the routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Webhook gateway: admin API",
            "version": __version__,
            "description": "Events, rows and rules. Without a configured token it answers to its own machine only.",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "`admin.token` of gateway.yaml."}
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "parameters": [*_open_parts(route), *map(_query_parameter, route.query)],
        "responses": {"200": _response("What was asked for.", route.answer), **_refusals(route)},
    }
    if route.body is not None:
        content = {"application/json": {"schema": dict(route.body)}}
        operation["requestBody"] = {"required": route.body_required, "content": content}
    return operation


def _operation_id(route: Route) -> str:
    words = [word.strip("{}").replace(".", "_") for word in route.path.split("/")[2:]]
    return "_".join([route.method.lower(), *words])


def _open_parts(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "description": text, "schema": {"type": "string"}}
        for name, text in route.open_parts.items()
    ]


def _query_parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }


def _refusals(route: Route) -> dict[str, Any]:
    codes = (*_ALWAYS, *(_WITH_BODY if route.body is not None else ()), *route.refusals)
    by_status: dict[str, list[str]] = {}
    for code in codes:
        by_status.setdefault(str(STATUSES[code]), []).append(code)
    return {
        status: _response(f"Refused: {', '.join(f'`{code}`' for code in listed)}.", ref(ERROR))
        for status, listed in sorted(by_status.items())
    }


def _response(description: str, schema: Any) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}

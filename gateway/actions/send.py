"""`send`: an HTTP request to a destination, after the commit; or awaited, with its answer bound."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, unquote

from gateway.actions.calling import REFUSED_SCHEMA, link_call
from gateway.actions.filling import as_filled, link_filled
from gateway.actions.missing import Missing, missing_schema, read_missing
from gateway.actions.state import Linker, PassState, Signal, StepFailed
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Scalar
from gateway.config.scope import CheckScope
from gateway.config.scope_types import HTTP_ANSWER
from gateway.config.steps import ActionSpec, StepReader
from gateway.config.values import Value
from gateway.expressions import to_text
from gateway.records import dataclass
from gateway.store.outbox import Answer

METHODS = ("POST", "PUT", "PATCH", "DELETE", "GET")

OWN_HEADERS = frozenset(
    (
        "authorization", "connection", "content-length", "content-type", "host", "transfer-encoding", "user-agent",
        "webhook-id", "webhook-signature", "webhook-timestamp",
    )
)  # fmt: skip
"""Headers that a step may not set: they belong to the gateway, or to the destination's own settings."""

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""Source: RFC 9110, 5.6.2, tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """The arguments of a `send`."""

    destination: str
    path: Value | None
    method: str
    json: Value | None
    forward: bool
    headers: dict[str, tuple[Scalar, Value]]
    wait: bool
    missing: Missing
    refused: str
    """`fail` or `retry`."""
    node: MappingNode


def _parse(reader: StepReader) -> Send:
    send = Send(
        destination=reader.text("send"),
        path=reader.value("path"),
        method=reader.text("method", "POST"),
        json=reader.value("json"),
        forward=reader.flag("forward"),
        headers=reader.values("headers"),
        wait=reader.flag("wait"),
        missing=read_missing(reader, default="refuse"),
        refused=reader.text("refused", "fail"),
        node=reader.node,
    )
    _require_sense(send, reader)
    return send


def _require_sense(send: Send, reader: StepReader) -> None:
    node, findings = reader.node, reader.findings
    if send.forward and send.json is not None:
        findings.error("GW105", "`json` and `forward` exclude each other", node.key("forward") or node)
    if not send.wait:
        for key in ("as", "missing", "refused"):
            if node.key(key) is not None:
                findings.error(
                    "GW102", f"`{key}` needs `wait: true`: nothing is known of the answer", node.key(key) or node,
                    help="add `wait: true`, so that the event waits for the answer",
                )  # fmt: skip
    for name, (place, _) in send.headers.items():
        if name.lower() in OWN_HEADERS:
            message = f"a step cannot set the header `{name}`"
            findings.error("GW104", message, place, help="see `headers` of destinations")
        elif not _HEADER_NAME.fullmatch(name):
            findings.error("GW104", f"`{name}` is no name of a header", place, help="letters, digits and `-`")


def _check(send: Send, scope: CheckScope) -> None:
    scope.destination(send.destination, send.node.get("send"), broker=False)
    scope.text(send.path, "`path`")
    for value in (send.json, send.missing.value, *(value for _, value in send.headers.values())):
        scope.value(value)
    filled = None if send.path is None else as_filled(send.path, "x")
    if send.path is not None and filled is not None and not _is_path(filled):
        help = "a path begins with `/`, and stays below the destination's address"
        scope.findings.error("GW104", f"`{send.path.node.plain()}` is no path", send.path.node, help=help)
    left_null = send.missing.kind == "null"
    scope.bind(HTTP_ANSWER.nullable if left_null else HTTP_ANSWER, left_null=left_null)


def _bind(send: Send, linker: Linker) -> Callable[[PassState], Signal]:
    pointer, destination = linker.pointer, send.destination
    request_of, label = _link_request(send), f"send {send.destination}"
    if not send.wait:

        def run(state: PassState) -> Signal:
            message_id = state.message("send", destination, state.position(label), request_of(state))
            state.notes.append((pointer, "send", {"to": destination, "id": message_id}))
            return None

        return run

    def ask(state: PassState) -> tuple[str, Answer]:
        position = state.position(label)
        return state.id_of(position), state.call("send", destination, position, request_of(state))

    return link_call(
        ask,
        pointer=pointer,
        action="send",
        operation=label,
        name=linker.bind_as,
        missing=send.missing,
        refused=send.refused,
    )


def _link_request(send: Send) -> Callable[[PassState], dict[str, object]]:
    path_of = None if send.path is None else link_filled(send.path, "path", lambda text: quote(text, safe=""))
    json_of = None if send.json is None else send.json.evaluate
    headers_of = {name: value.evaluate for name, (_, value) in send.headers.items()}
    method, forward = send.method, send.forward

    def request(state: PassState) -> dict[str, object]:
        found: dict[str, object] = {"method": method, "path": "" if path_of is None else _checked(path_of(state))}
        if forward:
            found["forward"] = True
        elif json_of is not None:
            found["json"] = json_of(state.scope, state)
        headers = {name: _header(name, value(state.scope, state)) for name, value in headers_of.items()}
        if headers:
            found["headers"] = {name: text for name, text in headers.items() if text}
        return found

    return request


def _checked(path: str) -> str:
    """Return a path as it is when it stays below the destination's address. Raises StepFailed."""
    if not _is_path(path):
        raise StepFailed(f"send: `{path}` is no path below the destination's address")
    return path


def _is_path(path: str) -> bool:
    first, *segments = path.partition("?")[0].split("/")
    inner = [unquote(segment) for segment in segments]
    return not first and bool(segments) and not {".", ".."}.intersection(inner) and "" not in inner[:-1]


def _header(name: str, value: object) -> str:
    """Write a header's value. Raises StepFailed for one that would be more than one header."""
    text = to_text(value)
    if not text.isprintable():
        raise StepFailed(f"send: the value of the header `{name}` has a line break or another character of control")
    return text


SPEC = ActionSpec(
    name="send",
    title="Send an HTTP request to a destination, signed as Standard Webhooks say; after the commit, or awaited.",
    schema={
        "send": {"type": "string", "description": "The destination.", "examples": ["app"]},
        "path": {
            "type": "string",
            "description": "Added to the destination's address; what is put into it is percent-encoded.",
            "examples": ["/tenants/$tenant.id/status"],
        },
        "method": {"enum": list(METHODS), "default": "POST", "description": "The method; POST when left out."},
        "json": {"description": "The body, as JSON.", "examples": [{"tenant": "$tenant.id", "status": "active"}]},
        "forward": {"type": "boolean", "description": "Send the body as it was received, byte for byte."},
        "headers": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "More headers.",
            "examples": [{"X-Tenant": "$tenant.id"}],
        },
        "wait": {
            "type": "boolean",
            "description": "Let the event wait for the answer, and bind it with `as`: `status`, `headers`, `body`.",
        },
        "missing": missing_schema(park=False),
        "refused": REFUSED_SCHEMA,
    },
    binds=True,
    example="send: app\npath: /tenants/$tenant.id\njson: {status: active}",
    parse=_parse,
    check=_check,
    bind=_bind,
)

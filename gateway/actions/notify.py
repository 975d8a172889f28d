"""`notify`: tells people something, by a channel, after the commit."""

from __future__ import annotations

from collections.abc import Callable

from gateway.actions.state import Linker, PassState, Signal
from gateway.config.document import Mapping as MappingNode
from gateway.config.scope import CheckScope
from gateway.config.steps import ActionSpec, StepReader
from gateway.config.values import Value
from gateway.expressions import to_text
from gateway.records import dataclass

LEVELS = ("info", "success", "warning", "failure")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """The arguments of a `notify`."""

    channel: str
    title: Value | None
    body: Value | None
    level: str
    node: MappingNode


def _parse(reader: StepReader) -> Notify:
    return Notify(
        channel=reader.text("notify"),
        title=reader.value("title"),
        body=reader.value("body"),
        level=reader.text("level", "info"),
        node=reader.node,
    )


def _check(notify: Notify, scope: CheckScope) -> None:
    scope.channel(notify.channel, notify.node.get("notify"))
    scope.value(notify.title)
    scope.value(notify.body)


def _bind(notify: Notify, linker: Linker) -> Callable[[PassState], Signal]:
    assert notify.body is not None
    channel, level, pointer, label = notify.channel, notify.level, linker.pointer, f"notify {notify.channel}"
    title = None if notify.title is None else notify.title.evaluate
    body = notify.body.evaluate

    def run(state: PassState) -> Signal:
        request = {
            "title": None if title is None else to_text(title(state.scope, state)),
            "body": to_text(body(state.scope, state)),
            "level": level,
        }
        message_id = state.message("notify", channel, state.position(label), request)
        state.notes.append((pointer, "notify", {"to": channel, "id": message_id}))
        return None

    return run


SPEC = ActionSpec(
    name="notify",
    title="Tell people something by a channel, after the commit.",
    schema={
        "notify": {"type": "string", "description": "The channel.", "examples": ["admins"]},
        "title": {"type": "string", "description": "The title.", "examples": ["A payment failed"]},
        "body": {
            "type": "string",
            "description": "The text.",
            "examples": ["Invoice $invoice.number was not paid."],
        },
        "level": {"enum": list(LEVELS), "default": "info", "description": "How it is shown; `info` when left out."},
    },
    required=("body",),
    example="notify: admins\ntitle: A payment failed\nbody: $payment_id was not paid.\nlevel: warning",
    parse=_parse,
    check=_check,
    bind=_bind,
)

"""`publish`: a message to a broker, after the commit."""

from __future__ import annotations

from collections.abc import Callable

from gateway.actions.filling import as_filled, link_filled
from gateway.actions.state import Linker, PassState, Signal, StepFailed
from gateway.config.document import Mapping as MappingNode
from gateway.config.scope import CheckScope
from gateway.config.steps import ActionSpec, StepReader
from gateway.config.values import Value
from gateway.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """The arguments of a `publish`."""

    destination: str
    subject: Value | None
    json: Value | None
    node: MappingNode


def _parse(reader: StepReader) -> Publish:
    return Publish(
        destination=reader.text("publish"),
        subject=reader.value("subject"),
        json=reader.value("json"),
        node=reader.node,
    )


def _check(publish: Publish, scope: CheckScope) -> None:
    scope.destination(publish.destination, publish.node.get("publish"), broker=True)
    scope.text(publish.subject, "`subject`")
    scope.value(publish.json)
    subject = publish.subject
    # What stands for a placeholder is as good as any: it is looked at when the step runs.
    filled = None if subject is None else as_filled(subject, "x")
    if subject is not None and filled is not None and not is_subject(filled):
        message = f"`{subject.node.plain()}` is no subject to publish to"
        scope.findings.error("GW104", message, subject.node, help="words joined by dots: `orders.paid`")


def _bind(publish: Publish, linker: Linker) -> Callable[[PassState], Signal]:
    assert publish.subject is not None
    assert publish.json is not None
    destination, pointer, label = publish.destination, linker.pointer, f"publish {publish.destination}"
    subject_of = link_filled(publish.subject, "subject", _token)
    json_of = publish.json.evaluate

    def run(state: PassState) -> Signal:
        subject = subject_of(state)
        if not is_subject(subject):
            raise StepFailed(f"publish: `{subject}` is no subject to publish to")
        request = {"subject": subject, "json": json_of(state.scope, state)}
        message_id = state.message("publish", destination, state.position(label), request)
        state.notes.append((pointer, "publish", {"to": destination, "subject": subject, "id": message_id}))
        return None

    return run


def _token(text: str) -> str:
    """Return a text as part of a subject. Raises StepFailed where it would change which subject that is."""
    if not _are_tokens(text):
        raise StepFailed(f"publish: `{text}` cannot be part of a subject")
    return text


def is_subject(subject: str) -> bool:
    """Say whether a text is a subject that can be published to. Source: docs.nats.io, subjects.

    Those that begin with `$` or `_INBOX` are the broker's own: a message there could change its streams.
    """
    return _are_tokens(subject) and not subject.startswith(("$", "_INBOX"))


def _are_tokens(text: str) -> bool:
    return "" not in text.split(".") and not any(one.isspace() or not one.isprintable() or one in "*>" for one in text)


SPEC = ActionSpec(
    name="publish",
    title="Publish a message to a broker, after the commit.",
    schema={
        "publish": {"type": "string", "description": "The destination: a broker.", "examples": ["events"]},
        "subject": {"type": "string", "description": "The subject.", "examples": ["tenants.${ tenant.id }.paid"]},
        "json": {"description": "The message, as JSON.", "examples": [{"tenant": "$tenant.id"}]},
    },
    required=("subject", "json"),
    example="publish: events\nsubject: tenants.activated\njson: {tenant: $tenant.id}",
    parse=_parse,
    check=_check,
    bind=_bind,
)

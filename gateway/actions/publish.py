"""`publish`: a message to a broker, after the commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.actions.filling import link_filled
from gateway.actions.state import Linker, PassState, Signal, StepFailed
from gateway.config.document import Mapping as MappingNode
from gateway.config.steps import ActionSpec, CheckScope, StepReader
from gateway.config.values import Value


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
    scope.value(publish.subject)
    scope.value(publish.json)
    subject = publish.subject
    if subject is not None and subject.literal:
        try:
            require_subject(str(subject.constant))
        except StepFailed as error:
            scope.findings.error("GW104", error.message, subject.node, help="words joined by dots: `orders.paid`")


def _bind(publish: Publish, linker: Linker) -> Callable[[PassState], Signal]:
    assert publish.subject is not None
    assert publish.json is not None
    destination, pointer, label = publish.destination, linker.pointer, f"publish {publish.destination}"
    subject_of = link_filled(publish.subject, "subject", _token)
    json_of = publish.json.evaluate

    def run(state: PassState) -> Signal:
        subject = subject_of(state)
        request = {"subject": subject, "json": json_of(state.scope, state)}
        message_id = state.message("publish", destination, state.position(label), request)
        state.notes.append((pointer, "publish", {"to": destination, "subject": subject, "id": message_id}))
        return None

    return run


def _token(text: str) -> str:
    """Return a text as part of a subject. Raises StepFailed where it would change which subject that is."""
    if any(character.isspace() or character in "*>" for character in text) or "" in text.split("."):
        raise StepFailed(f"publish: `{text}` cannot be part of a subject")
    return text


def require_subject(subject: str) -> None:
    """Raise StepFailed for what is no subject that can be published to. Source: docs.nats.io, subjects."""
    if any(character.isspace() or character in "*>" for character in subject) or "" in subject.split("."):
        raise StepFailed(f"`{subject}` is no subject to publish to")


SPEC = ActionSpec(
    name="publish",
    title="Publish a message to a broker, after the commit.",
    schema={
        "publish": {"type": "string", "description": "The destination: a broker."},
        "subject": {"type": "string", "description": "The subject.", "examples": ["billing.$tenant.id.paid"]},
        "json": {"description": "The message, as JSON.", "examples": [{"tenant": "$tenant.id"}]},
    },
    required=("subject", "json"),
    example="publish: events\nsubject: tenants.activated\njson: {tenant: $tenant.id}",
    parse=_parse,
    check=_check,
    bind=_bind,
)

"""Write a JSON Schema for every event that the installed Stripe SDK names, from the SDK's own typed classes.

`schemas/payloads/stripe/EVENT.json` is the envelope; the objects that events are about stand beside them in
`objects/`, one file each, and refer to one another. Properties are those of the SDK's API version; the schemas stay
open, because Stripe adds properties to any version without notice.
"""

from __future__ import annotations

import ast
import decimal
import importlib
import inspect
import json
import shutil
import typing
from functools import cache
from pathlib import Path
from typing import Any

import stripe
from stripe._list_object import ListObject
from stripe._object_classes import OBJECT_CLASSES
from stripe._stripe_object import StripeObject, UntypedStripeObject
from typed_schemas import DRAFT, Schema, beside, descriptions, either, first_sentence, tree_of

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "schemas" / "payloads" / "stripe"
TYPES = ROOT / "gateway" / "providers" / "data" / "stripe_event_types.json"

# Event types whose object is not the one whose tag their name begins with. Source: Stripe's Events.d.ts (stripe-node).
EXCEPTIONS = {
    "account.external_account.": ("bank_account", "card"),
    "customer.source.": ("source", "card", "bank_account"),
    "application_fee.refund.": ("fee_refund",),
    "billing.alert.triggered": ("billing.alert_triggered",),
    "source.mandate_notification": ("source_mandate_notification",),
    "customer.subscription.": ("subscription",),
    "customer.discount.": ("discount",),
    "customer.tax_id.": ("tax_id",),
    "charge.dispute.": ("dispute",),
    "charge.refund.": ("refund",),
}
# What the API sends although its classes leave it out, as recorded deliveries of today's versions show.
UNTYPED: dict[str, Schema] = {
    "charge": {"refunded_by": {}},
    "subscription": {"plan": {}, "quantity": {"type": ["integer", "null"]}},
    "dispute": {"balance_transaction": {"type": ["string", "null"]}},
}
SCALARS: dict[Any, str] = {
    str: "string", int: "integer", float: "number", bool: "boolean", decimal.Decimal: "string", type(None): "null",
}  # fmt: skip


class Writer:
    """Turns the SDK's classes into schemas, each object's once."""

    def __init__(self) -> None:
        self.written: dict[str, Schema] = {}

    def reference(self, tag: str) -> Schema:
        """Return a reference to an object's schema, which is made when it is not there yet."""
        if tag not in self.written:
            self.written[tag] = {}
            module, name = OBJECT_CLASSES[tag]
            cls = getattr(importlib.import_module(module), name)
            said = first_sentence(inspect.getdoc(cls) or "")
            found = self.object(cls)
            found["properties"] |= UNTYPED.get(tag, {})
            self.written[tag] = {"title": tag, "description": said, **found}
        return {"$ref": f"objects/{tag}.json"}

    def object(self, cls: type) -> Schema:
        """Return the schema of a class: its annotated attributes."""
        docs = descriptions(cls)
        properties: Schema = {}
        for name, annotation in inspect.get_annotations(cls).items():
            if name.startswith("_") or typing.get_origin(annotation) is typing.ClassVar:
                continue
            found = self.schema(annotation, cls)
            properties[name] = {**found, "description": docs[name]} if docs.get(name) and "$ref" not in found else found
        return {"type": "object", "properties": properties}

    def schema(self, annotation: Any, cls: type) -> Schema:
        """Return the schema of an annotation that stands in a class; an empty one for what it does not know."""
        if isinstance(annotation, (str, typing.ForwardRef)):
            name = annotation if isinstance(annotation, str) else annotation.__forward_arg__
            return self.named(name, cls)
        origin = typing.get_origin(annotation)
        if annotation in SCALARS:
            return {"type": SCALARS[annotation]}
        if origin is typing.Union:
            return either([self.schema(part, cls) for part in typing.get_args(annotation)])
        if origin in {list, typing.List}:  # noqa: UP006 - what the SDK writes
            return {"type": "array", "items": self.schema(typing.get_args(annotation)[0], cls)}
        if str(annotation).startswith(("typing.Literal", "typing_extensions.Literal")):
            return {"type": "string", "examples": list(typing.get_args(annotation))}
        if origin is ListObject:
            return self.page(self.schema(typing.get_args(annotation)[0], cls))
        return self.nested(annotation, origin)

    def nested(self, annotation: Any, origin: Any) -> Schema:
        """Return the schema of a class that is written inside another, or of an object of no fixed shape."""
        kind = origin or annotation
        if isinstance(kind, type) and issubclass(kind, UntypedStripeObject):
            values = typing.get_args(annotation)
            inner = {"type": SCALARS[values[0]]} if values and values[0] in SCALARS else True
            return {"type": "object", "additionalProperties": inner}
        if isinstance(kind, type) and issubclass(kind, StripeObject) and kind is not StripeObject:
            tag = getattr(kind, "OBJECT_NAME", None)
            return self.reference(tag) if tag in OBJECT_CLASSES else self.object(kind)
        return {}

    def page(self, items: Schema) -> Schema:
        """Return the schema of Stripe's list object."""
        return {
            "type": "object",
            "properties": {
                "object": {"type": "string", "examples": ["list"]},
                "data": {"type": "array", "items": items},
                "has_more": {"type": "boolean"},
                "total_count": {"type": ["integer", "null"]},
                "url": {"type": "string"},
            },
        }

    def named(self, name: str, cls: type) -> Schema:
        """Return the schema of a class that is only named."""
        found = imports_of(cls.__module__).get(name)
        if found is None:
            inner = getattr(cls, name, None)
            return self.object(inner) if inner is not None else {}
        module, original = found
        tag = getattr(getattr(importlib.import_module(module), original), "OBJECT_NAME", None)
        return self.reference(tag) if tag in OBJECT_CLASSES else {}


@cache
def imports_of(module: str) -> dict[str, tuple[str, str]]:
    """Return what a module imports, also for type checkers only: its name here -> module and its name there."""
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def tags_of(event_type: str) -> tuple[str, ...]:
    """Return the tags of the objects that an event of a type may be about."""
    for beginning, tags in EXCEPTIONS.items():
        if event_type.startswith(beginning):
            return tags
    parts = event_type.split(".")
    for length in range(len(parts) - 1, 0, -1):
        tag = ".".join(parts[:length])
        if tag in OBJECT_CLASSES:
            return (tag,)
    return ()


def envelope(event_type: str, writer: Writer) -> Schema:
    """Return the schema of an event's payload."""
    about = [writer.reference(tag) for tag in tags_of(event_type)]
    subject = about[0] if len(about) == 1 else {"anyOf": about} if about else {"type": "object"}
    return {
        "$schema": DRAFT,
        "title": f"Stripe {event_type}",
        "description": f"The payload of a Stripe event of type {event_type}, API version {stripe.api_version}.",
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "object": {"type": "string", "examples": ["event"]},
            "account": {"type": ["string", "null"]},
            "api_version": {"type": ["string", "null"]},
            "context": {"type": ["string", "null"]},
            "created": {"type": "integer"},
            "data": {
                "type": "object",
                "properties": {
                    "object": subject,
                    "previous_attributes": {"type": ["object", "null"], "additionalProperties": True},
                },
            },
            "livemode": {"type": "boolean"},
            "pending_webhooks": {"type": "integer"},
            "request": {
                "type": ["object", "null"],
                "properties": {"id": {"type": ["string", "null"]}, "idempotency_key": {"type": ["string", "null"]}},
            },
            "type": {"type": "string", "examples": [event_type]},
        },
        "required": ["id", "type", "data"],
    }


def a_property_a_line(schema: Schema) -> str:
    """Write an object's schema so that a change of one property is a change of one line."""
    head = {key: value for key, value in schema.items() if key != "properties"}
    properties = [
        f"  {json.dumps(name)}: {json.dumps(inner, ensure_ascii=False)}" for name, inner in schema["properties"].items()
    ]
    return json.dumps(head, ensure_ascii=False)[:-1] + ', "properties": {\n' + ",\n".join(properties) + "\n}}\n"


def main() -> None:
    """Write all schemas anew."""
    shutil.rmtree(TARGET, ignore_errors=True)
    (TARGET / "objects").mkdir(parents=True)
    writer = Writer()
    types = json.loads(TYPES.read_text())["types"]
    for event_type in types:
        (TARGET / f"{event_type}.json").write_text(json.dumps(envelope(event_type, writer), indent=1) + "\n")
    for tag, schema in writer.written.items():
        (TARGET / "objects" / f"{tag}.json").write_text(a_property_a_line(beside(schema)))
    print(f"{len(types)} events and {len(writer.written)} objects of API version {stripe.api_version}")


if __name__ == "__main__":
    main()

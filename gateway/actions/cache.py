"""`cache`: drops cached copies in Redis, after the commit."""

from __future__ import annotations

from collections.abc import Callable

from gateway.actions.filling import link_filled
from gateway.actions.state import Linker, PassState, Signal, StepFailed
from gateway.config.document import Sequence as SequenceNode
from gateway.config.scope import CheckScope
from gateway.config.steps import ActionSpec, StepReader
from gateway.config.values import Value, read_value
from gateway.expressions import to_text
from gateway.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """The arguments of a `cache`."""

    keys: tuple[Value, ...]


def _parse(reader: StepReader) -> Cache:
    node = reader.get("keys")
    items = node.items if isinstance(node, SequenceNode) else ()
    return Cache(keys=tuple(read_value(item, reader.findings) for item in items))


def _check(cache: Cache, scope: CheckScope) -> None:
    for key in cache.keys:
        scope.value(key)
        scope.need(key, "a key")


def _bind(cache: Cache, linker: Linker) -> Callable[[PassState], Signal]:
    pointer = linker.pointer
    keys_of = [(_as_written(key), _link_keys(key)) for key in cache.keys]

    def run(state: PassState) -> Signal:
        keys: list[str] = []
        skipped: list[str] = []
        for written, key_of in keys_of:
            try:
                keys.extend(key_of(state))
            except StepFailed:
                # `customer:` without the customer names nothing that was ever cached.
                skipped.append(written)
        note: dict[str, object] = {"delete": keys}
        if skipped:
            note["skipped"] = skipped
        if keys:
            note["id"] = state.message("cache", "redis", state.position("cache delete"), {"delete": keys})
        state.notes.append((pointer, "cache", note))
        return None

    return run


def _link_keys(key: Value) -> Callable[[PassState], list[str]]:
    one = link_filled(key, "key", str)
    if key.literal:
        return lambda state: [one(state)]

    def keys(state: PassState) -> list[str]:
        # A key that is all one expression may give a list of keys.
        value = key(state.scope, state)
        return [to_text(item) for item in value if to_text(item)] if isinstance(value, list) else [one(state)]

    return keys


def _as_written(key: Value) -> str:
    return str(key.node.plain())


SPEC = ActionSpec(
    name="cache",
    title="Drop cached copies in Redis, after the commit; without a `redis` nothing is done, and recorded so.",
    schema={
        "cache": {"const": "delete", "description": "What is done: `delete`."},
        "keys": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string"},
            "description": "The keys. One with a part that is null or empty is left out; `${ … }` may give a list.",
            "examples": [["customer:$customer_id", "user:$user_id:features"]],
        },
    },
    required=("keys",),
    example='cache: delete\nkeys: ["customer:$customer_id"]',
    parse=_parse,
    check=_check,
    bind=_bind,
)

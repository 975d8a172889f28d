"""Calls, messages and scheduled events that a case expects against those that there were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.config.document import Node
from gateway.config.rule_tests_effects import Effect, Listing, read_listing
from gateway.config.units import parse_duration
from gateway.expressions import coerce
from gateway.testing.effects import Done
from gateway.testing.values import MISSING, Failure, alike, differences, written


def compare_effects(node: Node, kind: str, done: Sequence[Done], *, any_order: bool = False) -> Iterator[Failure]:
    """Yield where a list of calls, messages or scheduled events is not as expected.

    With `any_order` a list says what there is, not what comes first.
    """
    listing = read_listing(node, kind)
    if listing.count is not None and listing.count.plain() != len(done):
        expected, got = written(listing.count.plain()), f"{len(done)}\n{_lines(done)}"
        yield Failure(node=listing.count, what=f"{kind}.count", expected=expected, got=got)
    if listing.complete and len(listing.effects) != len(done):
        expected = f"{len(listing.effects)} in all" if listing.effects else "[]"
        yield Failure(node=node, what=kind, expected=expected, got=_lines(done))
    elif listing.complete and not any_order:
        for number, (effect, one) in enumerate(zip(listing.effects, done, strict=True)):
            yield from _differences(effect, one, f"{kind}[{number}]")
    else:
        yield from _unmatched(listing, kind, done)


def is_done(effect: Effect, one: Done) -> bool:
    """Say whether an effect is what is described."""
    return next(_differences(effect, one, ""), None) is None


def _differences(effect: Effect, one: Done, what: str) -> Iterator[Failure]:
    if (effect.action, effect.target) != (one.action, one.target):
        yield Failure(node=effect.name, what=what, expected=effect.title, got=str(one))
        return
    for key, node in effect.details:
        got, place = one.details.get(key.text, MISSING), f"{what}.{key.text}"
        match key.text:
            case "at" if not alike(coerce(node.plain(), "timestamp"), got):
                yield Failure(node=node, what=place, expected=written(node.plain()), got=written(got))
            case "after" if parse_duration(str(node.plain())) != got:
                yield Failure(node=node, what=place, expected=written(node.plain()), got=str(got))
            case "headers":
                yield from _headers(node, got, place)
            case "at" | "after":
                pass
            case _:
                yield from differences(node, got, place)


def _headers(node: Node, got: object, place: str) -> Iterator[Failure]:
    wanted = {name.lower(): name for name in (node.keys() if hasattr(node, "keys") else ())}
    named = {wanted.get(name.lower(), name): value for name, value in got.items()} if isinstance(got, dict) else got
    yield from differences(node, named, place)


def _unmatched(listing: Listing, kind: str, done: Sequence[Done]) -> Iterator[Failure]:
    """Yield the effects that are not among those that there were, each of which counts once."""
    taken = _assign([[n for n, one in enumerate(done) if is_done(effect, one)] for effect in listing.effects])
    for number, effect in enumerate(listing.effects):
        if number not in taken:
            expected = written(effect.node.plain())
            yield Failure(node=effect.node, what=kind, expected=expected, got=_lines(done))


def _assign(choices: Sequence[Sequence[int]]) -> set[int]:
    """Return which entries can have one of their choices each, no choice given twice (augmenting paths)."""
    holder: dict[int, int] = {}

    def place(entry: int, seen: set[int]) -> bool:
        for choice in choices[entry]:
            if choice not in seen:
                seen.add(choice)
                if choice not in holder or place(holder[choice], seen):
                    holder[choice] = entry
                    return True
        return False

    for entry in range(len(choices)):
        place(entry, set())
    return set(holder.values())


def _lines(done: Sequence[Done]) -> str:
    return "\n".join(map(str, done)) or "[]"

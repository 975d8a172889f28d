"""The ways in which the events of a case with `any_order` are delivered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import factorial

from gateway.config.rule_tests import Case

MOST_ORDERS = 24
"""Orders that are tried: all of four events; of more, those where each is the first, and others spread evenly."""


def ways_of(case: Case) -> Iterator[tuple[str, Case]]:
    """Yield the case in each way, with words for it: every order, and the first and its reverse with redeliveries.

    A case without `any_order` has one way, which needs no words.
    """
    if not case.any_order:
        yield "", case
        return
    deliveries = [event for event in case.events if event.wait is None]
    waits = tuple(event for event in case.events if event.wait is not None)
    for number, order in enumerate(orders_of(len(deliveries))):
        words = f"in the order {', '.join(str(place + 1) for place in order)}"
        once = tuple(deliveries[place] for place in order)
        yield f"{words}: ", replace(case, events=once + waits)
        if number < 2:
            twice = tuple(event for event in once for _ in range(2))
            yield f"{words}, each twice: ", replace(case, events=twice + waits)
            yield f"{words}, all again: ", replace(case, events=once + once + waits)


def orders_of(count: int) -> list[tuple[int, ...]]:
    """Return up to MOST_ORDERS orders of so many things: as they are, reversed, then others."""
    first = tuple(range(count))
    known = [first, first[::-1], *(first[place:] + first[:place] for place in range(1, count))]
    step = max(1, factorial(count) // MOST_ORDERS)
    known += [_permutation(number * step, first) for number in range(min(MOST_ORDERS, factorial(count)))]
    return list(dict.fromkeys(known))[:MOST_ORDERS]


def _permutation(number: int, things: tuple[int, ...]) -> tuple[int, ...]:
    """Return the permutation with that number (from 0) in the order of the dictionary."""
    left, chosen = list(things), []
    while left:
        place, number = divmod(number, factorial(len(left) - 1))
        chosen.append(left.pop(place))
    return tuple(chosen)

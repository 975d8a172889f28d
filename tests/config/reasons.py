"""Why `gateway validate` says nothing of a mutation that changes what an event does, and where else it may point.

Each reason is something that only the operator knows. What has none of them is a mistake that could be known before an
event comes, and the fuzzer fails for it. docs/validation.md says the same for people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from config.judging import GATEWAY, Verdict
from config.mutating import Mutation

_SAID = ("result", "finish", "fail", "log", "title", "body", "message", "name", "description", "level", "notify")
_HANDED_ON = ("json", "data", "fields", "params", "with", "response", "keys", "key", "cancel", "path", "after", "at")
_WRITTEN = ("set", "values", "on_insert", "increment", "where", "key")
_OPERATORS = frozenset("!<>=|&-()$,:'\"`{}[].")


def _keys(mutation: Mutation) -> set[str]:
    return {step for step in mutation.path if isinstance(step, str)}


def _is_said(mutation: Mutation) -> bool:
    return bool(_keys(mutation).intersection(_SAID))


def _is_handed_on(mutation: Mutation) -> bool:
    return bool(_keys(mutation).intersection(_HANDED_ON))


def _is_setting(mutation: Mutation) -> bool:
    return "settings" in mutation.path[:4]


def _is_another_path(mutation: Mutation) -> bool:
    return "extract" in mutation.path and (
        mutation.kind in {"a path shortened", "a value of another type", "a mark dropped", "a key taken out"}
        or "metadata" in mutation.text.split("\n")[min(mutation.lines) - 1]
    )


def _is_moved(mutation: Mutation) -> bool:
    return mutation.kind.startswith("an item moved")


def _is_literal(mutation: Mutation) -> bool:
    return mutation.kind == "a value of another type" and bool(_keys(mutation).intersection(_WRITTEN))


def _is_another_name(mutation: Mutation) -> bool:
    worked_out = {*_SAID, *_HANDED_ON, *_WRITTEN, "when", "require", "event"}
    return mutation.kind == "a path shortened" and bool(_keys(mutation) & worked_out)


def _is_another_condition(mutation: Mutation) -> bool:
    where = _keys(mutation).intersection({"when", "require", "set", "values", "on_insert", "where", "extract"})
    return mutation.was in _OPERATORS and bool(where)


def _is_word_in_expression(mutation: Mutation) -> bool:
    return mutation.kind == "a word misspelt" and ("'" in mutation.text.split("\n")[min(mutation.lines) - 1])


def _is_left_out(mutation: Mutation) -> bool:
    return mutation.kind == "a key taken out"


_OF_THE_PLACE = frozenset(
    {
        "server",
        "database",
        "redis",
        "admin",
        "destinations",
        "channels",
        "stripe",
        "retry",
        "retention",
        "alerts",
        "path",
        "allow_ips",
        "rate_limit",
        "dedupe",
        "health",
        "respond",
        "response",
        "unmatched",
        "ordering",
        "schema",
        "tolerance",
        "conceal",
        "message",
        "certificates",
        "trust",
        "mode",
        "max_body",
    }
)


def _is_of_the_place(mutation: Mutation) -> bool:
    """Say whether it is an address, limit or habit of a place; how deliveries are verified is none."""
    return mutation.file == GATEWAY and bool(_keys(mutation) & _OF_THE_PLACE) and mutation.kind != "a key misspelt"


REASONS: Mapping[str, Callable[[Mutation], bool]] = {
    "a text that people or other programs read": _is_said,
    "a value or name that is handed on, and that only its receiver knows": _is_handed_on,
    "a setting: another value of its kind may be meant": _is_setting,
    "another path that payloads have, or one into what no schema describes": _is_another_path,
    "another order of steps, columns or keys, each of which can stand there": _is_moved,
    "another literal, or null, that the column takes": _is_literal,
    "another name in scope, or a row where one of its fields was meant": _is_another_name,
    "another condition or value, made of the same parts": _is_another_condition,
    "a text in an expression, compared with what may be any text": _is_word_in_expression,
    "a key that may be left out": _is_left_out,
    "an address, limit or name of the place where the gateway runs": _is_of_the_place,
}
"""What only the operator knows."""

_EQUAL = {
    "GW219": "what a procedure no longer reads is reported where it is given",
    "GW510": "what nothing reads any more is reported where it is extracted",
    "GW212": "what a procedure needs is asked for where it is run",
    "GW102": "what a procedure needs is asked for where a test runs it",
    "GW004": "where indentation no longer fits is where reading stops",
    "GW005": "a bracket or quote shows where the next one is met",
    "GW006": "as above",
    "GW019": "as above",
}
"""Codes whose place is as good as that of the mutation, and why."""


_LACKING = frozenset(
    {
        "GW102",
        "GW105",
        "GW201",
        "GW202",
        "GW203",
        "GW204",
        "GW205",
        "GW207",
        "GW208",
        "GW212",
        "GW214",
        "GW216",
        "GW217",
        "GW307",
        "GW308",
        "GW309",
        "GW402",
        "GW404",
        "GW501",
        "GW504",
        "GW506",
        "GW508",
        "GW510",
        "GW511",
        "GW512",
        "GW514",
        "GW517",
    }
)
"""Codes that say that something is not there, is not read any more, or would be better there."""


def reason_for(mutation: Mutation) -> str | None:
    """Return why nothing is said of a mutation, None where something should be."""
    return next((reason for reason, holds in REASONS.items() if holds(mutation)), None)


def is_pointed(verdict: Verdict) -> bool:
    """Say whether a finding points at the mutated place, or at one that is as good."""
    if verdict.pointed:
        return True
    if verdict.mutation.kind == "a key taken out":  # what needs it says so, wherever that is
        return any(one.code in _LACKING for one in verdict.findings)
    after = min(verdict.mutation.lines)
    return any(
        one.code in _EQUAL and (not one.code.startswith("GW0") or one.span.start.line >= after)
        for one in verdict.findings
    )

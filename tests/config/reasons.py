"""Why `gateway validate` says nothing of a mutation that changes what an event does, and where else it may point.

Each reason is something that only the operator knows. What has none of them is a mistake that could be known before an
event comes, and the fuzzer fails for it. docs/validation.md says the same for people.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping

from config.judging import GATEWAY, Verdict, shipped
from config.mutating import Mutation

from gateway.config.diagnostics import Diagnostic
from gateway.config.nodes import Mapping as MappingNode
from gateway.config.nodes import Scalar, node_at

_SAID = ("result", "finish", "fail", "log", "title", "body", "message", "name", "description", "level", "notify")
_MESSAGES = ("json", "data", "fields", "metadata", "response")
"""Where somebody else's names and values stand."""
_WRITTEN = ("set", "values", "on_insert", "increment", "where", "key")
_OPERATORS = frozenset("!<>=|&-()$,:{}[].")


def _keys(mutation: Mutation) -> set[str]:
    return {step for step in mutation.path if isinstance(step, str)}


def _last(mutation: Mutation) -> str:
    return next((step for step in reversed(mutation.path) if isinstance(step, str)), "")


def _line(mutation: Mutation) -> str:
    return mutation.text.split("\n")[min(mutation.lines) - 1]


def _is_said(mutation: Mutation) -> bool:
    return bool(_keys(mutation).intersection(_SAID))


def _is_message(mutation: Mutation) -> bool:
    return bool(_keys(mutation).intersection(_MESSAGES))


def _is_parameter(mutation: Mutation) -> bool:
    """Say whether it is another value of its kind for Stripe, or none; names and kinds are known."""
    return "params" in mutation.path and mutation.kind in {
        "a word misspelt",
        "a value of another type",
        "a path shortened",
        "a key taken out",
        "a mark dropped",
    }


def _is_given(mutation: Mutation) -> bool:
    """Say whether it is another value for a procedure that takes any of its kind."""
    at = mutation.path.index("with") if "with" in mutation.path else None
    if at is None or mutation.kind == "a quote dropped":
        return False
    deep = len(mutation.path) > at + 2  # a value of a name that is handed on
    return deep or mutation.kind not in {"a key misspelt", "a key taken out"}


def _is_address(mutation: Mutation) -> bool:
    """Say whether it is a text that names something elsewhere: a cached copy, a scheduled event, a page, a time."""
    where = _keys(mutation).intersection({"keys", "key", "cancel", "path", "after", "at"})
    return bool(where) and mutation.kind not in {"a key misspelt", "a key taken out"} and mutation.was not in "\"'"


def _is_setting(mutation: Mutation) -> bool:
    return "settings" in mutation.path[:4] and mutation.was != '"'


def _is_another_path(mutation: Mutation) -> bool:
    return "extract" in mutation.path and (
        mutation.kind in {"a path shortened", "a value of another type", "a mark dropped"}
        or "metadata" in _line(mutation)
        or _last(mutation) == "default"
    )


def _is_moved(mutation: Mutation) -> bool:
    return mutation.kind.startswith("an item moved")


def _is_literal(mutation: Mutation) -> bool:
    kinds = {"a value of another type", "a word misspelt"}
    return mutation.kind in kinds and bool(_keys(mutation).intersection(_WRITTEN))


def _is_another_name(mutation: Mutation) -> bool:
    worked_out = {*_SAID, *_MESSAGES, *_WRITTEN, "when", "require", "event", "keys", "cancel", "path", "after", "at"}
    return mutation.kind == "a path shortened" and bool(_keys(mutation) & worked_out)


def _is_another_condition(mutation: Mutation) -> bool:
    where = _keys(mutation).intersection({"when", "require", "set", "values", "on_insert", "where", "extract"})
    return mutation.was in _OPERATORS and bool(where)


def _is_word_in_expression(mutation: Mutation) -> bool:
    return mutation.kind == "a word misspelt" and "'" in _line(mutation)


_OPTIONAL = frozenset(
    {
        "when",  # a step or rule that is run for every event
        "missing",  # an event that fails where nothing is found
        "on_conflict",  # … or where the row is there already
        "as_of",  # newer states that older events overwrite: advice where another rule writes the same column
        "expect",
        "order_by",  # any of the rows that fit
        "on_insert",
        "increment",
        "set",  # an upsert of the key alone
        "forward",
        "path",  # the destination's own address
        "method",
        "headers",
        "refused",
        "options",
        "default",  # null where there is nothing
        "required",
        "match",
        "as",  # of an extraction: the value as the payload has it
        "zone",
        "unique",
        "index",
        "with",  # what is called the same outside
        "repair",
        "every",
        "all",
        "after",
    }
)
"""Keys that say what is done beside the usual, and are missed by nothing when they are gone."""


def _is_override(mutation: Mutation) -> bool:
    """Say whether a rule's own way to values is gone which the file takes in another way under the same names."""
    if mutation.kind != "a key taken out" or mutation.path[:1] != ("rules",) or "extract" not in mutation.path:
        return False
    before = shipped(mutation.file).root
    own, shared = node_at(before, mutation.path[:3]), node_at(before, ("extract",))
    assert isinstance(own, MappingNode)
    gone = {key.text for key, _ in own.entries} if len(mutation.path) == 3 else {str(mutation.path[3])}
    return isinstance(shared, MappingNode) and gone <= {key.text for key, _ in shared.entries}


def _is_left_out(mutation: Mutation) -> bool:
    """Say whether a key is gone that says what is done beside the usual, or a column or name beside others."""
    if mutation.kind != "a key taken out":
        return False
    beside = _keys(mutation).intersection({*_WRITTEN, "with"}) - {_last(mutation)}
    every_row = mutation.path[:1] == ("checks",) and _last(mutation) == "where"
    return _last(mutation) in _OPTIONAL or bool(beside) or every_row


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
        "park",
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
    "a name or value in a message, which only its receiver knows": _is_message,
    "another value of its kind for a parameter of Stripe's, or one that may be left out": _is_parameter,
    "another value for a procedure that can do something with any of its kind": _is_given,
    "another key of a cache or of what is scheduled, another page or time": _is_address,
    "a setting: another value of its kind may be meant": _is_setting,
    "another path that payloads have, one into what no schema describes, or what counts instead": _is_another_path,
    "another order of steps, columns or keys, each of which can stand there": _is_moved,
    "another text, literal or null, that the column takes": _is_literal,
    "another name in scope, or a row where one of its fields was meant": _is_another_name,
    "another condition or value, made of the same parts": _is_another_condition,
    "a text in an expression, compared with what may be any text": _is_word_in_expression,
    "a key that says what is done beside the usual, or a column or name beside others": _is_left_out,
    "the file's own way to a value, where a rule's own is gone": _is_override,
    "an address, limit or name of the place where the gateway runs": _is_of_the_place,
}
"""What only the operator knows."""

_DROPPED = ("a quote dropped", "a mark dropped")


def _in_procedure(mutation: Mutation) -> bool:
    return "procedures" in mutation.path[:1]


def _is_broken(mutation: Mutation) -> bool:
    """Say whether the file may no longer be YAML: reading stops where that shows."""
    return mutation.kind in _DROPPED or _is_moved(mutation)


_EQUAL: Mapping[str, Callable[[Mutation], bool]] = {
    "GW219": _in_procedure,  # what a procedure no longer reads is reported where it is given
    "GW510": lambda mutation: mutation.kind != "a key misspelt",  # … or where it is extracted
    "GW212": _in_procedure,  # what a procedure needs is asked for where it is run
    "GW102": _in_procedure,  # … or where a test runs it
    "GW512": lambda mutation: "currency" in mutation.path,  # … and a currency beside its amount
    "GW508": lambda mutation: mutation.path[-1:] == ("key",),  # … what is scheduled where it is dropped, or not
    "GW506": lambda mutation: "stripe" in mutation.path[:1],  # a key that is not set is missed where Stripe is called
    "GW004": _is_broken,  # where indentation no longer fits is where reading stops
    "GW005": _is_broken,  # a bracket or quote shows where the next one is met
    "GW006": _is_broken,
    "GW019": _is_broken,
}
"""Codes whose place is as good as that of the mutation, and of which mutations."""


def reason_for(mutation: Mutation) -> str | None:
    """Return why nothing is said of a mutation, None where something should be."""
    return next((reason for reason, holds in REASONS.items() if holds(mutation)), None)


def is_pointed(verdict: Verdict) -> bool:
    """Say whether a finding points at the mutated place, or at one that is as good."""
    if verdict.pointed:
        return True
    mutation = verdict.mutation
    if mutation.kind == "a key taken out":  # what needs it says so by its name, wherever that is
        gone = _words_gone(mutation)
        unguarded = _last(mutation) == "when"  # what a condition has kept from being written blindly is said there
        return any(gone & _named(one, mutation) or (unguarded and one.code == "GW511") for one in verdict.findings)
    if _is_moved(mutation) and any(_last(mutation) in _named(one, mutation) for one in verdict.findings):
        return True
    after = min(mutation.lines)
    return any(
        one.code in _EQUAL
        and _EQUAL[one.code](mutation)
        and (not one.code.startswith("GW0") or one.span.start.line >= after)
        for one in verdict.findings
    )


_WORD = re.compile(r"\w+")


def _words_gone(mutation: Mutation) -> set[str]:
    """Return the words of the lines that were taken out, and what they stood in."""
    left = Counter(mutation.text.split("\n"))
    gone = Counter(shipped(mutation.file).lines) - left
    step = node_at(shipped(mutation.file).root, mutation.path[:-1])
    bound = step.get("as") if isinstance(step, MappingNode) else None
    named = {bound.text} if isinstance(bound, Scalar) else set()
    return {word for line in gone for word in _WORD.findall(line)} | _keys(mutation) | named


def _named(one: Diagnostic, mutation: Mutation) -> set[str]:
    """Return the words that a finding quotes, and those that it points at."""
    said = " ".join([one.message, one.help or "", *one.notes])
    found = {word for quoted in re.findall("`([^`]*)`", said) for word in _WORD.findall(quoted)}
    lines = mutation.text.split("\n") if one.path.endswith(mutation.file) else []
    return found.union(*(_WORD.findall(line) for line in lines[one.span.start.line - 1 : one.span.end.line]))

"""Types of expressions: what is known, what is wrong, and that nothing possible is taken for wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.expressions import NO_CONTEXT, EvaluationError, compile_expression
from gateway.expressions.inference import infer
from gateway.expressions.inferred import Inferred, Known
from gateway.expressions.kinds import kind_of
from gateway.expressions.types import (
    ANY,
    BOOLEAN,
    DATE,
    DECIMAL,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Type,
    in_words,
    list_of,
    object_of,
    text_of,
    type_of,
)

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)

TENANT = object_of(
    {"id": TEXT, "status": text_of(["trial", "active"]).nullable, "days": INTEGER, "price": DECIMAL},
    name="a row of `tenants`",
)
SCOPE = object_of(
    {
        "tenant": TENANT,
        "found": TENANT.nullable,
        "now": TIMESTAMP,
        "due": DATE.nullable,
        "count": INTEGER.nullable,
        "total": DECIMAL,
        "name": TEXT.nullable,
        "paid": BOOLEAN,
        "anything": ANY,
        "items": list_of(object_of({"amount": INTEGER, "tags": list_of(TEXT)}, name="an item")),
        "plans": object_of({"basic": object_of({"rank": INTEGER, "features": list_of(TEXT)})}),
    }
)
KNOWN = Known(scope=SCOPE, tables={"tenants": TENANT})


EACH = "to read it of each element, write `[].`; of the first, `[0].`"
SUM, DAYS = "argument 1 (`list`) of `sum`", "argument 1 (`a`) of `days_between`"


def look(text: str) -> Inferred:
    return infer(compile_expression(text).tree, KNOWN)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("tenant.status", {"text", "null"}),
        ("found.days", {"integer", "null"}),
        ("anything.at.all", set(ANY.kinds)),
        ("name || 'nobody'", {"text"}),
        ("paid && 'paid' || 'open'", {"text"}),
        ("total >= `100` && 'paid' || name", {"text", "null"}),
        ("count || `0`", {"integer"}),
        ("items[0].amount", {"integer", "null"}),
        ("items[].amount", {"list"}),
        ("sum(items[].amount)", {"integer", "null"}),
        ("length(items)", {"integer", "null"}),
        ("add(total, `1`)", {"integer", "decimal", "null"}),
        ("from_minor(items[0].amount, 'eur')", {"decimal", "null"}),
        ("add_days(due, `3`)", {"date", "null"}),
        ("later(now, anything)", {"date", "timestamp", "null"}),
        ("lookup('tenants', name).price", {"decimal", "null"}),
        ("lookup(plans, name).rank", {"integer", "null"}),
        ("{a: total}.a", {"decimal"}),
        ("[total, name][0]", {"decimal", "text", "null"}),
        ("items[?amount > `3`] | [0].tags[0]", {"text", "null"}),
        ("items[].tags[] | join(',', @)", {"text", "null"}),
        ("max_by(items, &amount).tags", {"list", "null"}),
        ("plans.* | [0].rank", {"integer", "null"}),
        ("!name", {"boolean"}),
        ("now > due", {"boolean", "null"}),
        ("map(&amount, items)[0]", {"integer", "null"}),
        ("type(total)", {"text", "null"}),
    ],
)
def test_the_type_of_an_expression(text: str, wanted: set[str]) -> None:
    inferred = look(text)
    assert inferred.problems == ()
    assert set(inferred.type.kinds) == wanted


LIST = "a text is not looked through for a list: the list is the first argument"


@pytest.mark.parametrize(
    ("text", "message", "at"),
    [
        ("tenant.naem", "a row of `tenants` has no `naem`", "naem"),
        ("items[0].amuont", "an item has no `amuont`", "amuont"),
        ("lookup('tenants', name).pirce", "a row of `tenants` has no `pirce`", "pirce"),
        ("{a: total}.b", "this object has no `b`", "b"),
        ("name.first", "text has no `first`", "first"),
        ("items.amount", f"a list has no `amount`: {EACH}", "amount"),
        ("tenant[0]", "an object has no element", "[0]"),
        ("name[*].x", "text has no elements", "name"),
        ("total.*", "a number has no members", "total"),
        ("name == total", "cannot compare text with a number", "name == total"),
        ("now < total", "cannot compare a timestamp with a number by `<`", "now < total"),
        ("paid < paid", "cannot compare a boolean with a boolean by `<`", "paid < paid"),
        ("items[].amount == total", "cannot compare a list with a number", "items[].amount == total"),
        ("items[?amount == 'x']", "cannot compare a number with text", "amount == 'x'"),
        ("tenant.status == 'actve'", "this is never `actve`: it is one of `active`, `trial`", "'actve'"),
        ("upper(total)", "argument 1 (`text`) of `upper` must be text, this is a number", "total"),
        ("sum(items[].tags)", f"{SUM} must be a list of numbers, this holds a list", "items[].tags"),
        ("sum(total)", f"{SUM} must be a list, this is a number", "total"),
        ("days_between(name, now)", f"{DAYS} must be a date or a timestamp, this is text", "name"),
        ("max_by(items, &amuont)", "an item has no `amuont`", "amuont"),
        ("tenant.status.x", "text has no `x`", "x"),
        ("lookup('unknown', name).price", "unknown table `unknown`", "'unknown'"),
        ("name == 'a' && total && name == 'b'", "this never holds beside the comparison with `a`", "name == 'b'"),
        ("name != 'a' || name != 'b'", "one of the two always holds: nothing is both `a` and `b`", "name != 'b'"),
        ("name == name", "both sides are the same", "name == name"),
        ("name || total || name", "this is written twice: the first counts", "name"),
        ("'a' || name", "this never counts: `a` before it always does", "name"),
        ("not_null(name, name)", "this is written twice: the first counts", "name"),
        ("contains(['tirial'], tenant.status)", "this is never `tirial`: it is one of `active`, `trial`", "'tirial'"),
        ("contains(name, ['a'])", f"{LIST} of `contains`", "['a']"),
        ("contains(items[].amount, name)", "no element is text: this list holds a number", "name"),
    ],
)  # fmt: skip
def test_what_is_wrong_for_every_event(text: str, message: str, at: str) -> None:
    [problem] = look(text).problems
    assert problem.message == message
    assert text[problem.start : problem.end] == at


def test_what_is_said_of_kinds() -> None:
    assert in_words(TEXT.nullable) == "text"
    assert in_words(type_of(Decimal("1.5")) | TEXT) == "text or a number"


names = st.sampled_from([str(name) for name in SCOPE.fields or {}])
paths = st.one_of(
    names,
    names.map(lambda name: f"{name}[0]"),
    names.map(lambda name: f"{name}[].amount"),
    names.map(lambda name: f"{name}.id"),
    names.map(lambda name: f"{name}.*"),
    st.sampled_from(["`3`", "`1.5`", "'text'", "`true`", "`null`", "`[1, 2]`", '`{"id": "x"}`']),
)
expressions = st.recursive(
    paths,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["||", "&&", "==", "<"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda text: f"!{text}"),
        inner.map(lambda text: f"not_null({text}, 'x')"),
        inner.map(lambda text: f"to_array({text})"),
        inner.map(lambda text: f"[{text}, `1`]"),
        inner.map(lambda text: f"{{a: {text}}}.a"),
        inner.map(lambda text: f"length({text})"),
        st.tuples(inner, inner).map(lambda t: f"add({t[0]}, {t[1]})"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]}) | {t[1]}"),
    ),
    max_leaves=6,
)


def values_of(found: Type) -> st.SearchStrategy[Any]:
    """Values that a type of SCOPE allows."""
    options: list[st.SearchStrategy[Any]] = []
    kinds = found.kinds
    if "null" in kinds:
        options.append(st.none())
    if "integer" in kinds:
        options.append(st.integers(-3, 3))
    if "decimal" in kinds:
        options.append(st.decimals(-3, 3, places=1))
    if "text" in kinds:
        options.append(st.sampled_from(sorted(map(str, found.values or {"", "a", "b"}))))
    if "boolean" in kinds:
        options.append(st.booleans())
    if "timestamp" in kinds:
        options.append(st.just(NOON))
    if "date" in kinds:
        options.append(st.just(NOON.date()))
    if "list" in kinds:
        options.append(st.lists(values_of(found.element) if found.element else st.integers(0, 1), max_size=2))
    if "object" in kinds:
        fields = found.fields or {"id": TEXT}
        options.append(st.fixed_dictionaries({name: values_of(field) for name, field in fields.items()}))
    return st.one_of(options)


def kind_in(value: object, found: Type) -> bool:
    kind = kind_of(value)
    if kind == "number":
        kind = "integer" if isinstance(value, int) else "decimal"
    return kind in found.kinds


@given(text=expressions, scope=values_of(SCOPE))
def test_no_value_is_of_a_kind_that_was_not_inferred(text: str, scope: dict[str, Any]) -> None:
    inferred = look(text)
    try:
        value = compile_expression(text)(scope, NO_CONTEXT)
    except EvaluationError:
        return
    if any(problem.about == "field" for problem in inferred.problems):
        return
    assert kind_in(value, inferred.type), (text, value, inferred.type)

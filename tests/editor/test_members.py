"""What is being written inside an expression."""

from __future__ import annotations

import pytest

from gateway.config.payload_schemas import payload_schemas
from gateway.editor.members import Literal, Member, member_at
from gateway.expressions.inferred import Known
from gateway.expressions.types import TEXT, object_of, text_of

INVOICE = payload_schemas("stripe").payload("invoice.paid")
assert INVOICE is not None
STATUS = text_of(["active", "overdue"])
SCOPE = object_of({"tenant": object_of({"id": TEXT, "status": STATUS}), "invoice": INVOICE, "name": TEXT})

INSIDE_LINE, INSIDE_INVOICE, TOP = "discount_amounts", "account_country", "livemode"

IN_PAYLOAD = [
    ("", "", TOP),
    ("da", "da", TOP),
    ("data.object.cus", "cus", INSIDE_INVOICE),
    ("data.object.lines.data[].", "", INSIDE_LINE),
    ("data.object.lines.data[*].a", "a", INSIDE_LINE),
    ("data.object.lines.data[0].", "", INSIDE_LINE),
    ("data.object.lines.data[?amount > `1` && per", "per", INSIDE_LINE),
    ("data.object.lines.data[?amount > `1`].per", "per", INSIDE_LINE),
    ("livemode || data.object.", "", INSIDE_INVOICE),
    ("length(data.object.lines.data[].", "", INSIDE_LINE),
    ("not_null(id, data.object.", "", INSIDE_INVOICE),
    ("data.object.{a: cus", "cus", INSIDE_INVOICE),
    ("data.object.[id, am", "am", INSIDE_INVOICE),
    ("data.object | cus", "cus", INSIDE_INVOICE),
    ("data.object.lines.data[] | [0].", "", INSIDE_LINE),
    ("sort_by(data.object.lines.data, &am", "am", INSIDE_LINE),
    ("sort_by(data.object.lines.data, &amount) | [0].", "", INSIDE_LINE),
    ("(data.object || data.object).", "", INSIDE_INVOICE),
    ("id == '}' && data.object.", "", INSIDE_INVOICE),
    ("@.data.object.", "", INSIDE_INVOICE),
]


@pytest.mark.parametrize(("text", "word", "member"), IN_PAYLOAD)
def test_a_member_is_of_what_stands_before_it(text: str, word: str, member: str) -> None:
    found = member_at(text, len(text), Known(scope=INVOICE), template=False)
    assert isinstance(found, Member)
    assert (found.word, found.start) == (word, len(text) - len(word))
    assert member in (found.owner.fields or {})


IN_TEMPLATE = [
    ("$", "", True),
    ("a $te", "te", True),
    ("$tenant.i", "i", False),
    ("${ te", "te", True),
    ("${ tenant.id } and ${ na", "na", True),
    ("${ tenant.id } and $na", "na", True),
    ("${ {a: tenant.", "", False),
    ("$$ $na", "na", True),
]


@pytest.mark.parametrize(("text", "word", "in_scope"), IN_TEMPLATE)
def test_names_in_a_text_are_of_the_scope(text: str, word: str, in_scope: bool) -> None:
    found = member_at(text, len(text), Known(scope=SCOPE), template=True)
    assert isinstance(found, Member)
    assert (found.word, found.in_scope) == (word, in_scope)
    assert ("tenant" in (found.owner.fields or {})) is in_scope


@pytest.mark.parametrize("text", ["plain te", "a $$te", "${ tenant.id } na", "${ {te"])
def test_no_name_stands_in_plain_text(text: str) -> None:
    assert member_at(text, len(text), Known(scope=SCOPE), template=True) is None


@pytest.mark.parametrize("text", ["`1` + ", "tenant id", "data.object.{a", "?", "tenant.id ="])
def test_nothing_is_made_up(text: str) -> None:
    found = member_at(text, len(text), Known(scope=SCOPE), template=False)
    assert found is None or found.word == ""


@pytest.mark.parametrize("text", ["tenant.status == 'ac", "name == 'x' || tenant.status != 'ac"])
def test_what_a_text_is_compared_with_is_known(text: str) -> None:
    found = member_at(text, len(text), Known(scope=SCOPE), template=False)
    assert isinstance(found, Literal)
    assert (found.word, found.against.values) == ("ac", STATUS.values)

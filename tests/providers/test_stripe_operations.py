"""What is known of Stripe's operations without its SDK, and with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.providers import stripe_operations, stripe_sdk
from gateway.providers.stripe_operations import find_operation, known_operations


def test_the_files_say_what_the_installed_sdk_says() -> None:
    folder = Path(stripe_operations.__file__).parent / "data"
    operations, parameters = stripe_sdk.written()
    assert (folder / stripe_operations.DATA).read_text() == operations
    assert (folder / stripe_operations.PARAMETERS).read_text() == parameters


def test_an_operation_names_its_address_its_parameters_and_its_words() -> None:
    found = find_operation("customers.payment_methods.retrieve")
    assert found is not None
    assert found.path == ("customer", "payment_method")
    intent = known_operations()["payment_intents.create"]
    assert intent.path == ()
    assert {"amount", "currency", "metadata"} <= set(intent.params)
    assert set(intent.required) == {"amount", "currency"}
    assert intent.returns == "payment_intent"
    assert intent.taken["capture_method"].words == ("automatic", "automatic_async", "manual")
    assert "idempotency_key" not in intent.params


def test_what_parameters_take_is_known_at_any_depth() -> None:
    session = known_operations()["checkout.sessions.create"].taken
    items = session["line_items"]
    assert items.kinds == {"list"}
    assert items.element is not None
    price = items.element.members[0].all["price_data"].members[0]
    assert set(price.required) == {"currency"}
    assert price.all["unit_amount"].kinds == {"integer"}
    assert price.all["unit_amount_decimal"].kinds == {"number"}
    recurring = price.all["recurring"].members[0].all["interval"]
    assert (recurring.words, recurring.others, recurring.required) == (("day", "month", "week", "year"), True, True)
    assert session["metadata"].kinds == {"names"}
    # A word and a number, a name that is a word of Python, a text or an object.
    assert known_operations()["subscriptions.update"].taken["trial_end"].kinds == {"words", "integer"}
    options = known_operations()["tax.registrations.create"].taken["country_options"].members[0].all
    assert {"in", "is", "de"} <= set(options)
    assert known_operations()["customers.update"].taken["address"].kinds == {"empty", "object"}


@pytest.mark.parametrize("name", ["customers", "customers.invent", "nobody.create", "", ".", "customers.__init__"])
def test_what_is_no_operation_is_not_found(name: str) -> None:
    assert find_operation(name) is None
    assert stripe_sdk.operation(name) is None


def test_where_another_version_is_installed_the_sdk_itself_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe_operations, "_installed", lambda: "99.0.0")
    found, known = find_operation("customers.create"), known_operations()["customers.create"]
    assert found is not None
    assert (found.path, found.returns) == (known.path, known.returns)
    assert found.params == known.params
    address = found.taken["address"].members[0].all
    assert address == known.taken["address"].members[0].all
    assert "postal_code" in address
    assert find_operation("customers.invent") is None


def test_looking_an_operation_up_imports_no_sdk() -> None:
    code = "import sys; from gateway.providers.stripe_operations import find_operation as f; "
    code += "assert f('customers.create'); sys.exit('stripe' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

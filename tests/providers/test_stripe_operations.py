"""What is known of Stripe's operations without its SDK, and with it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gateway.providers import stripe_operations, stripe_sdk
from gateway.providers.stripe_operations import find_operation, fractions, known_operations


def test_the_file_says_what_the_installed_sdk_says() -> None:
    assert dict(known_operations()) == dict(stripe_sdk.operations())
    assert fractions() == frozenset(stripe_sdk.fractions())


def test_an_operation_names_its_address_its_parameters_and_its_words() -> None:
    found = find_operation("customers.payment_methods.retrieve")
    assert found is not None
    assert found.path == ("customer", "payment_method")
    intent = known_operations()["payment_intents.create"]
    assert intent.path == ()
    assert {"amount", "currency", "metadata"} <= set(intent.params)
    assert set(intent.required) == {"amount", "currency"}
    assert intent.returns == "payment_intent"
    assert intent.values["capture_method"] == ("automatic", "automatic_async", "manual")
    assert "idempotency_key" not in intent.params


@pytest.mark.parametrize("name", ["customers", "customers.invent", "nobody.create", "", ".", "customers.__init__"])
def test_what_is_no_operation_is_not_found(name: str) -> None:
    assert find_operation(name) is None
    assert stripe_sdk.operation(name) is None


def test_where_another_version_is_installed_the_sdk_itself_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe_operations, "_installed", lambda: "99.0.0")
    assert find_operation("customers.create") == known_operations()["customers.create"]
    assert find_operation("customers.invent") is None


def test_looking_an_operation_up_imports_no_sdk() -> None:
    code = "import sys; from gateway.providers.stripe_operations import find_operation as f; "
    code += "assert f('customers.create'); sys.exit('stripe' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

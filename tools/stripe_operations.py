"""Write the operations of the installed Stripe SDK to gateway/providers/data/stripe_operations.json."""

from __future__ import annotations

import json
from pathlib import Path

import stripe

from gateway.providers.stripe_operations import DATA, Operation
from gateway.providers.stripe_sdk import fractions, operations

TARGET = Path(__file__).parent.parent / "gateway" / "providers" / "data" / DATA


def main() -> None:
    """Read the services' methods, and write them one a line."""
    lines = [f"  {json.dumps(name)}: {json.dumps(_compact(found))}" for name, found in operations()]
    head = (
        f'{{"sdk": "{stripe.VERSION}", "api_version": "{stripe.api_version}",\n'
        f'"fractions": {json.dumps(fractions())},\n"operations": {{\n'
    )
    TARGET.write_text(head + ",\n".join(lines) + "\n}}\n")
    print(f"{len(lines)} operations written to {TARGET.name}")


def _compact(operation: Operation) -> dict[str, object]:
    found = operation._asdict()
    return found if found["values"] else {key: one for key, one in found.items() if key != "values"}


if __name__ == "__main__":
    main()

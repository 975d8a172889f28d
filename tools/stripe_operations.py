"""Write the operations of the installed Stripe SDK to gateway/providers/data/stripe_operations.json."""

from __future__ import annotations

import json
from pathlib import Path

import stripe

from gateway.providers.stripe_operations import DATA
from gateway.providers.stripe_sdk import operations

TARGET = Path(__file__).parent.parent / "gateway" / "providers" / "data" / DATA


def main() -> None:
    """Read the services' methods, and write them one a line."""
    lines = [f"  {json.dumps(name)}: {json.dumps(found._asdict())}" for name, found in operations()]
    head = f'{{"sdk": "{stripe.VERSION}", "api_version": "{stripe.api_version}", "operations": {{\n'
    TARGET.write_text(head + ",\n".join(lines) + "\n}}\n")
    print(f"{len(lines)} operations written to {TARGET.name}")


if __name__ == "__main__":
    main()

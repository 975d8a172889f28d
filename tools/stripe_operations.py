"""Write the operations of the installed Stripe SDK, and what their parameters take, to gateway/providers/data."""

from __future__ import annotations

from pathlib import Path

from gateway.providers.stripe_operations import DATA, PARAMETERS
from gateway.providers.stripe_sdk import written

FOLDER = Path(__file__).parent.parent / "gateway" / "providers" / "data"


def main() -> None:
    """Read the services' methods and the typed parameters, and write them one a line."""
    operations, parameters = written()
    (FOLDER / DATA).write_text(operations)
    (FOLDER / PARAMETERS).write_text(parameters)
    print(f"written to {DATA} and {PARAMETERS}")


if __name__ == "__main__":
    main()

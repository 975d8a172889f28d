"""Write the event types that the installed Stripe SDK names to gateway/providers/data/stripe_event_types.json."""

from __future__ import annotations

import json
import typing
from pathlib import Path

import stripe

TARGET = Path(__file__).parent.parent / "gateway" / "providers" / "data" / "stripe_event_types.json"


def main() -> None:
    """Read `Event.type`, a Literal of all types, and write them sorted."""
    annotation = typing.get_type_hints(stripe.Event, vars(stripe._event))["type"]
    types = sorted(typing.get_args(annotation))
    TARGET.parent.mkdir(exist_ok=True)
    found = {"api_version": stripe.api_version, "sdk": stripe.VERSION, "types": types}
    TARGET.write_text(json.dumps(found, indent=1) + "\n")
    print(f"{len(types)} event types written to {TARGET.name}")


if __name__ == "__main__":
    main()

"""Write the event types that WorkOS's SDK names to gateway/providers/data/workos_event_types.json.

The SDK is no dependency: install `workos` into an environment of its own and run this there.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from workos.events.models import EventSchema

TARGET = Path(__file__).parent.parent / "gateway" / "providers" / "data" / "workos_event_types.json"


def main() -> None:
    """Read the table by which the SDK tells events apart, and write its names sorted."""
    types = sorted(EventSchema._DISPATCH)
    found = {"sdk": version("workos"), "types": types}
    TARGET.write_text(json.dumps(found, indent=1) + "\n")
    print(f"{len(types)} event types written to {TARGET.name}")


if __name__ == "__main__":
    main()

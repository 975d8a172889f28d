"""Changes to a sample payload by path, such as `data.object.items[0].id`."""

from __future__ import annotations

import re
from typing import Any

from gateway.config.diagnostics import did_you_mean

_STEP = re.compile(r"""(?:^|(?<=.)\.)([A-Za-z_][A-Za-z0-9_-]*)|(?:^|(?<=.)\.)"([^"]+)"|\[([0-9]{1,6})\]""")

Step = str | int


def parse_path(text: str) -> tuple[Step, ...]:
    """Return the keys and indexes of a path: names with points between them, `"quoted names"`, `[0]`.

    Raises:
        ValueError: with the sentence for the operator.
    """
    steps: list[Step] = []
    position = 0
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None:
            break
        steps.append(int(found[3]) if found[3] else found[1] or found[2])
        position = found.end()
    if not steps or position < len(text):
        raise ValueError(f"`{text}` is not a path such as `data.object.items[0].id`")
    return tuple(steps)


def edit(payload: object, path: str, value: object) -> None:
    """Put a value at a path of a payload, in place. Its last key may be new; all before it must be there.

    Raises:
        ValueError: with the sentence for the operator.
    """
    *way, last = parse_path(path)
    holder: Any = payload
    for step in way:
        _require(holder, step, path)
        holder = holder[step]
    if isinstance(holder, list) and last == len(holder):
        holder.append(value)
        return
    if not (isinstance(holder, dict) and isinstance(last, str)):
        _require(holder, last, path)
    holder[last] = value


def _require(holder: object, step: Step, path: str) -> None:
    match holder, step:
        case dict(), str() if step not in holder:
            near = did_you_mean(step, holder)
            hint = f", did you mean `{near}`?" if near else ""
            raise ValueError(f"the payload has no `{step}` on the way of `{path}`{hint}")
        case list(), int() if step >= len(holder):
            raise ValueError(f"the list on the way of `{path}` has {len(holder)} entries, not [{step}]")
        case (dict(), str()) | (list(), int()):
            return
        case _:
            wanted = (
                f"list that could have an entry [{step}]"
                if isinstance(step, int)
                else f"mapping that could have `{step}`"
            )
            raise ValueError(f"`{path}` cannot be followed: there is no {wanted}")

"""Taking named values out of a payload, noting which alternative answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.config.extraction import Extraction
from gateway.config.tables import UNSET
from gateway.expressions import CoercionError, Context, EvaluationError, coercion, compile_pattern

Found = tuple[object, int | None]
"""A value, and the number of the alternative that answered; None where none did."""

Noted = dict[str, Found]
"""What was found, by name."""

Extract = Callable[[object, Context, dict[str, Any], Noted], None]


class ExtractionFailed(Exception):
    """A value is required and absent, or cannot be read as its type."""


def link_extractions(extractions: Sequence[Extraction]) -> Extract | None:
    """Return the function that adds the values of a payload to a scope, or None where there is nothing to take.

    The function raises ExtractionFailed, naming the value.
    """
    if not extractions:
        return None
    linked = [(one.name, _reads(one), (None if one.default is UNSET else one.default, None)) for one in extractions]

    def extract(payload: object, context: Context, scope: dict[str, Any], noted: Noted) -> None:
        name = ""
        try:
            for name, reads, nothing in linked:
                for number, read in reads:
                    value = read(payload, context)
                    if value is not None:
                        scope[name], noted[name] = value, (value, number)
                        break
                else:
                    scope[name], noted[name] = nothing[0], nothing
        except (CoercionError, EvaluationError) as error:
            raise ExtractionFailed(f"extract `{name}`: {error}") from error

    return extract


Read = Callable[[Any, Context], object]


def _reads(extraction: Extraction) -> list[tuple[int, Read]]:
    """Return the alternatives, numbered, and behind those of a required value what refuses the event."""
    convert = _converter(extraction)
    reads = [_reading(path.expression.evaluate, convert) for path in extraction.alternatives]
    if extraction.required and (extraction.default is UNSET or extraction.default is None):
        reads.append(_refusing(extraction))
    return list(enumerate(reads))


def _reading(read: Read, convert: Callable[[object], object] | None) -> Read:
    if convert is None:
        return read
    return lambda payload, context: None if (value := read(payload, context)) is None else convert(value)


def _refusing(extraction: Extraction) -> Read:
    listed = ", ".join(f"`{path.expression.text}`" for path in extraction.alternatives)

    def refuse(_payload: object, _context: Context) -> object:
        raise ExtractionFailed(f"extract `{extraction.name}`: a value is required, the payload has none at {listed}")

    return refuse


def _converter(extraction: Extraction) -> Callable[[object], object] | None:
    as_type, match = extraction.as_type, extraction.match
    convert = None if as_type is None else coercion(as_type, zone=extraction.zone)
    if match is None:
        return convert
    capture = compile_pattern(match).capture

    def converted(value: object) -> object:
        part = capture(value) if isinstance(value, str) else None
        return part if part is None or convert is None else convert(part)

    return converted


def settings_for(own: Mapping[str, object], overrides: Mapping[str, object]) -> dict[str, object]:
    """Return a file's settings with a source's overrides; mappings are merged key by key."""
    merged = dict(own)
    for key, value in overrides.items():
        before = merged.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            merged[key] = settings_for(before, value)
        else:
            merged[key] = value
    return merged

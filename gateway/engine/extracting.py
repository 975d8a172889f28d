"""Taking named values out of a payload, noting which alternative answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.config.extraction import Extraction
from gateway.config.tables import UNSET
from gateway.expressions import CoercionError, Context, EvaluationError, coerce, compile_pattern

Noted = dict[str, list[object]]
"""name -> [value, which alternative answered]; the second is null where none did."""

Extract = Callable[[object, Context, dict[str, Any], Noted], None]


class ExtractionFailed(Exception):
    """A value is required and absent, or cannot be read as its type."""


def link_extractions(extractions: Sequence[Extraction]) -> Extract | None:
    """Return the function that adds the values of a payload to a scope, or None where there is nothing to take.

    The function raises ExtractionFailed, naming the value.
    """
    if not extractions:
        return None
    linked = [(extraction.name, _link(extraction)) for extraction in extractions]

    def extract(payload: object, context: Context, scope: dict[str, Any], noted: Noted) -> None:
        for name, take in linked:
            try:
                value, alternative = take(payload, context)
            except (CoercionError, EvaluationError) as error:
                raise ExtractionFailed(f"extract `{name}`: {error}") from error
            scope[name] = value
            noted[name] = [value, alternative]

    return extract


def _link(extraction: Extraction) -> Callable[[object, Context], tuple[object, int | None]]:
    paths = [path.expression.evaluate for path in extraction.alternatives]
    convert = _converter(extraction)
    default = None if extraction.default is UNSET else extraction.default
    name, required = extraction.name, extraction.required
    if len(paths) == 1 and convert is None and not required:
        only = paths[0]

        def take_one(payload: object, context: Context) -> tuple[object, int | None]:
            value = only(payload, context)
            return (default, None) if value is None else (value, 0)

        return take_one

    def take(payload: object, context: Context) -> tuple[object, int | None]:
        for number, path in enumerate(paths):
            value = path(payload, context)
            if value is not None and convert is not None:
                value = convert(value)
            if value is not None:
                return value, number
        if required and default is None:
            raise ExtractionFailed(
                f"extract `{name}`: a value is required, the payload has none at {_listed(extraction)}"
            )
        return default, None

    return take


def _listed(extraction: Extraction) -> str:
    return ", ".join(f"`{path.expression.text}`" for path in extraction.alternatives)


def _converter(extraction: Extraction) -> Callable[[object], object] | None:
    pattern = None if extraction.match is None else compile_pattern(extraction.match)
    as_type, zone = extraction.as_type, extraction.zone
    if pattern is None and as_type is None:
        return None

    def convert(value: object) -> object:
        if pattern is not None:
            value = pattern.capture(value) if isinstance(value, str) else None
        return value if value is None or as_type is None else coerce(value, as_type, zone=zone)

    return convert


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

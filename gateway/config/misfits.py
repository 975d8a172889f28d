"""Asks the JSON Schema library what does not fit, in a form the messages can be made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from gateway.config.nodes import Plain, Step
from gateway.config.remembering import once_for_each
from gateway.records import dataclass

if TYPE_CHECKING:
    from jsonschema import ValidationError

Schema: TypeAlias = Mapping[str, Any]

_OF_THE_VALUE_ITSELF = ("type", "enum", "const", "pattern", "minLength")


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """One keyword of a schema that a value does not satisfy."""

    keyword: str
    """The keyword; "false" where the schema allows nothing."""
    wanted: Any
    """What the schema says for the keyword."""
    schema: Schema
    """The schema that holds the keyword."""
    value: Any
    path: tuple[Step, ...]
    """The way to the value, from the root."""
    branches: tuple[tuple[Misfit, ...], ...] = ()
    """For `anyOf` and `oneOf`: what is wrong by each alternative, in their order; empty when several fit."""

    @property
    def alternatives(self) -> tuple[Schema, ...]:
        """Return the schemas that `anyOf` or `oneOf` allow."""
        return tuple(self.wanted) if self.keyword in ("anyOf", "oneOf") else ()


def misfits(value: Plain, schema: Schema) -> Iterator[Misfit]:
    """Yield what does not fit, in no particular order."""
    if _fits_at_a_glance(value, schema):
        return
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(schema).iter_errors(value):
        yield _misfit(error, schema)


def _fits_at_a_glance(value: Plain, schema: Schema) -> bool:
    """Say whether a value fits, by a library that is a hundred times faster and less able to say why it does not."""
    try:
        return bool(_quick_validator(schema).is_valid(value))
    except ValueError:  # a number that only Python can hold
        return False


@once_for_each
def _quick_validator(schema: Schema) -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(dict(schema))


def fits(value: Plain, schema: Schema) -> bool:
    """Say whether a value has the shape that a schema wants."""
    return next(misfits(value, schema), None) is None


def of_another_kind(errors: tuple[Misfit, ...], depth: int) -> bool:
    """Say whether the value at `depth` itself, not something inside it, is not what was wanted."""
    return any(error.keyword in _OF_THE_VALUE_ITSELF and len(error.path) == depth for error in errors)


def likeliest(branches: list[tuple[Misfit, ...]], depth: int) -> tuple[Misfit, ...]:
    """Return the errors of the alternative that was probably meant.

    An alternative is told by a constant in it (`scheme: hmac`); then by how little is wrong.
    """

    def unlikeliness(errors: tuple[Misfit, ...]) -> tuple[bool, int]:
        told_apart = any(error.keyword in ("const", "enum") and len(error.path) == depth + 1 for error in errors)
        return told_apart, len(errors)

    return min(branches, key=unlikeliness)


def _misfit(error: ValidationError, root: Schema) -> Misfit:
    keyword = error.validator if isinstance(error.validator, str) else "false"
    wanted = error.validator_value
    branches: dict[int, list[Misfit]] = {}
    for inner in error.context or () if keyword in ("anyOf", "oneOf") else ():
        branches.setdefault(int(inner.relative_schema_path[0]), []).append(_misfit(inner, root))
    return Misfit(
        keyword=keyword,
        wanted=[_resolved(each, root) for each in wanted] if keyword in ("anyOf", "oneOf") else wanted,  # type: ignore[union-attr] # both keywords hold lists
        schema=_resolved(error.schema, root),
        value=error.instance,
        path=tuple(error.absolute_path),
        branches=tuple(tuple(branches[index]) for index in sorted(branches)),
    )


def _resolved(schema: object, root: Schema) -> Schema:
    """Return a schema itself where it is a reference into the `$defs` of the root."""
    while isinstance(schema, Mapping) and "$ref" in schema:
        schema = root["$defs"][str(schema["$ref"]).removeprefix("#/$defs/")]
    return schema if isinstance(schema, Mapping) else {}

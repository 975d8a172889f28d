"""Checks a node against a JSON Schema (draft 2020-12) and says what is wrong at its place.

The schema's own words help: `title` is what a value is ("a duration such as `5m`"), `examples` show how one
is written, `writeOnly` marks a secret, which no message quotes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gateway.config import wording
from gateway.config.diagnostics import DocumentFindings, Located, did_you_mean
from gateway.config.mending import meant_key
from gateway.config.misfits import Misfit, Schema, fits, likeliest, misfits, of_another_kind
from gateway.config.nodes import Mapping, Node, Scalar, Sequence, Step, is_written, node_at
from gateway.config.schema_walk import alternatives
from gateway.config.synonyms import done_otherwise
from gateway.records import dataclass, field

if TYPE_CHECKING:
    from gateway.config.document import Document

_UNITS = ("a duration", "a size", "a rate", "a percentage")
"""How the titles of schemas of units begin."""


def check_shape(
    document: Document,
    node: Node,
    schema: Schema,
    findings: DocumentFindings,
    *,
    key: Located | None = None,
) -> bool:
    """Report whatever in a node of `document` does not fit, each cause once; say whether all fitted.

    `key` is the place that stands for the node as a whole, where something is missing from it: the key that
    the node stands under, if any.
    """
    judge = _Judge(node, findings, key)
    for misfit in misfits(node.plain(), schema):
        judge.report(misfit)
    judge.report_keys()
    return judge.fitted


@dataclass(slots=True)
class _Keys:
    """What is wrong with the keys of one mapping: one slip shows as an unknown key and a missing one."""

    unknown: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    known: dict[str, Schema] = field(default_factory=dict)


class _Judge:
    """Turns misfits of one node into diagnostics."""

    def __init__(self, root: Node, findings: DocumentFindings, key: Located | None) -> None:
        self.fitted = True
        self._root = root
        self._findings = findings
        self._key = key
        self._keys: dict[tuple[Step, ...], _Keys] = {}
        self._one_level_up: set[tuple[Step, ...]] = set()

    def report(self, misfit: Misfit) -> None:
        """Record one misfit, unless the value is unknown anyway."""
        self.fitted = False
        node = node_at(self._root, misfit.path)
        if isinstance(node, Scalar) and not node.known:
            return
        match misfit.keyword:
            case "anyOf" | "oneOf":
                self._alternatives(misfit, node)
            case "additionalProperties" | "unevaluatedProperties" if isinstance(node, Mapping):
                self._collect_unknown(misfit, node)
            case "required":
                self._collect_missing(misfit)
            case "enum" | "const":
                self._not_allowed(misfit, node)
            case "type":
                self._wrong_kind(misfit, [misfit.schema], node)
            case _:
                self._outside_limit(misfit, node)

    def report_keys(self) -> None:
        """Record unknown and missing keys; a slip in the spelling of a missing key is one finding."""
        for path, keys in self._keys.items():
            node = node_at(self._root, path)
            for name in keys.unknown if path not in self._one_level_up else ():
                self._report_unknown(name, node, keys, path)
            if keys.missing:
                noun = "key" if len(keys.missing) == 1 else "keys"
                self._findings.error(
                    "GW102",
                    f"missing {noun} {wording.both(keys.missing)}{_inside(path)}",
                    self._whole(path),
                    help=wording.lacking(keys.missing, keys.known),
                )

    def _report_unknown(self, name: str, node: Node, keys: _Keys, path: tuple[Step, ...]) -> None:
        near = meant_key(name, keys.missing, keys.known)
        if near in keys.missing:
            keys.missing.remove(near)
        self._findings.error(
            "GW101",
            f"unknown key `{name}`{_inside(path)}",
            _key_of(node, name),
            help=f"did you mean `{near}`?" if near else _belonging(name, keys.known),
        )

    def _alternatives(self, misfit: Misfit, node: Node) -> None:
        depth = len(misfit.path)
        fitting = [errors for errors in misfit.branches if not of_another_kind(errors, depth)]
        if not misfit.branches:
            self._excluding(misfit, node)
        elif all(_is_lack(errors, depth) for errors in misfit.branches):
            names = [str(name) for each in misfit.alternatives for name in each.get("required", ())]
            message = f"missing key {wording.either(names)}{_inside(misfit.path)}"
            above = self._level_left_out(misfit, node)
            help = None if above is None else f"what stands here belongs one level deeper, under `{above}:`"
            self._findings.error("GW102", message, self._whole(misfit.path), help=help)
        elif fitting:
            for inner in likeliest(fitting, depth):
                self.report(inner)
        else:
            self._no_alternative(misfit, node)

    def _level_left_out(self, misfit: Misfit, node: Node) -> str | None:
        """Return the missing key that all unknown ones look like the entries of; they are then no mistakes."""
        properties: dict[str, Schema] = misfit.schema.get("properties", {})
        for name, schema in properties.items():
            inner = schema.get("additionalProperties")
            strangers = (
                [item for key, item in node.entries if key.text not in properties] if isinstance(node, Mapping) else []
            )
            if isinstance(inner, dict) and strangers and all(fits(item.plain(), inner) for item in strangers):
                self._one_level_up.add(misfit.path)
                return name
        return None

    def _excluding(self, misfit: Misfit, node: Node) -> None:
        """Record keys of which only one may be written."""
        names = [str(name) for each in misfit.alternatives for name in each.get("required", ())]
        written = [name for name in names if isinstance(node, Mapping) and node.get(name)]
        if not written:
            self._outside_limit(misfit, node)
            return
        self._findings.error("GW105", f"{wording.both(written)} exclude each other", _key_of(node, written[-1]))

    def _no_alternative(self, misfit: Misfit, node: Node) -> None:
        """Record a value that is of none of the kinds allowed, or wrong for the one kind it could be."""
        depth = len(misfit.path)
        right_type = [
            errors
            for errors in misfit.branches
            if not any(_of_another_type(error, node) for error in errors if len(error.path) == depth)
        ]
        if len(right_type) == 1 and wording.noun(misfit.schema) is None:
            for inner in right_type[0]:
                self.report(inner)
            return
        titled = [misfit.schema] if wording.noun(misfit.schema) else list(misfit.alternatives)
        self._wrong_kind(misfit, titled, node, values=wording.values(misfit.alternatives))

    def _collect_unknown(self, misfit: Misfit, node: Mapping) -> None:
        keys = self._keys.setdefault(misfit.path, _Keys())
        keys.known.update(misfit.schema.get("properties", {}))
        patterns = misfit.schema.get("patternProperties", {})
        keys.unknown.extend(
            key.text
            for key, _ in node.entries
            if key.text not in keys.known
            and key.text not in keys.unknown
            and not any(wording.matches(pattern, key.text) for pattern in patterns)
        )

    def _collect_missing(self, misfit: Misfit) -> None:
        keys = self._keys.setdefault(misfit.path, _Keys())
        keys.known.update(misfit.schema.get("properties", {}))
        keys.missing.extend(name for name in misfit.wanted if name not in misfit.value and name not in keys.missing)

    def _not_allowed(self, misfit: Misfit, node: Node) -> None:
        values = misfit.wanted if misfit.keyword == "enum" else [misfit.wanted]
        if not isinstance(node, Scalar) or not wording.same_kind(node, values):
            self._wrong_kind(misfit, [misfit.schema], node, values=values)
            return
        near = did_you_mean(node.text, [value for value in values if isinstance(value, str)])
        near = near or wording.synonym(node.text, values)
        found = wording.quoted(node, misfit.schema)
        self._findings.error(
            "GW104",
            f"{_subject(misfit.path)}{found} is not one of the values allowed",
            node,
            note=wording.origin_note(node),
            help=f"did you mean `{near}`?" if near else f"allowed: {wording.listed(values)}",
        )

    def _wrong_kind(self, misfit: Misfit, schemas: list[Schema], node: Node, values: Iterable[object] = ()) -> None:
        if any(schema.get("writeOnly") for schema in schemas) and is_written(node):
            return  # a secret written in the file, which is another finding
        text = node.text if isinstance(node, Scalar) else None
        is_unit = text and any(_is_unit(schema) for schema in schemas)
        near = did_you_mean(text, [one for one in values if isinstance(one, str)]) if text else None
        self._findings.error(
            "GW106" if is_unit else "GW103",
            f"{_subject(misfit.path)}expected {wording.expected(schemas)}, found {wording.found(node, misfit.schema)}",
            self._whole(misfit.path) if text == "" else node,
            note=wording.origin_note(node),
            help=f"did you mean `{near}`?" if near else _spelt_out(misfit.path, node) or wording.remedy(node, schemas),
        )

    def _outside_limit(self, misfit: Misfit, node: Node) -> None:
        # an error of `propertyNames` has the mapping's path and the key as its value
        key = node.key(misfit.value) if isinstance(node, Mapping) and isinstance(misfit.value, str) else None
        what = key or node
        if misfit.keyword == "uniqueItems" and isinstance(node, Sequence):
            what = node.items[_repeated(misfit.value)]
        self._findings.error(
            "GW106" if _is_unit(misfit.schema) else "GW104",
            f"{'a key of ' if key else ''}{_subject(misfit.path)}"
            f"{wording.limit(misfit.keyword, misfit.wanted, what, misfit.schema)}",
            what if key or isinstance(what, Scalar) else self._whole(misfit.path),
            note=wording.origin_note(what),
            help=_TAKE_OUT if misfit.keyword == "uniqueItems" else wording.remedy(what, [misfit.schema]),
        )

    def _whole(self, path: tuple[Step, ...]) -> Located:
        """Return the place that stands for a value as a whole: its key, else where it begins."""
        if not path:
            return self._key or _head(self._root)
        parent = node_at(self._root, path[:-1])
        key = parent.key(str(path[-1])) if isinstance(parent, Mapping) else None
        return key or _head(node_at(self._root, path))


_TAKE_OUT = "take one of them out"


def _repeated(items: Any) -> int:
    """Return the index of the first item that stands before it too."""
    return next((index for index, item in enumerate(items) if item in items[:index]), 0)


def _spelt_out(path: tuple[Step, ...], node: Node) -> str | None:
    """Say how a text is written that stands where a step or a column should be spelt out."""
    if not isinstance(node, Scalar) or not node.text or node.origin is not None or len(path) < 2:
        return None
    if path[-2] in ("do",) or path[:1] == ("procedures",):
        return f"a step names what it does: `run: {node.text}`" if node.text.isidentifier() else None
    return f"write `{{type: {node.text}}}`" if path[-2] == "columns" and node.text.isidentifier() else None


def _of_another_type(error: Misfit, node: Node) -> bool:
    match error.keyword:
        case "type":
            return True
        case "enum" | "const":
            return not wording.same_kind(node, error.wanted if error.keyword == "enum" else [error.wanted])
        case _:
            return False


def _is_unit(schema: Schema) -> bool:
    return str(schema.get("title", "")).startswith(_UNITS)


def _subject(path: tuple[Step, ...]) -> str:
    names = [step for step in path if isinstance(step, str)]
    if not names:
        return ""
    return f"`{names[-1]}`: " if isinstance(path[-1], str) else f"an entry of `{names[-1]}`: "


def _inside(path: tuple[Step, ...]) -> str:
    names = [step for step in path if isinstance(step, str)]
    return f" in `{names[-1]}`" if names else ""


def _head(node: Node) -> Located:
    return node.entries[0][0] if isinstance(node, Mapping) and node.entries else node


def _key_of(node: Node, name: str) -> Located:
    return (node.key(name) or node) if isinstance(node, Mapping) else node


def _is_lack(errors: tuple[Misfit, ...], depth: int) -> bool:
    return all(error.keyword == "required" and len(error.path) == depth for error in errors)


def _belonging(name: str, known: dict[str, Schema]) -> str | None:
    """Say where a key belongs that is known one level down, or which keys there are."""
    for parent, schema in known.items():
        if any(name in inner.get("properties", {}) for inner in alternatives([schema])):
            return f"`{name}` belongs under `{parent}`"
    otherwise = done_otherwise(name)
    return otherwise or (f"known keys: {wording.listed(sorted(known))}" if known else None)

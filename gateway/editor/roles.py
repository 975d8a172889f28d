"""What a scalar of a file is the name of, or what it is written in: by where it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from gateway.actions import ACTIONS_BY_NAME
from gateway.config.conditions import OPERATORS
from gateway.config.nodes import Mapping, Step
from gateway.editor.schemas import Kind
from gateway.editor.spots import Spot, follow, text_at


class What(StrEnum):
    """What scalars can be."""

    TABLE = "table"
    COLUMN = "column"
    VALUE = "value"
    """A value of a column."""
    PROCEDURE = "procedure"
    CHECK = "check"
    OPERATOR = "operator"
    DESTINATION = "destination"
    CHANNEL = "channel"
    SOURCE = "source"
    PROVIDER = "provider"
    EVENT_TYPE = "event type"
    SCHEDULE = "scheduled event"
    RULE = "rule"
    RULES_FILE = "rules file"
    SETTING = "setting"
    OPERATION = "operation"
    PARAMETER = "parameter"
    NEED = "name"
    """A name that a procedure has to be given."""
    EXTRACTED = "extracted name"
    BOUND = "bound name"
    PATH = "path"
    """A JMESPath into the payload."""
    CONDITION = "condition"
    """A JMESPath over the scope."""
    TEMPLATE = "template"
    """Text with `$name` and `${ … }`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What a scalar is."""

    what: What
    owner: str = ""
    """Of a column its table, of a column's value `table.column`, of a parameter its operation, of what a procedure
    needs that procedure."""
    declares: bool = False
    """Whether this is where the name comes from."""
    also: tuple[What, ...] = ()
    """What may be written in its place."""


Find = Callable[[Spot], Role | None]


def role_of(kind: Kind, spot: Spot) -> Role | None:
    """Return what a scalar of a file is, or None for what means nothing more than itself."""
    return _BY_KIND[kind](spot)


_TABLE_ACTIONS = ("find", "insert", "upsert", "update", "delete")
_ASSIGNING = ("values", "key", "set", "on_insert", "increment")
_NAMED_BY_ACTION = {
    **dict.fromkeys(_TABLE_ACTIONS, What.TABLE),
    "run": What.PROCEDURE,
    "send": What.DESTINATION,
    "publish": What.DESTINATION,
    "notify": What.CHANNEL,
    "stripe": What.OPERATION,
    "schedule": What.SCHEDULE,
}
_WORDS = ("level", "method", "refused", "expect", "cache", "name", "wait", "forward", "all", "retry")
"""Keys of steps whose values are taken as they stand."""


def _in_gateway(spot: Spot) -> Role | None:
    match spot.path:
        case ("sources", _) if spot.on_key:
            return Role(what=What.SOURCE, declares=True)
        case ("destinations", _) if spot.on_key:
            return Role(what=What.DESTINATION, declares=True)
        case ("channels", _) if spot.on_key:
            return Role(what=What.CHANNEL, declares=True)
        case ("sources", source, "settings", _) if spot.on_key:
            return Role(what=What.SETTING, owner=str(source))
        case _ if spot.on_key:
            return None
        case ("sources", _, "provider"):
            return Role(what=What.PROVIDER)
        case ("sources", _, "rules", _) | ("sources", _, "rules"):
            return Role(what=What.RULES_FILE)
        case ("alerts", _, "notify") | ("park", "notify"):
            return Role(what=What.CHANNEL)
        case ("alerts", _, "source"):
            return Role(what=What.SOURCE)
    return None


def _in_rules(spot: Spot) -> Role | None:
    match spot.path:
        case ("rules", _, "do", int(), *inner) | ("procedures", _, int(), *inner):
            return _in_step(spot, tuple(inner), spot.path[: len(spot.path) - len(inner)])
        case ("rules", _, "extract", *inner) | ("extract", *inner):
            return _in_extract(spot, tuple(inner))
        case ("tables", *inner):
            return _in_tables(spot, tuple(inner))
        case ("checks", name, *inner):
            return _in_check(spot, str(name), tuple(inner))
        case ("procedures", _) if spot.on_key:
            return Role(what=What.PROCEDURE, declares=True)
        case ("settings", _) if spot.on_key:
            return Role(what=What.SETTING, declares=True)
        case _ if spot.on_key:
            return None
        case ("rules", _, "name"):
            return Role(what=What.RULE, declares=True)
        case ("rules", _, "on") | ("rules", _, "on", _):
            return Role(what=What.EVENT_TYPE)
        case ("rules", _, "when"):
            return Role(what=What.CONDITION)
        case ("rules", _, "result"):
            return Role(what=What.TEMPLATE)
    return None


def _in_extract(spot: Spot, inner: tuple[Step, ...]) -> Role | None:
    match inner:
        case (_,) if spot.on_key:
            return Role(what=What.EXTRACTED, declares=True)
        case _ if spot.on_key:
            return None
        case (_,) | (_, int()) | (_, "path") | (_, "first", _):
            return Role(what=What.PATH)
    return None


def _in_tables(spot: Spot, inner: tuple[Step, ...]) -> Role | None:
    match inner:
        case (_,) if spot.on_key:
            return Role(what=What.TABLE, declares=True)
        case (table, "columns", _) if spot.on_key:
            return Role(what=What.COLUMN, owner=str(table), declares=True)
        case (table, "columns", column, "default") if not spot.on_key:
            return Role(what=What.VALUE, owner=f"{table}.{column}")
    return None


def _in_check(spot: Spot, name: str, inner: tuple[Step, ...]) -> Role | None:
    check = ("checks", name)
    if not inner:
        return Role(what=What.CHECK, declares=True) if spot.on_key else None
    match inner:
        case ("find" | "lacks",) if not spot.on_key:
            return Role(what=What.TABLE)
        case ("repair",) if not spot.on_key:
            return Role(what=What.PROCEDURE)
        case ("notify",) if not spot.on_key:
            return Role(what=What.CHANNEL)
        case ("where", *row):
            return _in_row(spot, tuple(row), text_at(spot.root, *check, "find"), tests=True)
        case ("by", *row):
            return _in_row(spot, tuple(row), text_at(spot.root, *check, "lacks"), tests=True)
        case ("as",) if not spot.on_key:
            return Role(what=What.BOUND, declares=True)
    return None


def _in_step(spot: Spot, inner: tuple[Step, ...], step: tuple[Step, ...]) -> Role | None:
    node = follow(spot.root, step)
    keys = [key.text for key, _ in node.entries] if isinstance(node, Mapping) else []
    action = next((key for key in keys if key in ACTIONS_BY_NAME), "")
    match inner:
        case ("when",) | ("require",) if not spot.on_key:
            return Role(what=What.CONDITION)
        case ("as",) if not spot.on_key:
            return Role(what=What.BOUND, declares=True)
        case (name,) if not spot.on_key and name == action and action in _NAMED_BY_ACTION:
            return Role(what=_NAMED_BY_ACTION[action], declares=action == "schedule")
        case ("as_of",) if not spot.on_key:
            return Role(what=What.COLUMN, owner=text_at(node, action))
        case ("order_by", *_) if not spot.on_key:
            return Role(what=What.COLUMN, owner=text_at(node, action))
        case ("where", int(), *row) | ("where", *row):
            return _in_row(spot, tuple(row), text_at(node, action), tests=True)
        case (part, *row) if action in _TABLE_ACTIONS and part in _ASSIGNING:
            return _in_row(spot, tuple(row), text_at(node, action))
        case ("with", _) if spot.on_key:
            return Role(what=What.NEED, owner=text_at(node, "run"))
        case ("params", _) if spot.on_key:
            return Role(what=What.PARAMETER, owner=text_at(node, "stripe"))
    if spot.on_key or not inner or inner[0] in _WORDS:
        return None
    return Role(what=What.TEMPLATE)


def _in_row(spot: Spot, inner: tuple[Step, ...], table: str, *, tests: bool = False) -> Role | None:
    """Return what something in a mapping of columns and values is; `tests`: they are compared, not set."""
    match inner:
        case (_, _) if spot.on_key and tests:
            return Role(what=What.OPERATOR)
        case () if not spot.on_key:
            return Role(what=What.COLUMN, owner=table)
        case (_,) if spot.on_key:
            return Role(what=What.COLUMN, owner=table)
        case (column, *rest) if not spot.on_key and (not rest or rest[0] in OPERATORS or isinstance(rest[0], int)):
            return Role(what=What.TEMPLATE, owner=f"{table}.{column}", also=(What.VALUE,))
        case (_, *_) if not spot.on_key:
            return Role(what=What.TEMPLATE)
    return None


def _in_tests(spot: Spot) -> Role | None:
    match spot.path:
        case ("source",) if not spot.on_key:
            return Role(what=What.SOURCE)
        case ("cases", _, *inner):
            return _in_case(spot, tuple(inner))
    return None


def _in_case(spot: Spot, inner: tuple[Step, ...]) -> Role | None:
    match inner:
        case ("given" | "expect", *rest):
            return _in_state(spot, tuple(rest))
        case ("event", "expect", *rest) | ("events", _, "expect", *rest):
            return _in_state(spot, tuple(rest))
        case _ if spot.on_key:
            return None
        case ("event", "type") | ("events", _, "type"):
            return Role(what=What.EVENT_TYPE)
        case ("event", "run") | ("events", _, "run"):
            return Role(what=What.PROCEDURE)
        case ("event", "check") | ("events", _, "check"):
            return Role(what=What.CHECK)
    return None


def _in_state(spot: Spot, inner: tuple[Step, ...]) -> Role | None:
    """Return what something in `given` or `expect` is."""
    match inner:
        case ("settings", _) if spot.on_key:
            return Role(what=What.SETTING)
        case ("rule",) if not spot.on_key:
            return Role(what=What.RULE)
        case ("tables", _) if spot.on_key:
            return Role(what=What.TABLE)
        case ("tables", table, int(), *row) | ("tables", table, "rows", int(), *row):
            return _in_given_row(spot, tuple(row), str(table))
        case ("calls" | "messages" | "scheduled", int(), *entry):
            return _in_effect(spot, tuple(entry))
        case ("calls" | "messages" | "scheduled", "contains", int(), *entry):
            return _in_effect(spot, tuple(entry))
    return None


def _in_given_row(spot: Spot, row: tuple[Step, ...], table: str) -> Role | None:
    found = _in_row(spot, row, table)
    if found is None or found.what is not What.TEMPLATE:
        return found
    return Role(what=What.VALUE, owner=found.owner) if found.owner else None


def _in_effect(spot: Spot, entry: tuple[Step, ...]) -> Role | None:
    match entry:
        case (str(action),) if not spot.on_key and action in _NAMED_BY_ACTION:
            return Role(what=_NAMED_BY_ACTION[action])
        case ("params", _) if spot.on_key:
            holder = spot.above(2)
            return Role(what=What.PARAMETER, owner=text_at(holder, "stripe"))
    return None


_BY_KIND: dict[Kind, Find] = {Kind.GATEWAY: _in_gateway, Kind.RULES: _in_rules, Kind.TESTS: _in_tests}


def is_step(kind: Kind, path: tuple[Step, ...]) -> bool:
    """Say whether a path leads to a step of a rule or procedure."""
    match path:
        case ("rules", int(), "do", int()) | ("procedures", str(), int()):
            return kind is Kind.RULES
    return False


def written(spot: Spot) -> str:
    """Return the text of a scalar as the name that it is; of `order_by`, the column alone."""
    return spot.node.text.removesuffix(" desc").strip()

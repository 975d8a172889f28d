"""The scope in which steps are checked: which names there are at each, and what they may hold."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Protocol

from gateway.config.column_fits import branches
from gateway.config.constant_conditions import constants
from gateway.config.declarations import (
    Targets,
    check_channel,
    check_column,
    check_destination,
    declared_table,
    known_names,
)
from gateway.config.diagnostics import DocumentFindings, did_you_mean
from gateway.config.forgotten_dollars import forgotten_dollars
from gateway.config.name_looks import Callers, Lack, NameLooks, Place
from gateway.config.nodes import Node, Scalar
from gateway.config.presence import given_null, is_opposite, lacking, left_null, perhaps_unbound, there
from gateway.config.scope_types import Bound, NameTypes
from gateway.config.suspicions import Suspicion, Suspicions
from gateway.config.tables import Table
from gateway.config.text_findings import in_text, is_nested, no_text
from gateway.config.type_findings import Documented, absent_name, asked_always, given_wrong, suspicions_of
from gateway.config.values import Condition, Located, Value, type_of_value
from gateway.expressions import Expression, Reference, tree
from gateway.expressions.inference import infer
from gateway.expressions.inferred import Known
from gateway.expressions.types import ANY, Type, in_words, object_of
from gateway.records import dataclass, field, replace

if TYPE_CHECKING:
    from gateway.config.steps import Step


class Procedures(Protocol):
    """Looks up procedures while steps are checked."""

    def names(self) -> tuple[str, ...]:
        """Return the names of all procedures."""

    def check(self, name: str, scope: CheckScope) -> None:
        """Check a procedure's steps in the scope of the step that runs it."""


@dataclass(slots=True, kw_only=True)
class CheckScope:
    """What is known at one step while a file is checked: tables, and the names bound so far."""

    findings: DocumentFindings
    tables: Mapping[str, Table]
    procedures: Procedures
    names: dict[str, Bound]
    """Each name in scope, with what is known of it."""
    suspicions: Suspicions
    targets: Targets | None = None
    """None where rules are checked without a gateway.yaml: any name may be right."""
    rows: Mapping[str, Type] = field(default_factory=dict)
    """The type of a row of each table."""
    keys: Mapping[str, Type] = field(default_factory=dict)
    """The type of the key of each table."""
    answers: Callable[[str], Type] = lambda _: ANY
    """Gives the type of an object that Stripe answers with."""
    documented: Documented = field(default_factory=Documented)
    conditional: bool = False
    """Whether the steps being checked belong to a procedure that is run under a `when`."""
    asked: tuple[Condition, ...] = ()
    """The conditions of the `run` steps on the way to the procedure being checked."""
    sure: frozenset[str] = frozenset()
    """The names that are known to be there for the rest of the procedure being checked."""
    step: Step | None = None
    running: tuple[str, ...] = field(default=())
    """The procedures being checked, outermost first."""
    callers: Callers = ()
    """The `run` steps that run them."""
    setting_lines: Mapping[str, int] = field(default_factory=dict)
    """The lines in which the file's settings are declared."""
    known: tuple[dict[str, Bound], Known] | None = None
    """What was last known of expressions, and the names that it was known for."""
    looks: NameLooks = field(default_factory=NameLooks)
    read: set[str] = field(default_factory=set)
    """The names that were read; `@` for all of them."""
    ended: bool = False
    """Whether the event has ended in any case before the step being checked."""

    @property
    def under_condition(self) -> bool:
        """Say whether the step may be left out."""
        return self.conditional or (self.step is not None and self.step.when is not None)

    def bind(self, found: Type = ANY, *, left_null: bool = False) -> None:
        """Bind the step's `as` name to a value of a type; `left_null` says that there may be none of it."""
        step, name = self.step, self.step.bind_as if self.step is not None else None
        if step is None or name is None:
            return
        before, line = self.names.get(name), step.node.span.start.line
        if not self.under_condition:
            self.names[name] = Bound(type=found, left_null=left_null, line=line)
        elif before is None:
            text = "" if step.when is None else step.when.expression.text
            self.names[name] = Bound(type=found.nullable, perhaps=True, condition=text, left_null=left_null, line=line)
        else:
            # Two steps under conditions of their own may well be there for both ways.
            both = left_null and before.left_null
            self.names[name] = Bound(type=before.type | found, left_null=both, line=line)
        self.sure = self.sure - {name}
        self.names[name].origin = f"`{name}` is bound in line {line}" + ", with `missing: null`" * left_null

    @property
    def guards(self) -> tuple[Condition, ...]:
        """Return the conditions under which the step is run: its own, and those of the `run` steps around it."""
        own = self.step.when if self.step is not None else None
        return self.asked if own is None else (*self.asked, own)

    def lost(self, value: Value) -> Bound | None:
        """Return the name that a value is made of alone, where it is null when a step before has found nothing."""
        found = [known for name, known in left_null(value, self.names, self.guards) if name not in self.sure]
        return found[0] if found and value.expression is not None else None

    def need(self, value: Value | None, what: str) -> None:
        """Report what is written into a value that must be there, and is null when a step before has found nothing."""
        if value is None or value.literal:
            return
        if not any(self._is_left_null(reference.path[0]) for part in value.parts for reference in part.plain_names):
            self.suspect(value.node, f"needed by {what}", ())
            return
        names = {name: known for name, known in self.names.items() if name not in self.sure}
        if not self.under_condition:  # one that is perhaps unbound has been reported
            names = {name: known for name, known in names.items() if not known.perhaps}
        for name, known in left_null(value, names, self.guards) if self.running else ():
            if known.value is not None:  # what a `run` gives is wrong there, whatever others give
                del names[name]
                said = f"{what} in procedure `{self.running[-1]}`"
                self.suspect(known.value.node, f"{id(value.node)} {what}", given_null(known, known.value, said))
        self.suspect(value.node, f"needed by {what}", lacking(value, what, names, self.guards))

    def _is_left_null(self, name: str) -> bool:
        return name in self.names and self.names[name].left_null

    def row(self, table: Table | None) -> Type:
        """Return the type of a row of a table, if it is known."""
        return ANY if table is None else self.rows.get(table.name, ANY)

    def suspect(self, node: Node, aspect: str, found: Iterable[Suspicion]) -> None:
        """Note what looks wrong at a node: it is reported when it is so each time the node is looked at."""
        self.suspicions.look(node, aspect, found)

    def table(self, name: str, node: Node | None) -> Table | None:
        """Return the table, or report that there is none."""
        return declared_table(name, self.tables, node, self.findings)

    def column(self, table: Table, key: Scalar) -> bool:
        """Say whether the table has the column; report when it does not."""
        return check_column(table, key, self.findings)

    def channel(self, name: str, node: Node | None) -> None:
        """Report a channel that nobody declared."""
        if self.targets is not None and node is not None and name:
            check_channel(name, self.targets, node, self.findings)

    def destination(self, name: str, node: Node | None, *, broker: bool) -> None:
        """Report a destination that nobody declared, or that is of the other kind."""
        if self.targets is not None and node is not None and name:
            check_destination(name, self.targets, node, self.findings, broker=broker)

    def value(self, value: Value | None, *, as_text: bool = False) -> None:
        """Check every expression of a value; with `as_text` what is written into a text is looked at elsewhere."""
        if value is None:
            return
        self.suspect(value.node, "names", forgotten_dollars(value, self.names))
        for part in value.parts:
            self._look_at(part, as_text=as_text)

    def condition(self, condition: Condition | None) -> None:
        """Check an expression."""
        if condition is not None:
            self.suspect(condition.node, "constant", self._constants(condition))
            self._look_at(condition.located)

    def _constants(self, condition: Condition) -> Iterator[Suspicion]:
        for one in constants(condition, self._known()):
            yield replace(one, note=self.origins(condition.located))

    def type_of(self, node: tree.Node) -> Type:
        """Return the type of a part of an expression that has been checked."""
        return infer(node, self._known()).type

    def type_of_value(self, value: Value) -> Type:
        """Return what a value that has been checked may be."""
        return type_of_value(value, self._known())

    def known_for(self, value: Value) -> Known:
        """Return what is known of the expressions of a value, for whoever asks when there are other names in scope."""
        if any("@" in part.node.text for part in value.parts):  # what holds all names holds those to come, too
            known = self._known()
            for part in (*(one.tree for located in value.parts for one in located.expressions), *branches(value)):
                infer(part, known)
            return known
        return self._known_of(dict(self.names))

    def text(self, value: Value | None, what: str) -> None:
        """Check a value that is to be text, such as a path or a key: a list or object in it names nothing."""
        self.value(value, as_text=True)
        self.need(value, what)
        for part in value.parts if value is not None else ():
            self.suspect(part.node, what, self._nested(part, what))

    def _nested(self, part: Located, what: str) -> Iterator[Suspicion]:
        for one in part.expressions:
            found = self.type_of(one.tree)
            if is_nested(found):
                yield no_text(one, found, part, what)

    def kinds(self, value: Value | None, what: str, wanted: str, kinds: Collection[str]) -> None:
        """Check a value that is to be of some kinds; `wanted` says so."""
        self.value(value)
        if value is not None:
            self.suspect(value.node, what, self._of_other_kinds(value, what, wanted, kinds))

    def _of_other_kinds(self, value: Value, what: str, wanted: str, kinds: Collection[str]) -> Iterator[Suspicion]:
        found = self.type_of_value(value)
        if not value.literal and found.certain and found.certain.isdisjoint(kinds):
            message = f"{what} is {wanted}, this is {in_words(found)}"
            yield Suspicion(code="GW308", message=message, span=value.node.span)

    def _known(self) -> Known:
        if self.known is None or self.known[0] != self.names:
            self.known = dict(self.names), self._known_of(self.names)
        return self.known[1]

    def _known_of(self, names: Mapping[str, Bound]) -> Known:
        return Known(scope=object_of(NameTypes(names), open=True), tables=self.rows, keys=self.keys)

    def _look_at(self, part: Located, *, as_text: bool = False) -> None:
        """Check every name that an expression or template reads from the scope, and what it does with them."""
        for reference in part.names:
            self.look_at_name(reference.path[0], part, reference)
        if "@" in part.node.text:
            self.read.add("@")
        if self.running:
            self._blame_given(part)
        self.suspect(part.node, "type", self._wrong_in(part, as_text=as_text))

    def _wrong_in(self, part: Located, *, as_text: bool) -> Iterator[Suspicion]:
        for expression in part.expressions:
            inferred = infer(expression.tree, self._known())
            for one in suspicions_of(expression, inferred.problems, part.node, self.documented):
                yield replace(one, note=self.origins(part))
            if not part.is_expression and not as_text and is_nested(inferred.type):
                yield replace(in_text(expression, inferred.type, part), note=self.origins(part))
        if not self.under_condition:
            yield from perhaps_unbound(part, self.names)

    def _blame_given(self, part: Located) -> None:
        """Report values that `with` gives a procedure and that its expressions can do nothing with.

        What others give may be right, so that nothing is wrong with the expression itself.
        """
        if self.under_condition:
            return  # a condition may see to it that this is not asked of every value
        for expression in part.expressions:
            for reference in expression.names:
                name = reference.path[0]
                bound = self.names.get(name)
                node = None if bound is None else bound.given or (None if bound.value is None else bound.value.node)
                if node is not None:
                    wrong = self._wrong_given(expression, part, name, node)
                    same = id(part.node), "type"
                    self.suspicions.look(node, f"{id(part.node)} {reference.start}", wrong, unless=same)

    def _wrong_given(self, expression: Expression, part: Located, name: str, node: Node) -> Iterator[Suspicion]:
        problems = infer(expression.tree, self._known()).problems
        if problems:
            scope = object_of(NameTypes({**self.names, name: Bound()}), open=True)
            left = infer(expression.tree, Known(scope=scope, tables=self.rows, keys=self.keys)).problems
            always = [one for one in problems if asked_always(expression, one)]
            yield from given_wrong(name, self.running[-1], part.node, node, (always, left))

    def origins(self, part: Located) -> tuple[str, ...]:
        """Say where the names that an expression or template reads were extracted, given or declared."""
        found: dict[str, None] = {}
        for reference in part.names:
            name = reference.path[0]
            known = self.names.get(name)
            if known is not None and known.place is not None:
                found[known.place] = None
            elif name == "settings" and reference.path[1:2] and reference.path[1] in self.setting_lines:
                found[f"`settings.{reference.path[1]}` is declared in line {self.setting_lines[reference.path[1]]}"] = (
                    None
                )
        return tuple(found)

    def survive(self, condition: Condition) -> None:
        """Take in that the event goes on only where a condition did not hold: `x == null` says that there is an x."""
        self._go_on_with(there(condition.expression.tree, holds=False), condition)

    def require(self, condition: Condition) -> None:
        """Take in that the event goes on only where a condition held."""
        self._go_on_with(there(condition.expression.tree, holds=True), None)

    def _go_on_with(self, surely: frozenset[str], survived: Condition | None) -> None:
        """Take in that some names are there in the steps that come next."""
        if self.conditional:  # what is known in a procedure that is perhaps left out is not known behind it
            self.sure = self.sure | surely
            return
        absent = None if survived is None else absent_name(survived.expression.tree)
        for name, known in self.names.items():
            if name == absent:
                self.names[name] = Bound(type=replace(known.type, kinds=known.type.certain), line=known.line)
            elif (known.left_null and name in surely) or (survived is not None and is_opposite(known, survived)):
                self.names[name] = known.surely

    def look_at_name(self, name: str, part: Located, at: Reference) -> None:
        """Check a name that an expression or template reads."""
        self.read.add(name)
        if name in self.names:
            self.looks.look(part.node, at.start, self.callers, None)
            return
        # Where inside its text a name stands is worked out for findings alone: that takes longer than to look.
        place = partial(part.node.span_of, at.start, at.start + len(name))
        lack = self.unbound(name, place, compared=_is_compared(part, at))
        self.looks.look(part.node, at.start, self.callers, lack)

    def unbound(self, name: str, place: Place, *, compared: bool = False) -> Lack | None:
        """Return what is said of a name that nothing binds; None where it may be given from outside.

        `compared` says that a comparison asks for it, where a text is often meant.
        """
        near = did_you_mean(name, self.names)
        help = f"did you mean `{near}`?" if near else self._meant(name, compared=compared)
        if name in self.tables:
            help = f"{help or ''} the name of a table is a text in single quotes: `'{name}'`".lstrip()
        return Lack(name=name, place=place, help=help or known_names("names in scope", self.names))

    def _meant(self, name: str, *, compared: bool) -> str | None:
        owners = [own for own in ("settings", "event") if name in (self._fields(own) or ())]
        if owners:
            return f"write `{owners[0]}.{name}`"
        return f"a text is written in single quotes: `'{name}'`" if compared else None

    def _fields(self, name: str) -> Mapping[str, Type] | None:
        return self.names[name].type.fields if name in self.names else None


def _is_compared(part: Located, at: Reference) -> bool:
    """Say whether a name stands alone on one side of a comparison."""
    for expression in part.expressions:
        for node in tree.walk(expression.tree):
            if isinstance(node, tree.Comparison):
                sides = [side for side in (node.left, node.right) if isinstance(side, tree.Field)]
                if any((side.start, side.end) == (at.start, at.end) for side in sides):
                    return True
    return False

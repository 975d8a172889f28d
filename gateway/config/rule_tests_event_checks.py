"""Checks of what happens in a case: deliveries, procedures and checks run by hand, time that passes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from gateway.config.diagnostics import DocumentFindings
from gateway.config.document import Scalar
from gateway.config.rule_tests import Case, CaseEvent, Expectation, entries
from gateway.config.rule_tests_source import SourceUnderTest, report_unknown
from gateway.config.wording import both, listed
from gateway.records import dataclass

ANY_ORDER = ("tables", "messages", "calls", "scheduled")
"""What can be expected of the end when it is not known which event comes last."""


@dataclass(frozen=True, slots=True)
class EventsCheck:
    """Checks the entries of one case; `source` is None where the file names none that exists."""

    source: SourceUnderTest | None
    findings: DocumentFindings

    def case(self, case: Case) -> None:
        """Report what is wrong in a case's events."""
        for number, event in enumerate(case.events):
            if event.again is not None:
                self._again(event, case.events[:number])
            if event.run is not None:
                self._run(event.run, event)
            if event.check is not None:
                self._look(event.check, event)
            self._found(event, event.expect)
        for event in case.events[-1:]:
            self._found(event, case.expect)
        self._require_delivery(case.events)
        if case.any_order:
            self._any_order(case)

    def _again(self, event: CaseEvent, before: tuple[CaseEvent, ...]) -> None:
        assert event.again is not None
        if event.again >= len(before) or not before[event.again].delivers:
            self.findings.error(
                "GW104",
                f"`again: {event.again + 1}` names no delivery before this one",
                event.node,
                help="entries of `events` are counted from 1",
            )

    def _require_delivery(self, events: tuple[CaseEvent, ...]) -> None:
        for event in itertools.takewhile(lambda event: event.wait is not None, events):
            if event.expect:
                self.findings.error("GW104", "nothing has been delivered yet", event.node, help="take `expect` out")
        if events and all(event.wait is not None for event in events):
            self.findings.error("GW102", "the case delivers nothing", events[0].node, help="add a payload")

    def _found(self, event: CaseEvent, expectations: Iterable[Expectation]) -> None:
        for expectation in expectations:
            if expectation.name == "findings" and event.check is None:
                remedy = "say it of an entry `{check: NAME}`"
                self.findings.error("GW104", "only a check finds something", expectation.key, help=remedy)

    def _run(self, name: Scalar, event: CaseEvent) -> None:
        """Report a procedure that the rules do not have, and names that it lacks or does not know."""
        if self.source is None:
            return
        if name.text not in self.source.procedures:
            message = f"the rules have no procedure `{name.text}`"
            report_unknown("GW204", message, name, name.text, self.source.procedures, self.findings)
            return
        needed = self.source.needs(name.text)
        given = event.names.keys() if event.names is not None else ()
        missing = [one for one in needed if one not in given]
        if missing:
            message = f"procedure `{name.text}` needs {both(missing)}"
            self.findings.error("GW102", message, name, help="give it under `with`")
        for key, _ in entries(event.names):
            if key.text not in needed:
                message = f"procedure `{name.text}` reads no name `{key.text}`"
                report_unknown("GW203", message, key, key.text, needed, self.findings)

    def _look(self, name: Scalar, event: CaseEvent) -> None:
        """Report a check that the rules do not have, or that repairs nothing."""
        checks = self.source.checks if self.source is not None else {name.text: True}
        if name.text not in checks:
            report_unknown("GW203", f"the rules have no check `{name.text}`", name, name.text, checks, self.findings)
        elif event.repair and not checks[name.text]:
            self.findings.error("GW104", f"check `{name.text}` has no `repair`", name, help="take `repair` out")

    def _any_order(self, case: Case) -> None:
        place = case.node.key("any_order") or case.node
        count = sum(event.wait is None for event in case.events)
        if count < 2:
            self.findings.error("GW104", "`any_order` needs several deliveries", place, help="list them in `events`")
        for number, event in enumerate(case.events):
            fits = event.delivers if number < count else event.wait is not None
            if event.expect or not fits:
                self.findings.error(
                    "GW104",
                    "with `any_order` an entry is a delivery without an `expect`, and time passes after the last one",
                    event.node,
                    help="each way also delivers every event twice",
                )
        for expectation in case.expect:
            if expectation.name not in ANY_ORDER:
                self.findings.error(
                    "GW104",
                    f"with `any_order` nothing is said by `{expectation.name}`: any event may be the last",
                    expectation.key,
                    help=f"the same at every end: {listed(ANY_ORDER)}",
                )

"""A mistake in a tests file is a finding with its place; nothing of it is passed over."""

from __future__ import annotations

import pytest
from testing.projects import Folder

GOOD = "  - {name: good, event: {type: order}, expect: {status: done}}\n"


@pytest.mark.parametrize(
    ("case", "finding"),
    [
        ("{name: a, evnt: {type: order}, expect: {status: done}}", "GW101 unknown key `evnt`"),
        ("{name: a, event: {type: order}, expects: {status: done}}", "GW101 unknown key `expects`"),
        ("{name: a, event: {type: order}, expect: {stauts: done}}", "GW101 unknown key `stauts`"),
        ("{name: a, event: {type: order}, given: {tabels: {}}, expect: {status: done}}", "GW101 unknown key `tabels`"),
        ("{name: a, event: {type: order}, expect: {status: doen}}", "GW104 `status`: `doen` is not one of"),
        ("{name: a, event: {type: order}, expect: {}}", "GW104 `expect`: a mapping needs at least one entry"),
        ("{name: a, event: {type: order}}", "GW102 the case `a` expects nothing"),
        ("{name: a, event: {type: order}, expect: {tables: {}}}", "GW104 `tables`: a mapping needs at least one"),
        ("{name: a, event: {type: order}, expect: {tables: {customers: [{}]}}}", "GW104 an entry of `customers`"),
        ("{name: a, event: {type: order}, expect: {tables: {customers: {cuont: 1}}}}", "GW101 unknown key `cuont`"),
        ("{name: a, event: {type: order}, expect: {tables: {custmers: []}}}", "GW201 unknown table `custmers`"),
        (
            "{name: a, event: {type: order}, expect: {tables: {customers: [{staus: new}]}}}",
            "GW202 table `customers` has no column `staus`",
        ),
        (
            "{name: a, event: {type: order}, expect: {tables: {customers: [{status: nwe}]}}}",
            "GW305 `nwe` is not one of the values of column `status`",
        ),
        (
            "{name: a, event: {type: order}, expect: {tables: {customers: [{balance: lots}]}}}",
            "GW305 column `balance` is decimal",
        ),
        (
            "{name: a, given: {tables: {customers: [{email: x}]}}, event: {type: order}, expect: {status: done}}",
            "GW102 a row of `customers` needs `id`",
        ),
        (
            "{name: a, given: {tables: {customers: [{id: x, status: [new]}]}}, event: {a: 1}, expect: {rule: null}}",
            "GW305 column `status` is text",
        ),
        (
            "{name: a, given: {settings: {last: 1}}, event: {type: a}, expect: {status: done}}",
            "GW203 the rules have no",
        ),
        ("{name: a, given: {now: soon}, event: {type: a}, expect: {status: done}}", "GW104 `now`: cannot read"),
        ("{name: a, event: {type: order}, expect: {rule: big oder}}", "GW203 there is no rule `big oder`"),
        ("{name: a, event: {type: order}, expect: {messages: [hello]}}", "GW103 an entry of `messages`"),
        ("{name: good, event: {type: order}, expect: {status: done}}", "GW206 two cases are called `good`"),
        ("{name: a, event: {type: a}, events: [{type: a}], expect: {status: done}}", "GW105 `event` and `events` excl"),
        ("{name: a, expect: {status: done}}", "GW102 missing key `event` or `events`"),
        ("{name: a, event: nothing.json, expect: {status: done}}", "GW001 `nothing.json` cannot be read"),
        ("{name: a, event: {payload: {a: 1}, sett: {a: 2}}, expect: {status: done}}", "GW101 unknown key `sett`"),
        ("{name: a, event: {payload: {a: 1}, set: {b.c: 2}}, expect: {status: done}}", "GW104 the payload has no `b`"),
        (
            "{name: a, event: {payload: {a: 1}, set: {a.c: 2}}, expect: {status: done}}",
            "GW104 `a.c` cannot be followed",
        ),
        ("{name: a, event: {payload: {a: []}, set: {'a[1]': 2}}, expect: {status: done}}", "GW104 the list on the way"),
        ("{name: a, event: {payload: {a: 1}, set: {a..c: 2}}, expect: {status: done}}", "GW104 `a..c` is not a path"),
        ("{name: a, events: [{again: 1}], expect: {status: done}}", "GW104 `again: 1` names no delivery before"),
        ("{name: a, events: [{type: a}, {again: 2}], expect: {status: done}}", "GW104 `again: 2` names no delivery"),
        ("{name: a, events: [{wait: 1h}], expect: {status: done}}", "GW102 the case delivers nothing"),
        ("{name: a, events: [{type: a}, {wait: soon}], expect: {status: done}}", "GW106 `wait`"),
        ("{name: a, events: [{wait: 1h, id: x}, {type: a}], expect: {status: done}}", "GW102 `id` needs `payload`"),
        (
            "{name: a, event: {run: find_customr}, expect: {status: done}}",
            "GW204 the rules have no procedure `find_cust",
        ),
        (
            "{name: a, event: {run: find_customer}, expect: {status: done}}",
            "GW102 procedure `find_customer` needs `cust",
        ),
        (
            "{name: a, event: {run: find_customer, with: {customer_id: a, x: 1}}, expect: {status: done}}",
            "GW203 procedure `find_customer` reads no name `x`",
        ),
        (
            "{name: a, event: {payload: {a: 1}, with: {x: 1}}, expect: {status: done}}",
            "GW102 `with` needs `run` beside",
        ),
        (
            "{name: a, events: [{run: find_customer, with: {customer_id: a}}, {again: 1}], expect: {rule: null}}",
            "GW104 `ag",
        ),
        ("5", "GW103 an entry of `cases`: expected a mapping"),
    ],
)
def test_a_mistake_is_found_once_at_its_place(folder: Folder, case: str, finding: str) -> None:
    folder.write(f"{GOOD}  - {case}\n")
    [found] = folder.findings()
    place, _, said = found.partition(" ")
    assert said.startswith(finding)
    assert place.startswith("4:")


def test_a_source_that_does_not_exist(folder: Folder) -> None:
    folder.write(GOOD, source="shopp")
    assert folder.findings() == ["1:9 GW205 there is no source `shopp`"]


def test_only_a_source_that_answers_with_the_outcome_has_a_response(folder: Folder) -> None:
    folder.write("  - {name: a, event: {type: known}, expect: {response: {ok: true}}}\n", source="strict")
    assert folder.findings() == ["3:46 GW104 this source does not answer with the outcome"]


def test_a_file_that_is_no_yaml(folder: Folder) -> None:
    folder.write("source: [", source="")
    [found] = folder.findings()
    assert "GW0" in found

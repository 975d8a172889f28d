"""An event's story, as support staff read it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from engines import NOON, Bench, microseconds

from gateway.actions import ACTIONS_BY_NAME
from gateway.admin.places import Places
from gateway.admin.story import tell
from gateway.config.diagnostics import Findings
from gateway.config.rules import read_rules
from gateway.engine.runs import run_delivery
from gateway.store.events import get_event

RULES = """
version: 1
tables:
  tenants:
    columns:
      id: {type: text, primary_key: true}
      status: {type: text}
      seats: {type: integer}
      at: {type: timestamp}
extract:
  tenant: [tenant, account.id]
  amount: {path: amount, as: decimal}
rules:
  - {name: other, on: invoice.*, do: [{finish: other}]}
  - name: large
    on: paid
    when: amount > `100` && tenant != 'none'
    do: [{finish: large}]
  - name: paid
    on: paid
    do:
      - {find: tenants, where: {id: $tenant}, as: found, missing: null}
      - {insert: tenants, values: {id: $tenant, status: new}, when: "found == `null`"}
      - {update: tenants, name: mark as paid, where: {id: $tenant}, set: {status: paid}, as_of: at}
      - {log: "paid ${amount}"}
      - {delete: tenants, where: {id: nobody}}
      - {require: amount > `0`}
    result: booked
  - {name: broken, on: broken, do: [{fail: "broken as told"}]}
  - {name: later, on: later, do: [{fail: not yet, retry: true}]}
  - {name: early, on: early, do: [{find: tenants, where: {id: $tenant}, missing: park}]}
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, RULES)


def places(bench: Bench) -> Places:
    file = read_rules(bench.folder / "rules.yaml", "rules/shop.yaml", Findings(), ACTIONS_BY_NAME)
    assert file is not None
    return Places([file])


def story(bench: Bench, name: str, where: Places | None = None) -> str:
    details = get_event(bench.database, name)
    return "\n".join(tell(details, where or Places(), now=microseconds(bench.now)))


def test_the_whole_story_of_a_done_event(bench: Bench) -> None:
    sent = bench.delivery({"id": "evt_1", "type": "paid", "account": {"id": "t1"}, "amount": "9.90"}, at=NOON, key="t1")
    bench.send(sent, sent)
    bench.now += timedelta(milliseconds=1500)
    bench.run()
    told = story(bench, "1", places(bench))
    started = told.index("took ")
    told = told[:started] + "took N ms" + told[told.index(" ms", started) + 3 :]
    assert (
        told
        == """\
event 1 of shop: paid, evt_1
  done: booked

received    2026-01-15T12:00:00Z, 74 bytes, request r1
happened    2026-01-15T12:00:00Z by the provider's clock, at that moment
verified    `token`, with secret 1 of the source
duplicates  delivered once more, which changed nothing
key         t1: events with it run one at a time, in the order received

attempt 1   2026-01-15T12:00:01.500000Z, took N ms: done
  rules     rules.yaml, version VERSION
  no        other: its `on` does not name paid
  no        large: amount > `100` does not hold, it saw 9.90 and 100
  yes       paid (rules/shop.yaml:19)
  values    tenant = t1, from `account.id`, alternative 2
            amount = 9.90, from `amount`
  steps     find tenants: no row fits, `missing: null` (rules/shop.yaml:22)
            insert tenants: new row {"id":"t1","status":"new"} (rules/shop.yaml:23)
            mark as paid: row t1: status new -> paid, at null -> 2026-01-15T12:00:00Z (rules/shop.yaml:24)
            log: `paid 9.90` (rules/shop.yaml:25)
            delete tenants: no row fits (rules/shop.yaml:26)
            require: it holds (rules/shop.yaml:27)
  result    booked

next        nothing, it is done""".replace("VERSION", told.partition("version ")[2].partition("\n")[0])
    )


def test_what_was_kept_says_what_was_newer(bench: Bench) -> None:
    later = NOON + timedelta(minutes=5)
    bench.process({"id": "evt_new", "type": "paid", "tenant": "t1", "amount": "1"}, at=later)
    bench.process({"id": "evt_old", "type": "paid", "tenant": "t1", "amount": "1"}, at=NOON)
    told = story(bench, "evt_old")
    assert "update: row t1 kept as it is: newer state from evt_new, 2026-01-15T12:05:00Z (rules[2].do[2])" in told
    assert "skip: left out: found == `null` does not hold, it saw {" in told
    assert "find: found t1, by condition 1" in told


def test_without_the_rules_of_that_version_places_are_pointers(bench: Bench) -> None:
    bench.process({"id": "evt_1", "type": "paid", "account": {"id": "t1"}, "amount": "9.90"})
    told = story(bench, "1")
    assert "; it has changed since" in told
    assert "tenant = t1, alternative 2" in told
    assert "find: no row fits, `missing: null` (rules[2].do[0])" in told
    assert "yes       paid\n" in told


def test_a_dead_letter_names_the_error_its_place_and_the_way_out(bench: Bench) -> None:
    bench.process({"id": "evt_1", "type": "broken"})
    told = story(bench, "1", places(bench))
    assert "  dead: broken as told\n" in told
    assert "error     broken as told (rules/shop.yaml:29)" in told
    assert told.endswith("next        nothing by itself; `gateway events retry 1` once the cause is mended")


def test_what_waits_says_until_when(bench: Bench) -> None:
    bench.process({"id": "evt_1", "type": "later"})
    assert story(bench, "1").endswith("next        tried again at 2026-01-15T12:00:05Z, in 5 s")
    bench.now += timedelta(minutes=1)
    assert story(bench, "1").endswith("next        tried again at 2026-01-15T12:00:05Z, which is now")


def test_what_is_parked_says_for_what(bench: Bench) -> None:
    bench.process({"id": "evt_1", "type": "early", "tenant": "t9"})
    told = story(bench, "1")
    assert "parked: no row of `tenants` fits yet" in told
    assert "next        runs when a later event of its key is done, or at 2026-01-15T12:00:05Z" in told


def test_what_is_ignored_says_how_to_run_it_after_all(bench: Bench) -> None:
    bench.process({"id": "evt_1", "type": "unheard"})
    assert story(bench, "1").endswith("next        nothing; `gateway events retry 1` after adding a rule for it")


def test_what_has_not_run_yet_and_what_never_will(bench: Bench) -> None:
    unread = bench.delivery(b"{", id="evt_2")._replace(status="dead", error="the body is not JSON", verified_by=None)
    bench.send(bench.delivery({"id": "evt_1", "type": "paid"}), unread)
    assert story(bench, "1").endswith("next        the engine takes it at its next turn")
    told = story(bench, "2")
    assert "verified    not at all: the source says `verify: none`" in told
    assert "not run     the body is not JSON" in told


def test_every_attempt_is_told(bench: Bench) -> None:
    bench.process({"id": "evt_1", "type": "later"})
    bench.now += timedelta(hours=1)
    bench.run()
    told = story(bench, "1")
    assert told.count("error     not yet") == 2
    assert "attempt 2   2026-01-15T13:00:00Z" in told


def test_a_sender_cannot_forge_lines_or_colours(bench: Bench) -> None:
    bench.process({"id": "evt_1", "type": "paid", "tenant": "t\x1b[31m\nnext        all is well\u202e", "amount": "1"})
    told = story(bench, "1")
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert not [line for line in told.splitlines()[:-1] if line.startswith("next")]
    assert "t\\x1b[31m\\nnext" in told


def test_an_event_of_the_gateways_own_says_who_made_it(bench: Bench) -> None:
    now = microseconds(bench.now)
    own = run_delivery("shop", "charge", {"amount": 5}, key="k1", actor="cli alice", now=now)
    [receipt] = bench.send(own)
    lines = story(bench, str(receipt.id)).splitlines()
    assert "made        2026-01-15T12:00:00Z, by cli alice" in lines
    assert not [line for line in lines if line.startswith(("verified", "happened", "duplicates"))]
    [forged] = bench.send(own._replace(event_id="e2", verified_by="hmac#0", status="dead", error="reserved"))
    assert story(bench, str(forged.id)).splitlines()[-1] == "next        nothing: it can never run"

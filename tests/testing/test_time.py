"""Scheduled events, and time that passes, in cases."""

from __future__ import annotations

import pytest
from testing.projects import Folder

RULES = """
version: 1
settings: {days: 15}
tables:
  tenants:
    columns:
      id: {type: text, primary_key: true}
      status: {type: text, default: active}
      seen_at: {type: timestamp}
extract: {tenant_id: tenant}
rules:
  - name: overdue
    on: overdue
    do:
      - {update: tenants, where: {id: $tenant_id}, set: {status: overdue}}
      - schedule: suspend
        after: ${settings.days}d
        key: suspend-$tenant_id
        data: {tenant: $tenant_id, why: {late: 1.50}}
    result: overdue
  - name: suspend
    on: schedule.suspend
    do:
      - {update: tenants, where: {id: $tenant_id}, set: {status: suspended, seen_at: $event.occurred_at}}
      - {log: suspended $tenant_id}
    result: suspended
  - name: paid
    on: paid
    do:
      - {update: tenants, where: {id: $tenant_id}, set: {status: active}}
      - {cancel: suspend-$tenant_id}
    result: paid
  - name: heartbeat
    on: [beat, schedule.beat]
    do: [{schedule: beat, after: "${ settings.days > `100` && '0s' || '1s' }", key: beat}]
"""

GIVEN = "given: {now: 2026-03-01T12:00:00Z, tables: {tenants: [{id: t1}, {id: t2}]}}"


@pytest.fixture
def timed(folder: Folder) -> Folder:
    (folder.path / "rules" / "strict.yaml").write_text(RULES)
    return folder


def test_what_is_scheduled_comes_when_time_passes(timed: Folder) -> None:
    timed.write(
        f"""
  - name: overdue for too long
    {GIVEN}
    events:
      - payload: {{id: e1, type: overdue, tenant: t1}}
        expect:
          result: overdue
          scheduled:
            - {{schedule: suspend, key: suspend-t1, at: 2026-03-16T12:00:00Z, data: {{tenant: t1, why: {{late: 1.5}}}}}}
      - {{wait: 14d, expect: {{result: overdue, logs: [], tables: {{tenants: [{{id: t1, status: overdue}}]}}}}}}
      - wait: 2d
        expect:
          rule: suspend
          result: suspended
          logs: [suspended t1]
          scheduled: []
          duplicate: false
    expect:
      result: suspended
      tables: {{tenants: [{{id: t1, status: suspended, seen_at: 2026-03-16T12:00:00Z}}, {{id: t2, status: active}}]}}
  - name: paid in time
    {GIVEN}
    events:
      - {{id: e1, type: overdue, tenant: t1}}
      - {{id: e2, type: overdue, tenant: t2}}
      - wait: 3d
      - payload: {{id: e3, type: paid, tenant: t1}}
        expect: {{scheduled: {{contains: [{{schedule: suspend, key: suspend-t2, after: 15d}}], count: 1}}}}
      - wait: 1000d
    expect: {{tables: {{tenants: [{{id: t1, status: active}}, {{id: t2, status: suspended}}]}}, logs: [suspended t2]}}
""",
        source="strict",
    )
    assert timed.failures() == []


@pytest.mark.parametrize(
    ("scheduled", "failure"),
    [
        ("[]", ("scheduled", "[]", 'schedule: suspend {"key":"suspend-t1","at":"2026-03-16T12:00:00Z"')),
        ("[{schedule: suspend, key: suspend-t2}]", ("scheduled[0].key", "suspend-t2", "suspend-t1")),
        (
            "[{schedule: suspend, at: 2026-03-16T12:00:01Z}]",
            ("scheduled[0].at", "2026-03-16T12:00:01Z", "2026-03-16T12:00:00Z"),
        ),
        ("[{schedule: suspend, after: 14d}]", ("scheduled[0].after", "14d", "15 days")),
        ("[{schedule: suspend, data: {tenant: t2}}]", ("scheduled[0].data.tenant", "t2", "t1")),
        ("[{schedule: suspend, data: {why: {late: 2}}}]", ("scheduled[0].data.why.late", "2", "1.50")),
        ("[{schedule: beat}]", ("scheduled[0]", "schedule: beat", "schedule: suspend")),
        ("{count: 2}", ("scheduled.count", "2", "1")),
        ("{contains: [{schedule: suspend, key: x}]}", ("scheduled", '{"schedule":"suspend","key":"x"}', "schedule:")),
    ],
)
def test_what_is_not_scheduled_like_that_fails(timed: Folder, scheduled: str, failure: tuple[str, str, str]) -> None:
    timed.write(
        f"""
  - name: overdue
    {GIVEN}
    event: {{id: e1, type: overdue, tenant: t1}}
    expect: {{scheduled: {scheduled}}}
""",
        source="strict",
    )
    [(what, expected, got)] = timed.failures()
    assert (what, expected) == failure[:2]
    assert got.startswith(failure[2])


@pytest.mark.parametrize(
    ("expect", "finding"),
    [
        ("scheduled: [{schedule: suspnd}]", "GW203 no rule of `strict` schedules `suspnd`"),
        ("scheduled: [{schedul: suspend}]", "GW101 unknown key `schedul`"),
        ("scheduled: [{key: suspend}]", "GW102 missing key `schedule`"),
        ("scheduled: [{schedule: suspend, keyy: a}]", "GW101 unknown key `keyy`"),
        ("scheduled: [{schedule: suspend, at: soon}]", "GW104 `at`: cannot read"),
        ("scheduled: [{schedule: suspend, after: soon}]", "GW106 `after`"),
        (
            "scheduled: [{schedule: suspend, data: {tenat: t1}}]",
            "GW203 `schedule: suspend` of the rules has no member of `data` `tenat`",
        ),
        ("scheduled: {contain: []}", "GW101 unknown key `contain`"),
    ],
)
def test_a_mistake_in_what_is_scheduled(timed: Folder, expect: str, finding: str) -> None:
    timed.write(f"  - {{name: a, event: {{type: overdue}}, expect: {{{expect}}}}}\n", source="strict")
    [found] = timed.findings()
    assert found.partition(" ")[2].startswith(finding)


def test_nothing_can_be_expected_before_anything_was_delivered(timed: Folder) -> None:
    timed.write("  - {name: a, events: [{wait: 1d, expect: {result: x}}, {type: paid}]}\n", source="strict")
    assert timed.findings() == ["3:24 GW104 nothing has been delivered yet"]


@pytest.mark.parametrize(
    ("days", "wait"), [(1, "events: [{id: a, type: beat}, {wait: 1000d}]"), (101, "event: {id: a, type: beat}")]
)
def test_events_that_cause_one_another_for_ever_end_the_case(timed: Folder, days: int, wait: str) -> None:
    timed.write(
        f"  - {{name: a, given: {{settings: {{days: {days}}}}}, {wait}, expect: {{status: done}}}}\n", source="strict"
    )
    [(_, _, got)] = timed.failures()
    assert got == "events that cause one another without end"

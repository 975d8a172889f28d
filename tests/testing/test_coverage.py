"""What cases have reached, and what they have not."""

from __future__ import annotations

from testing.projects import Folder

ALL = """
  - name: a big order
    given: {tables: {customers: [{id: anna}]}}
    events:
      - {id: e1, type: order, customer: anna, amount: 101, at: 2026-01-02T00:00:00Z}
      - {id: e2, type: order, buyer: anna, amount: 10, at: 2026-01-01T00:00:00Z}
      - {id: e3, type: order, customer: nobody, amount: 10}
      - {id: e4, type: order, customer: anna, amount: 1}
      - {id: e5, type: order, customer: bert, amount: 1}
      - {id: e6, type: customer, customer: cora}
      - {id: e7, type: customer, customer: cora}
      - {id: e8, type: trouble}
    expect: {status: waiting}
"""


def missed(folder: Folder) -> list[str]:
    coverage = folder.run().coverage
    return [f"{point.span.start.line} {point.what}" for point in coverage.missed]


def test_all_that_there_is_can_be_reached(folder: Folder) -> None:
    folder.write(ALL)
    folder.write("  - {name: a, event: {id: e1, type: known}, expect: {status: done}}\n", "strict.test.yaml", "strict")
    assert missed(folder) == []
    assert folder.run().coverage.percent == 100


def test_what_one_case_leaves_out_is_listed_with_its_place(folder: Folder) -> None:
    folder.write("""
  - name: a big order
    given: {tables: {customers: [{id: anna}]}}
    event: {id: e1, type: order, customer: anna, amount: 10}
    expect: {status: done}
""")
    assert missed(folder) == [
        "14 extract `customer_id`: no event had a value at `buyer`",
        "18 step `find`: something was found every time, `missing` was never used",
        "22 rule `big order`: its `when` never refused an event",
        "25 step `update`: no older event came late, `as_of` never kept a row",
        "30 step `log`: never ran",
        "35 rule `small order` handled no event",
        "38 step `find`: found nothing",
        "38 step `find`: something was found every time, `missing` was never used",
        "39 step `finish`: never ran",
        "40 rule `registration` handled no event",
        "43 step `insert`: never added a row",
        "43 step `insert`: the row was new every time, `on_conflict` was never used",
        "45 rule `trouble` handled no event",
        "48 step `fail`: never ran",
        "4 rule `any` handled no event",
        "4 step `log`: never ran",
    ]


def test_every_where_of_a_find_is_a_point_and_so_is_a_run_that_may_be_skipped(folder: Folder) -> None:
    (folder.path / "rules" / "shop.yaml").write_text("""
version: 1
tables:
  customers: {columns: {id: {type: text, primary_key: true}, email: {type: text, unique: true}}}
procedures:
  greet:
    - {log: hello}
rules:
  - name: any
    on: order
    do:
      - {find: customers, where: [{id: $event.payload.id}, {email: $event.payload.email}], as: customer}
      - {run: greet, when: customer.email}
      - {upsert: customers, key: {id: c}, set: {email: x@y}}
""")
    folder.write("""
  - name: by id, and not greeted
    given: {tables: {customers: [{id: a}]}}
    event: {id: a, type: order}
    expect: {status: done}
""")
    (folder.path / "rules" / "tests" / "strict.test.yaml").write_text(
        "source: strict\ncases: [{name: a, event: {id: e1, type: known}, expect: {status: done}}]"
    )
    assert missed(folder) == [
        "7 step `log`: never ran",
        "12 step `find`: found nothing by its second `where`",
        "13 step `run`: never ran",
        "14 step `upsert`: the row was new every time",
    ]


def test_coverage_is_never_rounded_up_to_the_whole(folder: Folder) -> None:
    folder.write(ALL)
    coverage = folder.run().coverage
    assert coverage.missed
    assert coverage.percent < 100
    assert coverage.percent == int(coverage.reached / len(coverage.points) * 1000) / 10

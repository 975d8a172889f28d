"""Calls with canned answers, and messages, in cases."""

from __future__ import annotations

import pytest
from testing.projects import Folder

GATEWAY = """
destinations:
  app: {url: "http://127.0.0.1:9"}
  events: {url: "nats://127.0.0.1:9"}
channels: {admins: ["log://"], others: ["log://"]}
redis: {url: "redis://127.0.0.1:9"}
stripe: {api_key: "${env:STRIPE_KEY_OF_NOBODY:-}"}
"""

RULES = """
version: 1
tables:
  users:
    columns:
      id: {type: text, primary_key: true}
      customer: {type: text}
      left: {type: integer}
extract: {user: user, email: email}
procedures:
  find_user:
    - {find: users, where: {id: $user}, as: found, missing: null}
rules:
  - name: created
    on: created
    do:
      - run: find_user
      - {finish: there, when: found}
      - stripe: customers.create
        params: {email: $email, metadata: {user: $user, score: 2}, name: Ada}
        as: customer
      - {insert: users, values: {id: $user, customer: $customer.id}}
      - {notify: admins, title: "New: $user", body: "$email has come as $customer.id", level: success}
      - {send: app, path: /users, json: {user: $user, tags: [a, b], odd: {contains: x}}, headers: {X-Kind: new}}
      - {cache: delete, keys: ["user:$user", all]}
      - {publish: events, subject: users.created, json: {user: $user}}
    result: made
  - name: deleted
    on: deleted
    do:
      - {find: users, where: {id: $user}, as: found, missing: park}
      - {stripe: customers.delete, params: {customer: $found.customer}, missing: null, as: gone}
      - {delete: users, where: {id: $user}}
      - {finish: "${ gone && 'deleted' || 'was_gone' }"}
  - name: quota
    on: quota
    do:
      - {send: app, path: /quota, method: GET, wait: true, as: answer}
      - {upsert: users, key: {id: $user}, set: {left: $answer.body.left}}
      - {send: app, path: /again, forward: true, wait: true, as: again}
      - {finish: "${ to_string(again.status) }"}
"""

CREATED = "event: {id: e1, type: created, user: u1, email: a@x.example}"
ANSWER = "{stripe: customers.create, answer: {id: cus_1, object: customer}}"
EVERY = """
      calls: [{stripe: customers.create, params: {email: a@x.example, metadata: {user: u1, score: 2}}}]
      messages:
        - {notify: admins, title: "New: u1", body: {contains: a@x.example}, level: success}
        - send: app
          path: /users
          method: POST
          json: {user: {matches: "^u[0-9]$"}, tags: [a, {is: present}], odd: {exactly: {contains: x}}}
          headers: {x-kind: new}
        - {cache: delete, keys: ["user:u1", all]}
        - {publish: events, subject: users.created, json: {exactly: {user: u1}}}
"""


@pytest.fixture
def shop(folder: Folder) -> Folder:
    config = folder.path / "gateway.yaml"
    text = config.read_text().replace("{id: id, type: type}", "{id: id, type: type, key: user}")
    config.write_text(text + GATEWAY)
    (folder.path / "rules" / "strict.yaml").write_text(RULES)
    return folder


def write(folder: Folder, *, calls: str = "", events: str = CREATED, expect: str = "", more: str = "") -> None:
    given = f"    given: {{calls: [{calls}]{more}}}\n"
    folder.write(f"  - name: one\n{given}    {events}\n    expect:\n      {expect}\n", source="strict")


def test_a_call_is_answered_and_the_event_goes_on_from_the_top(shop: Folder) -> None:
    row = "{id: u1, customer: cus_1}"
    write(shop, calls=ANSWER, expect=f"result: made\n      tables: {{users: [{row}]}}{EVERY}")
    assert shop.failures() == []


def test_a_redelivery_calls_and_sends_nothing_more(shop: Folder) -> None:
    events = (
        "events:\n      - payload: {id: e1, type: created, user: u1, email: a@x.example}\n"
        "        expect: {calls: {count: 1}, messages: {count: 4}}\n"
        "      - again: 1\n        expect: {duplicate: true, calls: [], messages: []}\n"
        "      - {payload: {id: e2, type: created, user: u1}, expect: {result: there, calls: [], messages: []}}"
    )
    write(shop, calls=ANSWER, events=events, expect=f"result: there{EVERY}")
    assert shop.failures() == []


@pytest.mark.parametrize(
    ("expect", "failure"),
    [
        ("calls: []", ("calls", "[]", 'stripe: customers.create {"params":{"email":"a@x.example"')),
        ("calls: [{stripe: customers.create}, {stripe: customers.delete}]", ("calls", "2 in all", "stripe: customers")),
        ("calls: [{stripe: customers.delete}]", ("calls[0]", "stripe: customers.delete", "stripe: customers.create")),
        (
            "calls: [{stripe: customers.create, params: {email: b}}]",
            ("calls[0].params.email", "b", "a@x.example"),
        ),
        (
            "calls: [{stripe: customers.create, params: {exactly: {email: a@x.example}}}]",
            ("calls[0].params", '{"exactly":', '{"email":"a@x.example"'),
        ),
        ("calls: {count: 0}", ("calls.count", "0", "1")),
        ("messages: []", ("messages", "[]", 'notify: admins {"title":"New: u1"')),
        (
            "messages: {contains: [{notify: admins, body: {contains: b@x}}]}",
            ("messages", '{"notify":"admins","body":{"contains":"b@x"}}', "notify: admins"),
        ),
        (
            "messages: {contains: [{publish: events}, {publish: events}]}",
            ("messages", '{"publish":"events"}', "notify: admins"),
        ),
    ],
)
def test_what_left_otherwise_fails(shop: Folder, expect: str, failure: tuple[str, str, str]) -> None:
    write(shop, calls=ANSWER, expect=expect)
    [(what, expected, got)] = shop.failures()
    assert (what, expected.startswith(failure[1]), got.startswith(failure[2])) == (failure[0], True, True)


def test_some_of_the_messages_in_any_order(shop: Folder) -> None:
    told = "{notify: admins, body: {matches: 'as cus_[0-9]+$'}}"
    some = f"[{{publish: events}}, {told}, {{cache: delete, keys: {{contains: all}}}}]"
    write(shop, calls=ANSWER, expect=f"messages: {{contains: {some}, count: 4}}")
    assert shop.failures() == []


def test_a_call_that_no_answer_fits_fails_the_case_at_once(shop: Folder) -> None:
    write(shop, expect="result: made")
    [(what, expected, got)] = shop.failures()
    assert (what, expected) == ("calls", "an answer in `given.calls`")
    assert got.startswith('stripe: customers.create {"params":{"email":"a@x.example","metadata"')
    write(
        shop,
        calls="{stripe: customers.create, params: {email: b@x.example}, answer: {id: cus_2}}",
        expect="result: made",
    )
    [(_, _, got)] = shop.failures()
    assert got.endswith("0 of 1 answers to it are used up, the rest do not fit")


def test_an_answer_that_was_never_used_fails_the_case(shop: Folder) -> None:
    write(shop, calls=f"{ANSWER}, {{stripe: customers.delete, answer: {{}}}}", expect="result: made")
    assert shop.failures() == [("given.calls[1]", "used once", "never used")]
    write(shop, calls=ANSWER.replace("}}", "}, times: 2}"), expect="result: made")
    assert shop.failures() == [("given.calls[0]", "used 2 times", "used once")]
    write(shop, calls=ANSWER.replace("}}", "}, always: true}"), expect="result: made")
    assert shop.failures() == []
    write(shop, calls=f"{ANSWER}, {{stripe: customers.delete, answer: {{}}, optional: true}}", expect="result: made")
    assert shop.failures() == []


def test_answers_are_taken_in_order_by_what_they_fit(shop: Folder) -> None:
    calls = (
        "{stripe: customers.create, params: {email: b@x.example}, answer: {id: cus_b}}, "
        "{stripe: customers.create, answer: {id: cus_1}}, {stripe: customers.create, answer: {id: cus_2}}"
    )
    created = [f"{{id: e{n}, type: created, user: u{n}, email: {'b' if n == 2 else 'a'}@x.example}}" for n in (1, 2, 3)]
    events = f"events: [{', '.join(created)}]"
    rows = "[{id: u1, customer: cus_1}, {id: u2, customer: cus_b}, {id: u3, customer: cus_2}]"
    write(shop, calls=calls, events=events, expect=f"tables: {{users: {rows}}}")
    assert shop.failures() == []


@pytest.mark.parametrize(
    ("error", "expect"),
    [
        ("no such key", "status: dead\n      error: no such key"),
        ("{code: refused, message: your card was declined}", "status: dead\n      error: your card was declined"),
        ("{code: not_found}", "status: dead\n      error: customers.create"),
    ],
)
def test_a_refusal_is_final(shop: Folder, error: str, expect: str) -> None:
    write(shop, calls=f"{{stripe: customers.create, error: {error}}}", expect=f"{expect}\n      messages: []")
    assert shop.failures() == []


def test_what_is_not_there_is_a_branch_of_the_step(shop: Folder) -> None:
    rows = ", tables: {users: [{id: u1, customer: cus_1}]}"
    events = "event: {id: e1, type: deleted, user: u1}"
    gone = "{stripe: customers.delete, params: {customer: cus_1}, error: {code: not_found}}"
    write(shop, calls=gone, events=events, more=rows, expect="result: was_gone\n      tables: {users: []}")
    assert shop.failures() == []
    answered = "{stripe: customers.delete, answer: {id: cus_1, deleted: true}}"
    write(shop, calls=answered, events=events, more=rows, expect="result: deleted")
    assert shop.failures() == []


def test_a_call_that_is_not_answered_is_tried_again_when_time_passes(shop: Folder) -> None:
    events = (
        "events:\n      - payload: {id: e1, type: created, user: u1}\n"
        "        expect: {status: waiting, error: customers.create, tables: {users: []}, messages: []}\n"
        "      - {payload: {id: e2, type: created, user: u1}, expect: {status: waiting, calls: []}}\n"
        "      - {payload: {id: e3, type: created, user: u2}, expect: {result: made}}\n"
        "      - {wait: 1h, expect: {messages: {count: 4}, result: there}}"
    )
    down = "{stripe: customers.create, params: {metadata: {user: u1}}, down: true, times: 2}"
    write(shop, calls=f"{down}, {ANSWER.replace('}}', '}, times: 2}')}", events=events, expect="calls: {count: 2}")
    assert shop.failures() == []


def test_a_call_that_is_down_for_too_long_is_given_up(shop: Folder) -> None:
    events = "events: [{id: e1, type: created, user: u1}, {wait: 4d}]"
    write(shop, calls="{stripe: customers.create, down: true, always: true}", events=events, expect="status: dead")
    assert shop.failures() == []


def test_a_destination_that_is_waited_for(shop: Folder) -> None:
    calls = "{send: app, path: /quota, answer: {status: 200, body: {left: 3}}}, {send: app, path: /again, answer: {}}"
    events = "event: {id: e1, type: quota, user: u1}"
    made = "[{send: app, path: /quota, method: GET}, {send: app, forward: true, path: {matches: ^/a}}]"
    write(
        shop,
        calls=calls,
        events=events,
        expect=f"result: '200'\n      calls: {made}\n      messages: []\n"
        "      tables: {users: [{id: u1, left: 3}]}",
    )
    assert shop.failures() == []


@pytest.mark.parametrize(
    ("case", "finding"),
    [
        ("expect: {calls: [{stripe: customers.creat}]}", "GW203 no rule of `strict` calls `stripe: customers.creat`"),
        ("expect: {calls: [{strpe: customers.create}]}", "GW101 unknown key `strpe`"),
        ("expect: {calls: [{params: {}}]}", "GW102 missing key `stripe` or `send`"),
        ("expect: {calls: [{stripe: customers.create, send: app}]}", "GW105 `stripe` and `send` exclude each other"),
        ("expect: {calls: [{stripe: customers.create, parms: {}}]}", "GW101 unknown key `parms`"),
        ("expect: {calls: [{stripe: customers.create, path: /x}]}", "GW101 `stripe` has no `path`"),
        (
            "expect: {calls: [{stripe: customers.create, params: {emial: x}}]}",
            "GW203 `stripe: customers.create` of the rules has no parameter `emial`",
        ),
        ("expect: {calls: [{send: ap}]}", "GW205 no rule of `strict` sends to `ap`"),
        ("expect: {calls: [{notify: admins}]}", "GW101 unknown key `notify`"),
        ("expect: {messages: [{stripe: customers.create}]}", "GW101 unknown key `stripe`"),
        ("expect: {messages: [{notify: admin}]}", "GW205 no rule of `strict` notifies `admin`"),
        ("expect: {messages: [{notify: others}]}", "GW205 no rule of `strict` notifies `others`"),
        ("expect: {messages: [{notify: admins, boddy: x}]}", "GW101 unknown key `boddy`"),
        ("expect: {messages: [{notify: admins, level: loud}]}", "GW104 `level`: `loud` is not one of"),
        ("expect: {messages: [{notify: admins, body: {matches: '('}}]}", "GW304 `(` is not an RE2 pattern"),
        ("expect: {messages: [{notify: admins, body: {is: here}}]}", "GW104 `is` takes `present` or null"),
        ("expect: {messages: [{send: app, json: {usr: x}}]}", "GW203 `send: app` of the rules has no member of `json`"),
        ("expect: {messages: [{send: app, headers: {x-kin: x}}]}", "GW203 `send: app` of the rules has no header"),
        ("expect: {messages: [{publish: evnts}]}", "GW205 no rule of `strict` publishes to `evnts`"),
        ("expect: {messages: [{cache: drop}]}", "GW104 `cache`"),
        ("given: {calls: [{stripe: customers.create}]}", "GW102 missing key `answer`, `error` or `down`"),
        ("given: {calls: [{stripe: customers.creat, answer: {}}]}", "GW203 no rule of `strict` calls"),
        ("given: {calls: [{stripe: customers.create, answr: {}}]}", "GW101 unknown key `answr`"),
        ("given: {calls: [{stripe: customers.create, answer: {}, down: true}]}", "GW105 `answer` and `down` exclude"),
        ("given: {calls: [{stripe: customers.create, answer: {}, times: 0}]}", "GW104 `times`"),
        ("given: {calls: [{stripe: customers.create, answer: {}, times: 2, always: true}]}", "GW105 `always` and `tim"),
        ("given: {calls: [{stripe: customers.create, error: {code: gone}}]}", "GW104 `code`: `gone` is not one of"),
        ("given: {calls: [{send: app, answer: {stauts: 200}}]}", "GW101 unknown key `stauts`"),
        ("given: {calls: [{send: app, answer: {status: ok}}]}", "GW103 `status`: expected a whole number"),
        ("given: {calls: [{send: app, answer: {status: 404}}]}", "GW104 an event gets no answer with the status 404"),
        ("given: {calls: [{send: app, answer: 5}]}", "GW103 `answer`"),
    ],
)
def test_a_mistake_is_found_once(shop: Folder, case: str, finding: str) -> None:
    more = "" if "expect" in case else ", expect: {status: done}"
    shop.write(f"  - {{name: a, event: {{type: created}}, {case}{more}}}\n", source="strict")
    [found] = shop.findings()
    place, _, said = found.partition(" ")
    assert said.startswith(finding)
    assert place.startswith("3:")


def test_coverage_of_calls(shop: Folder) -> None:
    write(shop, calls=ANSWER, expect="result: made")
    missed = [point.what for point in shop.run().coverage.missed if point.path == "rules/strict.yaml"]
    assert missed == [
        "step `find`: found nothing",
        "step `finish`: never ran",
        "rule `deleted` handled no event",
        "step `find`: found nothing",
        "step `find`: something was found every time, `missing` was never used",
        "step `stripe`: never ran",
        "step `stripe`: what it asks for was there every time, `missing` was never used",
        "step `delete`: never ran",
        "step `finish`: never ran",
        "rule `quota` handled no event",
        "step `send`: never ran",
        "step `upsert`: never added a row",
        "step `upsert`: the row was new every time",
        "step `send`: never ran",
        "step `finish`: never ran",
    ]


@pytest.mark.parametrize("missing", ["null", "{finish: none}", "{fail: there is none}"])
@pytest.mark.parametrize(("code", "reached"), [("not_found", True), ("refused", False)])
def test_the_branch_for_what_is_not_there_is_told_from_a_refusal(
    shop: Folder, missing: str, code: str, reached: bool
) -> None:
    rules = shop.path / "rules" / "strict.yaml"
    rules.write_text(rules.read_text().replace("missing: null, as: gone", f"missing: {missing}, as: gone"))
    write(
        shop,
        calls=f"{{stripe: customers.delete, error: {{code: {code}}}}}",
        events="event: {id: e1, type: deleted, user: u1}",
        more=", tables: {users: [{id: u1, customer: cus_1}]}",
        expect="calls: {count: 1}",
    )
    missed = [point.what for point in shop.run().coverage.missed]
    branch = "step `stripe`: what it asks for was there every time, `missing` was never used"
    assert (branch not in missed) is reached

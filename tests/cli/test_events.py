"""`gateway events`: found, shown, told, run again."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.projects import CONFIGURATION, Folder, as_json, call, called, refused

EVENT_KEYS = [
    "id", "source", "event_id", "type", "key", "status", "result", "rule", "attempts", "occurred_at", "received_at",
    "finished_at", "next_attempt_at", "error",
]  # fmt: skip


def test_events_are_listed_for_people(folder: Folder) -> None:
    folder.send("placed", 1)
    folder.send("broken", 2)
    assert called("events", "list").splitlines() == [
        "ID  RECEIVED             SOURCE  TYPE    KEY  STATUS  RESULT",
        "2   2026-01-15 12:00:00  shop    broken       dead    broken as told",
        "1   2026-01-15 12:00:00  shop    placed       done    stored",
    ]


def test_events_are_listed_for_programs_as_the_api_lists_them(folder: Folder) -> None:
    folder.send("placed", 1)
    page = as_json("events", "list")
    assert list(page) == ["events", "next"]
    assert list(page["events"][0]) == EVENT_KEYS
    assert (page["events"][0]["id"], page["events"][0]["received_at"], page["next"]) == (
        "1",
        "2026-01-15T12:00:00Z",
        None,
    )


def test_events_are_chosen_and_come_in_pages(folder: Folder) -> None:
    for number in range(1, 6):
        folder.send("placed" if number % 2 else "broken", number, note="needle" if number == 1 else "hay")

    def found(*words: str) -> list[str]:
        return [event["id"] for event in as_json("events", "list", *words)["events"]]

    assert found("--status", "dead") == ["4", "2"]
    assert found("--type", "pl*", "--source", "shop") == ["5", "3", "1"]
    assert found("--q", "needle") == ["1"]
    assert found("--since", "1h") == []
    assert found("--until", "2026-01-15T12:00:01Z") == ["5", "4", "3", "2", "1"]
    assert found("--limit", "2", "--cursor", "4") == ["3", "2"]
    assert call("events", "list", "--limit", "2").stderr == "older ones: --cursor 4\n"


def test_a_search_goes_on_to_the_end(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.events.MOST_SEARCHED", 2)
    for number in range(1, 9):
        folder.send("placed", number, note="needle" if number in {1, 4} else "hay")
    page = as_json("events", "list", "--q", "needle")
    assert ([event["id"] for event in page["events"]], page["next"]) == (["4", "1"], None)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--status", "deed"], "`deed` is no status: did you mean `dead`?"),
        (["--since", "yesterday"], "`yesterday` is neither a time"),
        (["--cursor", "x"], "`x` is not a cursor"),
        (["--limit", "0"], "0 is not in the range"),
        (["--q", "x" * 201], "more than 200"),
    ],
)
def test_a_wrong_choice_is_told(folder: Folder, words: list[str], message: str) -> None:
    assert message in refused(2, "events", "list", *words)


def test_one_event_is_shown(folder: Folder) -> None:
    folder.send("broken", 1, amount="1.50")
    text = called("events", "show", "evt_1")
    assert "status          dead\n" in text
    assert '    "amount": "1.50"\n' in text
    assert "attempt 1: dead\n" in text
    shown = as_json("events", "show", "1")
    assert list(shown) == [
        *EVENT_KEYS,
        "payload",
        "headers",
        "traces",
        "duplicates",
        "verified_by",
        "request_id",
        "outbox",
    ]
    assert shown["traces"][0]["error"]["message"] == "broken as told"


def test_numbers_are_shown_as_they_came_and_other_bodies_as_text(folder: Folder) -> None:
    body = b'{"id":"evt_1","a":[10.00,{}],"n":1e400,"s":"\\u00fc"}'
    folder.bench.send(folder.bench.delivery(body, id="evt_1"), folder.bench.delivery(b"\xff\x1b[31m", id="evt_2"))
    text = called("events", "show", "evt_1")
    assert '    "a": [\n      10.00,\n      {}\n    ],\n' in text
    assert '"s": "ü"' in text
    assert "  \\xff\\x1b[31m\n" in called("events", "show", "evt_2")


def test_why_tells_the_story_and_knows_the_rules(folder: Folder) -> None:
    folder.send("broken", 1)
    text = called("events", "why", "evt_1")
    assert "no        placed: its `on` does not name broken" in text
    assert "yes       broken (rules.yaml:17)" in text
    assert "error     broken as told (rules.yaml:17)" in text
    assert "next        nothing by itself; `gateway events retry 1` once the cause is mended" in text
    assert as_json("events", "why", "1")["story"] == text.splitlines()


def test_why_also_works_while_the_rules_are_broken(folder: Folder) -> None:
    folder.send("broken", 1)
    (folder.path / "rules.yaml").write_text("version: 1\nrules: [{nam: x}]\n")
    assert "error     broken as told (rules[1].do[0])" in called("events", "why", "1")


def test_an_event_that_is_not_there_is_a_failure(folder: Folder) -> None:
    for command in ("show", "why", "retry"):
        assert "there is no event `evt_9`" in refused(1, "events", command, "evt_9")


def test_an_id_of_several_events_needs_the_source(folder: Folder) -> None:
    delivery = folder.bench.delivery({"type": "placed"}, id="evt_1")
    folder.bench.send(delivery, delivery._replace(source="second"))
    assert "1 (shop), 2 (second)" in refused(1, "events", "show", "evt_1")
    assert as_json("events", "show", "evt_1", "--source", "second")["id"] == "2"


def test_a_dead_letter_runs_again(folder: Folder) -> None:
    folder.send("broken", 1)
    assert called("events", "retry", "evt_1") == "event 1 (evt_1) is ready to run again\n"
    assert folder.bench.event(1)["status"] == "ready"
    [(actor, table, key, before, after)] = folder.changes()
    assert actor.startswith("cli")
    assert (table, key, after) == ("gateway_events", "1", '{"status":"ready"}')
    assert '"dead"' in before


def test_of_several_events_those_that_can_are_run_again(folder: Folder) -> None:
    folder.send("broken", 1)
    folder.send("placed", 2)
    folder.send("broken", 3)
    result = call("events", "retry", "1", "2", "evt_9", "3", "--json")
    assert result.exit_code == 1
    assert [event_id in result.stdout for event_id in ('"evt_1"', '"evt_2"', '"evt_3"')] == [True, False, True]
    assert "event 2 is done" in result.stderr
    assert "no event `evt_9`" in result.stderr


def test_a_done_event_runs_again_only_when_that_is_said(folder: Folder) -> None:
    folder.send("placed", 1)
    refused(1, "events", "retry", "1")
    called("events", "retry", "1", "--done")
    assert folder.bench.event(1)["status"] == "ready"


def test_events_are_run_again_by_choice(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.cli.events._BATCH", 2)
    for number in range(1, 6):
        folder.send("broken", number)
    folder.send("unheard of", 6)
    assert called("events", "retry", "--type", "broken", "--dry-run") == "5 events would be ready to run again\n"
    assert folder.bench.event(1)["status"] == "dead"
    assert as_json("events", "retry", "--type", "broken") == {"retried": 5, "fit": 5}
    assert {folder.bench.event(seq)["status"] for seq in range(1, 6)} == {"ready"}
    assert called("events", "retry", "--status", "ignored") == "1 event made ready to run again\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "which events?"),
        (["--done"], "which events?"),
        (["1", "--status", "dead"], "not both"),
        (["1", "--dry-run"], "not both"),
        (["--status", "done"], "events that are done are not run again by filters"),
    ],
)
def test_a_retry_must_say_what(folder: Folder, words: list[str], message: str) -> None:
    assert message in refused(2, "events", "retry", *words)


def test_a_configuration_elsewhere_is_named(folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.send("placed", 1)
    monkeypatch.chdir(tmp_path.parent)
    assert as_json("events", "list", "--config", str(tmp_path / "gateway.yaml"))["events"][0]["id"] == "1"


def test_a_database_that_is_not_there_is_not_made(folder: Folder) -> None:
    (folder.path / "gateway.yaml").write_text(CONFIGURATION.replace("test.db", "other.db"))
    assert "there is no database at" in refused(2, "events", "list")
    assert not (folder.path / "other.db").exists()


def test_a_database_without_the_tables_is_told(folder: Folder) -> None:
    (folder.path / "gateway.yaml").write_text(CONFIGURATION.replace("test.db", "other.db"))
    (folder.path / "other.db").touch()
    assert "`gateway migrate` makes them" in refused(2, "events", "list")


def test_a_file_that_is_no_database_is_told(folder: Folder) -> None:
    (folder.path / "gateway.yaml").write_text(CONFIGURATION.replace("test.db", "rules.yaml"))
    assert "the database cannot be used" in refused(2, "events", "list")


def test_a_database_of_an_unset_variable_is_not_guessed(folder: Folder) -> None:
    (folder.path / "gateway.yaml").write_text(CONFIGURATION.replace("sqlite:///test.db", "${env:DATABASE_OF_NOBODY}"))
    text = refused(2, "events", "list")
    assert "GW401" in text
    assert "SECRET_OF_NOBODY" not in text


def test_a_configuration_that_cannot_be_read_is_told_with_its_place(folder: Folder) -> None:
    (folder.path / "gateway.yaml").write_text("version: 1\nsources: [\n")
    text = refused(2, "events", "list")
    assert "gateway.yaml:" in text
    assert "`gateway.yaml` cannot be used" in text

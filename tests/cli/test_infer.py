"""`gateway schema infer`: drafts from stored events, and `gateway validate` that uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.projects import Folder, as_json, call, called, refused

from gateway.cli.infer import _drafted
from gateway.config.payload_validation import PayloadValidator
from gateway.store.payloads import received_types


def test_a_draft_says_which_kinds_of_values_stand_where(folder: Folder) -> None:
    lines = [{"count": 2, "price": 9.9}, {"count": 1, "price": 10, "note": None}]
    folder.send("placed", 1, buyer={"name": "Ana Souza", "phone2": None}, lines=lines, tags=[])
    folder.send("placed", 2, buyer={"name": "Bea Lima", "phone2": "+55 11 91234-5678"}, lines=[], gift=True)
    draft = json.loads(called("schema", "infer", "shop", "--type", "placed"))
    assert draft == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "shop placed",
        "description": "Drafted from 2 events: look through it before it is enforced.",
        "type": "object",
        "properties": {
            "buyer": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "phone2": {"type": ["string", "null"]}},
                "required": ["name", "phone2"],
            },
            "gift": {"type": "boolean"},
            "id": {"type": "string"},
            "lines": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"count": {"type": "integer"}, "note": {"type": "null"}, "price": {"type": "number"}},
                    "required": ["count", "price"],
                },
            },
            "order": {"type": "string"},
            "tags": {"type": "array"},
            "type": {"type": "string"},
        },
        "required": ["buyer", "id", "lines", "order", "type"],
    }


@pytest.mark.parametrize(
    "names",
    [
        ["ana@example.com", "bea@example.com"],
        ["cus_NffrFeUfNV2Hib", "cus_Zq81LmNo77xYab"],
        ["7f9c24e8-3b12-4ad9-9f0e-1a2b3c4d5e6f"],
        ["20260115", "20260116"],
        ["Ana Souza"],
        ["São"],
        ["ana", "bea", "carla"],
    ],
)
def test_names_that_are_data_are_left_out(folder: Folder, names: list[str]) -> None:
    for number, name in enumerate(names):
        folder.send("placed", number, shares={name: {"percent": number}})
    draft = json.loads(called("schema", "infer", "shop", "--type", "placed"))
    share = {"type": "object", "properties": {"percent": {"type": "integer"}}, "required": ["percent"]}
    assert draft["properties"]["shares"] == {"type": "object", "additionalProperties": share}


def test_names_that_programmers_give_are_kept(folder: Folder) -> None:
    names = {"addressLine1": "", "address_line_2": "", "sha256": "", "@type": "", "x-id": "", "OAuth2Token": ""}
    folder.send("placed", 1, meta=names)
    draft = json.loads(called("schema", "infer", "shop", "--type", "placed"))
    assert set(draft["properties"]["meta"]["properties"]) == set(names)


def test_every_type_and_what_the_events_fit(folder: Folder) -> None:
    folder.send("placed", 1, total=1.5)
    folder.send("broken", 2, total=None)
    printed = json.loads(called("schema", "infer", "shop"))
    assert list(printed) == ["broken", "placed"]
    assert as_json("schema", "infer", "shop") == {"source": "shop", "schemas": printed, "files": []}
    assert received_types(folder.bench.database, "shop") == ["broken", "placed"]


def test_the_newest_count(folder: Folder) -> None:
    for number in range(5):
        folder.send("placed", number, total=None if number < 3 else 1)
    [(_, draft)] = _drafted(folder.bench.database, "shop", "placed", 2)
    assert draft["properties"]["total"] == {"type": "integer"}
    [(_, draft)] = _drafted(folder.bench.database, "shop", "placed", 5)
    assert draft["properties"]["total"] == {"type": ["integer", "null"]}


def test_files_are_written_once_and_used(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_NOBODY", "a-token-of-some-length")
    folder.send("placed", 1, total=1.5)
    folder.send("odd/type", 2)
    result = call("schema", "infer", "shop", "--out", "schemas/payloads")
    path = Path("schemas/payloads/shop/placed.json")
    assert (result.exit_code, result.stdout) == (0, f"{path}\n")
    assert "left out: `odd/type`" in result.stderr
    assert PayloadValidator([path.parent]).violation("placed", {"total": "x"}) is not None
    rules = Path("rules.yaml").read_text()
    assert "GW307" not in call("validate", "--format", "concise").stdout
    Path("rules.yaml").write_text(rules.replace("on: placed\n", "on: placed\n    extract: {number: ordr}\n"))
    said = call("validate").stdout
    assert "warning[GW307]: no payload of `placed` has this" in said
    assert "did you mean `order`?" in said
    before = path.read_text()
    assert "is there already" in refused(2, "schema", "infer", "shop", "--out", "schemas/payloads")
    assert path.read_text() == before


def test_what_cannot_be_drafted(folder: Folder) -> None:
    assert "did you mean `shop`?" in refused(2, "schema", "infer", "shpo")
    assert "no readable event of `shop` is stored" in refused(2, "schema", "infer", "shop")
    folder.send("placed", 1)
    assert "of type `paid`" in refused(2, "schema", "infer", "shop", "--type", "paid")

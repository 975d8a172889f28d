"""A real `gateway lsp`, spoken to as an editor speaks to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from editor.client import Editor, cut, started
from editor.project import ENVIRON, GATEWAY, RULES, with_rules, write_project
from running import ENVIRONMENT

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def started_editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """One language server for all tests of the made-up project: starting one takes a second."""
    with started(tmp_path_factory.mktemp("project"), environ=ENVIRON) as editor:
        yield editor


@pytest.fixture
def editor(started_editor: Editor) -> Editor:
    """An editor of the made-up project, with nothing open and nothing changed."""
    write_project(started_editor.folder)
    started_editor.settle()
    return started_editor


@pytest.fixture
def shipped(tmp_path: Path) -> Iterator[Editor]:
    """An editor of a copy of the shipped configuration."""
    shutil.copy(ROOT / "gateway.yaml", tmp_path)
    shutil.copytree(ROOT / "rules", tmp_path / "rules")
    with started(tmp_path, environ=ENVIRONMENT) as editor:
        yield editor


def validated(editor: Editor, environ: dict[str, str]) -> list[tuple[str, str, int, int]]:
    """Return what `gateway validate` finds: file, code, line and column."""
    command = [sys.executable, "-m", "gateway", "validate", "--json"]
    done = subprocess.run(command, cwd=editor.folder, capture_output=True, env={**os.environ, **environ})
    found = json.loads(done.stdout)["findings"]
    return sorted((one["path"], one["code"], one["line"], one["column"]) for one in found)


def told(editor: Editor) -> list[tuple[str, str, int, int]]:
    """Return what the editor shows, counted in the same way; its lines have no character that takes two units."""
    editor.ask("hover", "gateway.yaml", 0, 0)  # whatever was said before the answer has arrived with it
    return sorted(
        (uri.removeprefix(editor.folder.as_uri() + "/"), one["code"], start["line"] + 1, start["character"] + 1)
        for uri, listed in editor.diagnostics.items()
        for one in listed
        for start in [one["range"]["start"]]
    )


def test_the_shipped_configuration_is_as_gateway_validate_says(shipped: Editor) -> None:
    name = "rules/asaas-billing.yaml"
    text = shipped.open(name)
    shipped.findings(name, [])
    assert told(shipped) == validated(shipped, ENVIRONMENT)
    wrong = text.replace("tenants:\n", "tenant:\n", 1)
    shipped.change(name, wrong)
    assert "GW201" in {one["code"] for one in shipped.findings(name, None)}
    (shipped.folder / name).write_text(wrong, "utf-8")
    assert told(shipped) == validated(shipped, ENVIRONMENT)
    shipped.change(name, text, 3)
    shipped.findings(name, [])
    assert shipped.stop() == 0


def test_findings_come_and_go_while_typing(editor: Editor) -> None:
    name = "rules/pay.yaml"
    editor.open(name)
    editor.findings(name, [])
    editor.change(name, with_rules("update: tenants", "update: tenant"))
    (one,) = editor.findings(name, ["GW201"])
    assert one["severity"] == 1
    assert one["source"] == "gateway"
    assert one["message"] == "unknown table `tenant`\nhelp: did you mean `tenants`?"
    assert one["codeDescription"]["href"] == (ROOT / "docs" / "errors.md").as_uri() + "#gw201-an-unknown-table"
    assert one["range"]["start"] == {"line": 27, "character": 16}
    assert one["range"]["end"] == {"line": 27, "character": 22}
    editor.change(name, RULES, 3)
    editor.findings(name, [])


def test_the_sections_that_findings_point_to_are_there(editor: Editor) -> None:
    editor.open("rules/pay.yaml", with_rules("update: tenants", "updat: tenants\n        name: x\n        name: y"))
    codes = editor.findings("rules/pay.yaml", ["GW007", "GW105"])
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    headings = [line.lower() for line in page.splitlines() if line.startswith("### ")]
    for one in codes:
        anchor = one["codeDescription"]["href"].partition("#")[2]
        assert any("".join(c for c in h[4:] if c.isalnum() or c in "_- ").replace(" ", "-") == anchor for h in headings)
    (again,) = [one for one in codes if one["code"] == "GW007"]
    (related,) = again["relatedInformation"]
    assert related["message"].startswith("the first stands at line 29")
    assert related["location"]["range"]["start"] == {"line": 28, "character": 8}


def test_other_files_are_told_of_and_cleared(editor: Editor) -> None:
    editor.open("gateway.yaml")
    editor.findings("gateway.yaml", [])
    editor.change("gateway.yaml", GATEWAY.replace("admins:", "people:"))
    editor.findings("rules/pay.yaml", ["GW205"])
    editor.change("gateway.yaml", GATEWAY, 3)
    editor.findings("rules/pay.yaml", [])


def test_a_file_that_is_closed_counts_as_it_is_on_disk(editor: Editor) -> None:
    name = "rules/pay.yaml"
    editor.open(name, with_rules("update: tenants", "update: tenant"))
    editor.findings(name, ["GW201"])
    editor.close(name)
    editor.findings(name, [])


def test_a_change_on_disk_is_noticed(editor: Editor) -> None:
    editor.open("gateway.yaml")
    editor.findings("gateway.yaml", [])
    path = editor.folder / "rules" / "pay.yaml"
    path.write_text(with_rules("update: tenants", "update: tenant"), "utf-8")
    editor.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": path.as_uri(), "type": 2}]})
    editor.findings("rules/pay.yaml", ["GW201"])


@pytest.mark.parametrize(
    "text", ["", "rules:\n  - name", "rules: [", '"', "a: b: c", "\t- x", "&a [*a]", "rules: {x: $"]
)
def test_half_typed_files_are_told_of_and_survived(editor: Editor, text: str) -> None:
    name = "rules/pay.yaml"
    editor.open(name, text)
    editor.findings(name, None)
    for what in ("completion", "hover", "definition"):
        editor.ask(what, name, 0, len(text.partition("\n")[0]))
    editor.change(name, RULES)
    editor.findings(name, [])


def test_a_rules_file_that_nothing_names_is_checked_by_itself(editor: Editor) -> None:
    editor.open("rules/new.yaml", with_rules("update: tenants", "update: tenant"))
    editor.findings("rules/new.yaml", ["GW201"])


def test_files_of_other_tools_are_left_alone(tmp_path: Path) -> None:
    with started(tmp_path) as editor:
        editor.open("compose.yaml", "services: {web: {image: nginx}}\n")
        editor.findings("compose.yaml", [])
        for what in ("completion", "hover", "definition"):
            assert editor.ask(what, "compose.yaml", 0, 3) is None


def test_files_of_other_tools_beside_a_project_are_left_alone(editor: Editor) -> None:
    editor.open("compose.yaml", "services: {web: {image: nginx}}\nversion: 1\nve")
    editor.findings("compose.yaml", [])
    assert editor.ask("completion", "compose.yaml", 2, 2) is None


def test_the_configuration_may_be_named(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project")
    (project / "gateway.yaml").rename(project / "other.yaml")
    with started(project, "--config", "other.yaml", environ=ENVIRON) as editor:
        editor.open("rules/pay.yaml", with_rules("notify: admins", "notify: admin"))
        editor.findings("rules/pay.yaml", ["GW205"])


# what is asked for

EMOJI = with_rules('body: "${ tenant.id } has paid 🎉 $customer"', 'body: "ß 🎉🎉 $tenant.‸"')


def test_completion_behind_an_emoji(editor: Editor) -> None:
    text, line, character = cut(EMOJI)
    editor.open("rules/pay.yaml", text)
    found = editor.ask("completion", "rules/pay.yaml", line, character)["items"]
    status = next(one for one in found if one["label"] == "status")
    place = {"line": line, "character": character}
    assert status["textEdit"] == {"range": {"start": place, "end": place}, "newText": "status"}
    assert status["detail"] == "text, one of `active`, `overdue`, `trial`, or null"


def test_an_editor_may_count_otherwise(tmp_path: Path) -> None:
    text, line, _ = cut(EMOJI)
    character = len(EMOJI.partition("‸")[0].rpartition("\n")[2].encode())
    with Editor(write_project(tmp_path), environ=ENVIRON) as editor:
        assert editor.start(["utf-8", "utf-16"])["capabilities"]["positionEncoding"] == "utf-8"
        editor.open("rules/pay.yaml", text)
        found = editor.ask("completion", "rules/pay.yaml", line, character)["items"]
        place = {"line": line, "character": character}
        assert {"start": place, "end": place} in [one["textEdit"]["range"] for one in found if one["label"] == "status"]


def test_a_change_of_a_part_behind_an_emoji(editor: Editor) -> None:
    name = "rules/pay.yaml"
    _, line, character = cut(with_rules("paid 🎉 $customer", "paid 🎉 $‸customer"))
    editor.open(name)
    editor.findings(name, [])
    place = {"start": {"line": line, "character": character}, "end": {"line": line, "character": character + 4}}
    editor.notify(
        "textDocument/didChange",
        {
            "textDocument": {"uri": editor.uri(name), "version": 2},
            "contentChanges": [{"range": place, "text": "kust"}],
        },
    )
    (one,) = editor.findings(name, ["GW203"])
    assert one["range"]["start"] == place["start"]
    assert "did you mean `customer`?" in one["message"]


def test_a_file_is_called_what_the_editor_calls_it(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(write_project(tmp_path / "project"))
    with started(tmp_path, environ=ENVIRON) as editor:
        uri = (tmp_path / "link" / "rules" / "pay.yaml").as_uri()
        text = with_rules("update: tenants", "update: tenant")
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        editor.notify("textDocument/didOpen", {"textDocument": document})
        place = {"textDocument": {"uri": uri}, "position": {"line": 27, "character": 3}}
        while uri not in editor.diagnostics:
            editor.request("textDocument/hover", place)


def test_findings_and_definitions_behind_an_emoji(editor: Editor) -> None:
    name = "rules/pay.yaml"
    text, line, character = cut(with_rules("paid 🎉 $customer", "paid 🎉 $‸custmer"))
    editor.open(name, text)
    (one,) = editor.findings(name, ["GW203"])
    assert one["range"]["start"] == {"line": line, "character": character}
    assert one["range"]["end"] == {"line": line, "character": character + len("custmer")}
    editor.change(name, RULES)
    found = editor.ask("definition", name, line, character + 1)
    assert found["uri"] == editor.uri(name)
    assert found["range"]["start"] == {"line": 10, "character": 2}


def test_hover_explains_findings_too(editor: Editor) -> None:
    name = "rules/pay.yaml"
    text, line, character = cut(with_rules("update: tenants", "update: ‸tenant"))
    editor.open(name, text)
    editor.findings(name, ["GW201"])
    said = editor.ask("hover", name, line, character)["contents"]
    assert said["kind"] == "markdown"
    assert said["value"].startswith("**GW201**: unknown table `tenant`")
    assert "some rules file declares under `tables`" in said["value"]


def test_a_quick_fix_can_be_applied(editor: Editor) -> None:
    name = "rules/pay.yaml"
    editor.open(name, with_rules("notify: admins", 'notify: "admin"'))
    (one,) = editor.findings(name, ["GW205"])
    document = {"textDocument": {"uri": editor.uri(name)}}
    context: dict[str, Any] = {"diagnostics": [one]}
    (fix,) = editor.request("textDocument/codeAction", {**document, "range": one["range"], "context": context})
    assert (fix["title"], fix["kind"], fix["diagnostics"]) == ("Change to `admins`", "quickfix", [one])
    ((uri, edits),) = fix["edit"]["changes"].items()
    assert uri == editor.uri(name)
    assert edits[0]["newText"] == "admins"
    start = one["range"]["start"]
    assert edits[0]["range"]["start"] == {"line": start["line"], "character": start["character"] + 1}
    elsewhere = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}
    assert editor.request("textDocument/codeAction", {**document, "range": elsewhere, "context": context}) == []


def test_references_in_all_files(editor: Editor) -> None:
    name = "rules/pay.yaml"
    text, line, character = cut(with_rules("update: tenants", "update: ten‸ants"))
    editor.open(name, text)
    with_it = editor.ask("references", name, line, character, context={"includeDeclaration": True})
    without = editor.ask("references", name, line, character, context={"includeDeclaration": False})
    assert len(with_it) == len(without) + 1 == 5
    assert {one["uri"] for one in with_it} == {editor.uri(name), editor.uri("rules/tests/pay.test.yaml")}


def test_the_server_renames(editor: Editor) -> None:
    name = "rules/pay.yaml"
    text, line, character = cut(with_rules("run: find_tenant", "run: find_ten‸ant"))
    editor.open(name, text)
    place = editor.ask("prepareRename", name, line, character)
    assert (place["start"]["line"], place["end"]["character"] - place["start"]["character"]) == (line, 11)
    edits = editor.ask("rename", name, line, character, newName="who_pays")["changes"][editor.uri(name)]
    assert [one["newText"] for one in edits] == ["who_pays", "who_pays"]
    assert editor.ask("rename", name, line, character, newName="who pays") is None


def test_a_document_without_a_file_is_left_alone(editor: Editor) -> None:
    document = {"uri": "untitled:Untitled-1", "languageId": "yaml", "version": 1, "text": "rules: ["}
    editor.notify("textDocument/didOpen", {"textDocument": document})
    place = {"textDocument": {"uri": "untitled:Untitled-1"}, "position": {"line": 0, "character": 1}}
    assert editor.request("textDocument/completion", place) is None


# the command


def test_it_is_no_command_for_a_terminal() -> None:
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "gateway", "lsp"]
    done = subprocess.run(command, stdin=theirs, capture_output=True, text=True, timeout=60)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 2
    assert "`gateway lsp` is started by an editor" in done.stderr


def test_only_this_command_imports_the_protocol() -> None:
    code = "import sys, gateway.cli.lsp, gateway.cli.validate, gateway.cli.checking; print('pygls' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False\n"

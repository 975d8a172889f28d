"""A project of many rules files: the shipped ones, again and again, each the rules of a source of its own."""

from __future__ import annotations

from pathlib import Path

import yaml

from bench.servers import ROOT


def write_project(folder: Path, files: int) -> int:
    """Write a project of so many rules files into a folder; return how many lines they have."""
    shipped = yaml.safe_load((ROOT / "gateway.yaml").read_text())
    owners = {rules: source for source in shipped["sources"].values() for rules in source["rules"]}
    rules = [(path, (ROOT / path).read_text()) for path in sorted(owners)]
    sources, lines = {}, 0
    (folder / "rules").mkdir(parents=True)
    for number in range(files):
        path, text = rules[number % len(rules)]
        own = f"rules/{number}-{Path(path).name}"
        (folder / own).write_text(text)
        lines += text.count("\n")
        sources[f"source-{number}"] = {**owners[path], "path": f"/hooks/{number}", "rules": [own]}
    (folder / "gateway.yaml").write_text(yaml.safe_dump({**shipped, "sources": sources}, sort_keys=False))
    return lines

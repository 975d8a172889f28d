"""`gateway explain`: what a code means, with a file that has it and the same file mended."""

from __future__ import annotations

import json
import sys

import click

from gateway.config.codes import CODES, GROUPS, Code
from gateway.config.diagnostics import did_you_mean

EXAMPLE = "Example: gateway explain GW102"


@click.command("explain", epilog=EXAMPLE)
@click.argument("code", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print for programs.")
def command(code: str | None, as_json: bool) -> None:
    """Explain CODE, or list all codes."""
    if code is None:
        click.echo(_listed_as_json() if as_json else _listed())
        return
    found = CODES.get(code.upper())
    if found is None:
        near = did_you_mean(code.upper(), CODES)
        click.echo(f"gateway: error: there is no code `{code}`", err=True)
        click.echo(f"  help: did you mean `{near}`?" if near else "  help: `gateway explain` lists them", err=True)
        sys.exit(2)
    click.echo(json.dumps(_as_data(found), indent=2, ensure_ascii=False) if as_json else _explained(found))


def _explained(code: Code) -> str:
    return "\n".join(
        [
            f"{code.code}: {code.title}",
            "",
            code.why,
            "",
            f"Wrong, in {code.file}:",
            "",
            _indented(code.wrong),
            "",
            "Right:",
            "",
            _indented(code.right),
        ]
    )


def _listed() -> str:
    chapters = [
        "\n".join([title, *(f"  {code.code}  {code.title}" for code in codes)]) for title, codes in GROUPS.items()
    ]
    return "\n\n".join(chapters)


def _listed_as_json() -> str:
    codes = [{"code": code.code, "title": code.title} for code in CODES.values()]
    return json.dumps({"codes": codes}, indent=2, ensure_ascii=False)


def _as_data(code: Code) -> dict[str, str]:
    return {
        "code": code.code,
        "title": code.title,
        "why": code.why,
        "file": code.file,
        "wrong": code.wrong,
        "right": code.right,
    }


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())

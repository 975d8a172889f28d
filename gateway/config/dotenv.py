"""Reads an `.env` file: NAME=value lines, quotes, comments, an `export` in front."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.config.diagnostics import FILE_START, Findings, one_character, position_after

_SKIPPED = re.compile(r"(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))+|[ \t]*(?:#[^\r\n]*)?\Z")
_ENTRY = re.compile(
    r"""[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*
    (?: '([^']*)' | "((?:[^"\\]|\\.)*)" | ((?:(?:(?<==)\#|[^\s'"#])[^\r\n]*?)?) )
    [ \t]*(?:(?<=[ \t])\#[^\r\n]*)?(?:\r\n|\r|\n|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


def read_dotenv(path: Path, findings: Findings, *, shown: str) -> dict[str, str]:
    """Return the variables of a file; a missing file holds none. Of a name written twice the last counts.

    Single quotes take everything as it stands, double quotes know backslash escapes, and both may span lines.
    Without quotes, ` #` begins a comment.
    """
    held = findings.unsaved.get(path.resolve()) if findings.unsaved else None
    if held is not None:  # an editor has it open
        return _parse(held, shown, findings)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it is not UTF-8"
        findings.error("GW407", f"`{shown}` cannot be read: {reason}", (shown, FILE_START))
        return {}
    return _parse(text, shown, findings)


def _parse(text: str, path: str, findings: Findings) -> dict[str, str]:
    variables: dict[str, str] = {}
    at = 0
    while at < len(text):
        skipped = _SKIPPED.match(text, at)
        at = skipped.end() if skipped else at
        if at >= len(text):
            break
        entry = _ENTRY.match(text, at)
        if entry is None:
            _report(text, at, path, findings)
        else:
            variables[entry[1]] = _value(entry)
        line = entry or _LINE.match(text, at)
        at = line.end() if line else len(text)
    return variables


def _value(entry: re.Match[str]) -> str:
    if entry[3] is not None:
        return _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[0]), entry[3])
    return entry[2] if entry[2] is not None else entry[4]


def _report(text: str, at: int, path: str, findings: Findings) -> None:
    """Report a line that is no entry, without showing it: it may hold a secret."""
    line = _LINE.match(text, at)
    opened = re.match(r"[^=\r\n]*=[ \t]*['\"]", line[0]) if line else None
    findings.error(
        "GW407",
        "the quote is not closed, or something follows it" if opened else "this line is not `NAME=value`",
        (path, one_character(position_after(text[:at]))),
        help="a name has letters, digits and `_`" if not opened else None,
    )

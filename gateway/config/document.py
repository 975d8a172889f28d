"""Reads YAML 1.2 files into nodes that know their place."""

from __future__ import annotations

from pathlib import Path

from gateway.config.composer import compose
from gateway.config.diagnostics import (
    FILE_START,
    DocumentFindings,
    Findings,
    Span,
    one_character,
    position_after,
)
from gateway.config.nodes import Mapping, Node, Plain, Scalar, ScalarValue, Sequence, Step, kind_of, node_at
from gateway.records import dataclass, field

__all__ = [
    "Document",
    "Mapping",
    "Node",
    "Plain",
    "Scalar",
    "ScalarValue",
    "Sequence",
    "Step",
    "kind_of",
    "load_document",
    "node_at",
    "read_document",
]

MAX_BYTES = 4 * 1024 * 1024
"""A configuration file may be this long."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Document:
    """A file that was read; `root` is None when it could not be understood."""

    path: str
    text: str = field(repr=False)
    root: Node | None = field(repr=False)


def read_document(path: str, text: str, findings: Findings) -> Document:
    """Read YAML text; what is wrong becomes diagnostics with codes GW0xx.

    A problem that leaves the structure clear (a duplicate key, a tag) still gives a root.
    """
    text = text.removeprefix("\ufeff")
    findings.sources[path] = text
    return Document(path=path, text=text, root=compose(text, DocumentFindings(findings=findings, path=path)))


def load_document(path: Path, findings: Findings, *, shown: str | None = None) -> Document | None:
    """Read a file; None when there is nothing to read, which is then reported at the file's start.

    What `findings` knows an editor to hold of it counts more than what is on disk.
    `shown` is the path as people see it, the path itself when left out.
    """
    name = shown or str(path)
    held = findings.unsaved.get(path.resolve()) if findings.unsaved else None
    if held is not None:
        return read_document(name, held, findings)
    body = _read_bytes(path, name, findings)
    text = None if body is None else _decode(body, name, findings)
    return None if text is None else read_document(name, text, findings)


def _read_bytes(path: Path, name: str, findings: Findings) -> bytes | None:
    code = "GW001"
    try:
        if path.stat().st_size <= MAX_BYTES:
            return path.read_bytes()
        code, problem = "GW010", f"`{name}` is larger than {MAX_BYTES // 1024 // 1024} MiB"
    except FileNotFoundError:
        problem = f"there is no file `{name}`"
    except IsADirectoryError:
        problem = f"`{name}` is a directory, not a file"
    except OSError as error:
        problem = f"`{name}` cannot be read: {(error.strerror or str(error)).lower()}"
    except ValueError:
        problem = f"`{name!r}` is not a path"
    findings.error(code, problem, (name, FILE_START))
    return None


def _decode(body: bytes, name: str, findings: Findings) -> str | None:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        start = error.start
    before = body[:start].decode("utf-8").removeprefix("\ufeff")
    findings.sources[name] = body.decode("utf-8", "replace").removeprefix("\ufeff")
    utf16 = body.startswith((b"\xff\xfe", b"\xfe\xff"))
    place: Span = FILE_START if utf16 else one_character(position_after(before))
    findings.error(
        "GW002",
        "the file is UTF-16, not UTF-8" if utf16 else f"the byte 0x{body[start]:02x} is not UTF-8",
        (name, place),
        help="save the file as UTF-8",
    )
    return None

"""Values that gateway.yaml takes from elsewhere: `${env:NAME}`, `${env:NAME:-default}`, `${file:path}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from gateway.config.diagnostics import DocumentFindings, Findings, did_you_mean
from gateway.config.dotenv import read_dotenv
from gateway.config.nodes import Mapping as MappingNode
from gateway.config.nodes import Node, Scalar, Sequence, Step
from gateway.records import dataclass

MAX_FILE_BYTES = 1024 * 1024
"""A file that a value is taken from may be this long."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BARE = re.compile(r"(?<![$\w])(?:\$(?:env|file):[^\s}]*\}?|\{(?:env|file):[^}]*\}?)")
"""A reference without its dollar or its opening brace."""
_REFERENCE = re.compile(r"(?<!\$)(?:\$\$)*(\$\{([^}]*)(\}?))")


class Secret:
    """A text that no log, message or traceback shows; `reveal` gives it out."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text.strip()

    def reveal(self) -> str:
        """Return the secret itself, without white space round it."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "***"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where values are taken from: variables, and the directory that files are named from."""

    variables: Mapping[str, str]
    directory: Path


def read_environment(
    directory: Path, environ: Mapping[str, str], findings: Findings, *, shown: Path | None = None
) -> Environment:
    """Join the variables of the process with those of `.env` in `directory`; the process counts first.

    `shown` is the directory as people see it, the directory itself when left out.
    """
    written = read_dotenv(directory / ".env", findings, shown=str((shown or directory) / ".env"))
    return Environment(variables={**written, **environ}, directory=directory)


def substitute(
    root: Node, environment: Environment, findings: DocumentFindings, *, is_template: re.Pattern[str]
) -> Node:
    """Return the tree with every reference replaced by what it stands for.

    An unset variable, an unreadable file and a `${…}` of another kind are reported; the value is then
    marked as unknown. `is_template` fits the paths (`sources/asaas/response`) below which `${…}` belongs to
    rules and is left alone. A dollar before the dollar (`$${env:…}`) leaves a reference as it stands.
    """
    return _Substitution(environment, findings, is_template).node(root, ())


class _Substitution:
    def __init__(self, environment: Environment, findings: DocumentFindings, is_template: re.Pattern[str]) -> None:
        self._environment = environment
        self._findings = findings
        self._is_template = is_template

    def node(self, node: Node, path: tuple[Step, ...]) -> Node:
        """Return a node with its references replaced."""
        match node:
            case Scalar():
                if "${" in node.text:
                    return self._scalar(node, path)
                return self._bare(node, path) if _BARE.search(node.text) else node
            case Sequence():
                items = tuple(self.node(item, (*path, index)) for index, item in enumerate(node.items))
                return Sequence(items=items, span=node.span)
            case MappingNode():
                entries = tuple((key, self.node(value, (*path, key.text))) for key, value in node.entries)
                return MappingNode(entries=entries, span=node.span)

    def _scalar(self, scalar: Scalar, path: tuple[Step, ...]) -> Scalar:
        template = self._is_template.match("/".join(str(step) for step in path)) is not None
        text, origins, known, at = "", [], True, 0
        for reference in _REFERENCE.finditer(scalar.text):
            kind, colon, name = reference[2].partition(":")
            if template and not (colon and kind in ("env", "file")):
                continue
            value = self._value(scalar, reference, kind, name)
            text += scalar.text[at : reference.start(1)] + (value or "")
            at = reference.end(1)
            known = known and value is not None
            origins.append(_origin(kind, name))
        if not origins:
            return scalar
        text += scalar.text[at:]
        return Scalar(
            value=text,
            raw=scalar.raw,
            text=text,
            style=scalar.style,
            span=scalar.span,
            origin=" and ".join(dict.fromkeys(origins)),
            known=known,
        )

    def _bare(self, scalar: Scalar, path: tuple[Step, ...]) -> Scalar:
        """Report a reference that lacks its dollar or its brace, and would be taken as it stands."""
        found = _BARE.search(scalar.text)
        assert found is not None
        if self._is_template.match("/".join(str(step) for step in path)) is None:
            self._findings.error(
                "GW405",
                f"`{found[0]}` is not a reference to a variable or a file",
                scalar.span_of(*found.span()),
                help=_meant(found[0].strip("${}")),
            )
            return Scalar(
                value=scalar.value, raw=scalar.raw, text=scalar.text, style=scalar.style, span=scalar.span, known=False
            )
        return scalar

    def _value(self, scalar: Scalar, reference: re.Match[str], kind: str, name: str) -> str | None:
        if not reference[3] or kind not in ("env", "file") or not name:
            self._report_malformed(scalar, reference)
            return None
        return self._file(scalar, reference, name) if kind == "file" else self._variable(scalar, reference, name)

    def _variable(self, scalar: Scalar, reference: re.Match[str], text: str) -> str | None:
        name, has_default, default = text.partition(":-")
        if not _NAME.fullmatch(name):
            self._report_malformed(scalar, reference)
            return None
        value = self._environment.variables.get(name)
        if has_default:
            return value or default
        if value is not None:
            return value
        near = did_you_mean(name, self._environment.variables)
        self._findings.error(
            "GW401",
            f"the variable `{name}` is not set",
            scalar.span_of(*reference.span(1)),
            help=f"did you mean `{near}`?"
            if near
            else f"set it, or write it into `.env`, or give a default: `${{env:{name}:-…}}`",
        )
        return None

    def _file(self, scalar: Scalar, reference: re.Match[str], name: str) -> str | None:
        try:
            path = self._environment.directory / name
            if path.stat().st_size > MAX_FILE_BYTES:
                problem = f"is larger than {MAX_FILE_BYTES // 1024} KiB"
            else:
                return path.read_text("utf-8").rstrip("\r\n")
        except FileNotFoundError:
            problem = "does not exist"
        except OSError as error:
            problem = f"cannot be read: {(error.strerror or str(error)).lower()}"
        except UnicodeDecodeError:
            problem = "is not UTF-8 text"
        except ValueError:
            problem = "is not a path"
        self._findings.error(
            "GW406",
            f"the file `{name}` {problem}",
            scalar.span_of(*reference.span(1)),
            help="a path is relative to the directory of this file",
        )
        return None

    def _report_malformed(self, scalar: Scalar, reference: re.Match[str]) -> None:
        self._findings.error(
            "GW405",
            f"`{reference[1]}` is not a reference to a variable or a file",
            scalar.span_of(*reference.span(1)),
            help=_meant(reference[2]),
        )


def _origin(kind: str, name: str) -> str:
    name = name.partition(":-")[0]
    return f"the file `{name}`" if kind == "file" else f"the variable `{name}`"


def _meant(text: str) -> str:
    """Guess what was meant by the inside of a `${…}` that is no reference."""
    kind, _, rest = text.partition(":")
    named = list(_NAME.finditer(rest if kind.strip().casefold() in ("env", "file") else text))
    # Of `secrets.NAME` and `env.NAME` the last part is what is meant.
    name = named[-1] if text.startswith("{") and named else named[0] if named else None
    if kind.strip().casefold() == "file":
        return "write `${file:path}`"
    _, default_mark, default = text.partition("-")
    end = f":-{default}" if default_mark else ""
    return f"write `${{env:{name[0] if name else 'NAME'}{end}}}`"

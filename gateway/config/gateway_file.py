"""gateway.yaml from text to checked plain data: references replaced, shape judged, defaults filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from gateway.config.diagnostics import DocumentFindings, Findings, Position, Span
from gateway.config.document import Document, Node, Plain, load_document
from gateway.config.document import Mapping as MappingNode
from gateway.config.environment import read_environment, substitute
from gateway.config.gateway_checks import check_gateway
from gateway.config.gateway_schema import gateway_schema
from gateway.config.mending import mended
from gateway.config.schema_walk import converted, pruned, secrets_in, with_defaults
from gateway.config.secrets import check_taken_secrets, check_written_secrets
from gateway.config.shape import check_shape
from gateway.records import dataclass, field

_TEMPLATES = re.compile(r"sources/[^/]+/response/body(/|$)")
_SECRET_LINE = re.compile(r"(?:secrets?|tokens?|passwords?|api_key)[\"']?[ \t]*:[ \t]*([^\s#][^\r\n]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayFile:
    """What gateway.yaml holds."""

    path: Path
    document: Document
    root: MappingNode = field(repr=False)
    """The nodes, with references replaced."""
    data: Plain = field(repr=False)
    """Plain data that fits the schema in all but missing keys."""
    secrets: tuple[str, ...] = field(repr=False)


def read_gateway_file(
    path: Path, findings: Findings, environ: Mapping[str, str], *, shown: str | None = None
) -> GatewayFile | None:
    """Read and judge gateway.yaml; problems become findings. None when it holds no mapping."""
    document = load_document(path, findings, shown=shown)
    if document is None:
        return None
    here = findings.for_document(document)
    if document.root is None:
        _hide_secrets(document.text, here)
        return None
    schema = gateway_schema()
    check_written_secrets(document.root, schema, here)
    environment = read_environment(path.parent, environ, findings, shown=Path(document.path).parent)
    root = converted(substitute(document.root, environment, here, is_template=_TEMPLATES), schema)
    fitted = check_shape(document, root, schema, here)
    root = root if fitted else mended(root, schema)
    if not isinstance(root, MappingNode):
        return None
    check_gateway(root, path.parent, here)
    check_taken_secrets(root, schema, here)
    plain = root.plain() if fitted else pruned(root.plain(), schema)
    return GatewayFile(
        path=path,
        document=document,
        root=root,
        data=with_defaults(plain, schema),
        secrets=_secret_texts(root),
    )


def _secret_texts(root: Node) -> tuple[str, ...]:
    found = secrets_in(root, gateway_schema())
    return tuple(dict.fromkeys(secret.text for secret in found if secret.text.strip() and secret.known))


def _hide_secrets(text: str, findings: DocumentFindings) -> None:
    """Keep a file that cannot be parsed from being shown with the secrets written in it."""
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        for secret in _SECRET_LINE.finditer(line):
            if not secret[1].lstrip("\"'[ ").startswith("${"):
                start, end = secret.span(1)
                findings.mask(Span(Position(number, start + 1), Position(number, end + 1)))

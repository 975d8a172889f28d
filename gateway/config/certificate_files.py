"""Judges the files that a source verified by certificates names: that they are there, and whom they make it trust."""

from __future__ import annotations

from pathlib import Path

from gateway.config.diagnostics import DocumentFindings
from gateway.config.nodes import Mapping, Node, Scalar
from gateway.providers.paypal_local import is_local

_MOST = 2**20


def check_certificate_files(verify: Mapping, directory: Path, findings: DocumentFindings) -> None:
    """Report a folder or file of certificates that is not there, and advise on an authority that is for tests only."""
    if verify.get("mode") is not None and _text(verify.get("mode")) == "api":
        return
    _check_there(verify.get("certificates"), "folder", directory, findings)
    trust = verify.get("trust")
    if trust is not None and _check_there(trust, "file", directory, findings) and _is_local(directory, trust):
        findings.advice(
            "GW507",
            "whoever has the key of a local authority can sign deliveries for this source",
            trust,
            note="its certificate says that it is for tests only",
            help="leave `certificates` and `trust` empty (PAYPAL_CERT_DIR, PAYPAL_TRUST_FILE) where real events come",
        )


def _check_there(node: Node | None, kind: str, directory: Path, findings: DocumentFindings) -> bool:
    """Say whether a node names something that is there; nothing is named by an empty text."""
    text = _text(node)
    if node is None or not text:
        return False
    path = directory / text
    if path.is_dir() if kind == "folder" else path.is_file():
        return True
    shown = f" `{text}`" if isinstance(node, Scalar) and node.origin is None else " of this name"
    findings.error("GW001", f"there is no {kind}{shown}", node, help="a path is relative to the directory of this file")
    return False


def _is_local(directory: Path, node: Node) -> bool:
    try:
        with (directory / _text(node)).open("rb") as file:
            return is_local(file.read(_MOST))
    except OSError:
        return False  # the gateway says so when it starts: here it may be another user who looks


def _text(node: Node | None) -> str:
    known = isinstance(node, Scalar) and node.known and isinstance(node.value, str)
    return str(node.value).strip() if isinstance(node, Scalar) and known else ""

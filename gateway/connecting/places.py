"""Where in gateway.yaml a finding about something outside stands."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.config.diagnostics import FILE_START, DocumentFindings, Findings, Located, Span
from gateway.config.nodes import Mapping, Node, Scalar
from gateway.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Reports findings at keys of one configuration."""

    root: Node
    findings: DocumentFindings

    def at(self, *keys: str) -> Located | Span:
        """Return the value that keys lead to: its key where it is no single value, or the last that is there."""
        node, place = self.root, None
        for name in keys:
            if not isinstance(node, Mapping) or (below := node.get(name)) is None:
                break
            place = below if isinstance(below, Scalar) else node.key(name)
            node = below
        return FILE_START if place is None else place

    def cannot_ask(self, what: str, reason: str, *keys: str) -> None:
        """Report that something outside could not be asked."""
        self.findings.error("GW491", f"could not ask {what}: {reason}", self.at(*keys))

    def key_refused(self, what: str, reason: str, *keys: str) -> None:
        """Report a key that does not let us in."""
        self.findings.error(
            "GW490",
            f"{what} does not take this key: {reason}",
            self.at(*keys),
            help="keys of a sandbox and of the live account are different ones, and a key may be restricted",
        )


def places_of(project: Project, findings: Findings) -> Places:
    """Return the places of a project's gateway.yaml."""
    return Places(root=project.settings.root, findings=findings.for_document(project.settings.document))

"""Names of tables, columns, channels and destinations: reported where nobody declared them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from gateway.config.diagnostics import DocumentFindings, did_you_mean
from gateway.config.nodes import Node, Scalar
from gateway.config.tables import Table
from gateway.records import dataclass, field

BROKERS = ("nats", "tls")
"""Schemes of the addresses of message brokers; every other destination takes HTTP requests."""
_FITTING = {True: "send", False: "publish"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Where steps may send to, by name."""

    destinations: Mapping[str, str] = field(default_factory=dict)
    """With their addresses."""
    channels: Collection[str] = ()


def declared_table(
    name: str, tables: Mapping[str, Table], node: Node | None, findings: DocumentFindings
) -> Table | None:
    """Return the table, or report that there is none."""
    table = tables.get(name)
    if table is None and node is not None:
        near = did_you_mean(name, tables)
        help = f"did you mean `{near}`?" if near else known_names("tables", tables)
        findings.error("GW201", f"unknown table `{name}`", node, help=help)
    return table


def check_column(table: Table, key: Scalar, findings: DocumentFindings) -> bool:
    """Say whether the table has the column; report when it does not."""
    name = str(key.value)
    if (table.existing and not table.columns) or table.column(name) is not None:
        return True
    near = did_you_mean(name, table.names)
    help = f"did you mean `{near}`?" if near else known_names("columns", table.names)
    findings.error("GW202", f"table `{table.name}` has no column `{name}`", key, help=help)
    return False


def check_channel(name: str, targets: Targets, node: Node, findings: DocumentFindings) -> None:
    """Report a channel that nobody declared."""
    if name not in targets.channels:
        _undeclared("channel", name, targets.channels, node, findings)


def check_destination(name: str, targets: Targets, node: Node, findings: DocumentFindings, *, broker: bool) -> None:
    """Report a destination that nobody declared, or that is of the other kind."""
    address = targets.destinations.get(name)
    if address is None:
        _undeclared("destination", name, targets.destinations, node, findings)
    elif (address.partition("://")[0] in BROKERS) is not broker:
        kind = "takes HTTP requests, it is no broker" if broker else "is a broker, it takes no HTTP requests"
        findings.error("GW215", f"destination `{name}` {kind}", node, help=f"use `{_FITTING[broker]}`")


def _undeclared(kind: str, name: str, known: Collection[str], node: Node, findings: DocumentFindings) -> None:
    near = did_you_mean(name, known)
    help = f"did you mean `{near}`?" if near else f"declare it under `{kind}s` in gateway.yaml"
    findings.error("GW205", f"there is no {kind} `{name}`", node, help=help)


def known_names(what: str, names: Iterable[str]) -> str | None:
    """List some of the names that there are, as a remedy; None where there are none."""
    listed = sorted(names)
    return f"{what}: {', '.join(f'`{name}`' for name in listed[:12])}" if listed else None

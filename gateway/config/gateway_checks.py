"""What must hold in gateway.yaml beyond its shape; one function a check."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from gateway.config.address_checks import check_addresses
from gateway.config.declarations import BROKERS
from gateway.config.diagnostics import DocumentFindings, Located, did_you_mean
from gateway.config.measures import OWN_ALERT, read_alert_condition
from gateway.config.networks import parse_network
from gateway.config.nodes import Mapping, Node, Scalar, Sequence
from gateway.config.units import parse_duration, parse_percent
from gateway.config.verification import check_verification, misspelt
from gateway.config.wording import listed

DATABASES = ("sqlite", "postgresql")
SENDABLE = ("http", "https", *BROKERS)
CACHES = ("redis", "rediss", "unix")
FIRST_WAIT, NO_WAIT = timedelta(seconds=5), timedelta()
RESERVED = ("/healthz", "/readyz", "/metrics", "/console", "/api")
"""Paths of the gateway's own."""
API = ("events", "outbox", "tables", "rules", "run", "alerts", "trigger", "openapi.json")
"""What stands below `/api`."""


_PATTERN = re.compile(r"\{[^/]*\}?|\*|<[^/]*>|/:[A-Za-z]\w*")
"""What stands for a part of a path elsewhere."""


def check_gateway(root: Mapping, directory: Path, findings: DocumentFindings) -> None:
    """Run every check; each passes over what has not the shape it needs."""
    check_database(root, findings)
    check_redis(root, findings)
    check_waits(root, findings)
    check_networks(root, findings)
    check_paths(root, findings)
    check_alerts(root, findings)
    check_destinations(root, findings)
    check_addresses(root, findings)
    for key, source in entries(root, "sources"):
        check_verification(key, source, directory, findings)
        check_rules_named(key, source, directory, findings)
        check_response(source, findings)


def check_database(root: Mapping, findings: DocumentFindings) -> None:
    """Report a database of a kind that the gateway does not know."""
    node = root.get("database")
    text = known_text(node)
    if node is None or text is None:
        return
    scheme, separator, rest = text.partition("://")
    kind = scheme.partition("+")[0]
    if not separator or not rest:
        help = "for example `sqlite:///gateway.db` or `postgresql://user@host/name`"
        findings.error("GW104", "`database` is not an address", node, help=help)
    elif kind == "sqlite" and not rest.startswith("/"):
        message = f"`database`: `{rest.partition('/')[0]}` would be a host, and a SQLite file has none"
        findings.error("GW104", message, node, help=f"a file takes three slashes: `sqlite:///{rest}`")
    elif kind == "sqlite" and rest.lstrip("/") == ":memory:":
        message = "`database`: what is held in memory is lost at the end, and each process has its own"
        findings.error("GW104", message, node, help="name a file: `sqlite:///gateway.db`")
    elif kind not in DATABASES:
        near = did_you_mean(kind, DATABASES) or ("postgresql" if kind.startswith("postgres") else None)
        findings.error(
            "GW104",
            f"`database`: there is no database of the kind `{kind}`",
            node,
            help=f"did you mean `{near}`?" if near else f"known: {listed(DATABASES)}",
        )


def check_redis(root: Mapping, findings: DocumentFindings) -> None:
    """Report an address of a cache that no client knows."""
    redis = root.get("redis")
    node = redis.get("url") if isinstance(redis, Mapping) else None
    text = known_text(node)
    if node is None or not text:
        return
    scheme, separator, _ = text.partition("://")
    if not separator or scheme not in CACHES:
        near = did_you_mean(scheme, CACHES) if separator else None
        findings.error(
            "GW104",
            f"`url`: a cache has no address of the kind `{scheme}`" if separator else "`url` is not an address",
            node,
            help=f"did you mean `{near}`?" if near else "for example `redis://127.0.0.1:6379/0`",
        )


def check_waits(root: Mapping, findings: DocumentFindings) -> None:
    """Report waits between tries that could never grow: the longest is shorter than the first."""
    retry = root.get("retry")
    first, longest = (retry.get(name) if isinstance(retry, Mapping) else None for name in ("first", "max"))
    if (
        longest is not None
        and _wait(longest) is not None
        and (_wait(first) or FIRST_WAIT) > (_wait(longest) or NO_WAIT)
    ):
        said = "`first`" if first is not None else "`first`, which is 5s when it is left out"
        findings.error("GW104", f"`max` is shorter than {said}", longest, help="no wait is longer than `max`")
    given_up = retry.get("give_up_after") if isinstance(retry, Mapping) else None
    if given_up is not None and (_wait(first) or FIRST_WAIT) >= (_wait(given_up) or timedelta.max):
        message = "`give_up_after` comes before the second try: nothing is ever tried again"
        findings.warning("GW104", message, given_up, help="give it longer than `first`, such as `3d`")
    jitter = retry.get("jitter") if isinstance(retry, Mapping) else None
    if jitter is not None and (_share(jitter) or 0) > 1:
        findings.error("GW104", "`jitter` is more than the wait itself", jitter, help="for example `20%`")


def _share(node: Node) -> Decimal | None:
    text = known_text(node)
    try:
        return None if text is None else parse_percent(text)
    except ValueError:
        return None


def _wait(node: Node | None) -> timedelta | None:
    text = known_text(node)
    try:
        return None if text is None else parse_duration(text)
    except ValueError:
        return None


def check_networks(root: Mapping, findings: DocumentFindings) -> None:
    """Report entries of address lists that are neither networks nor addresses."""
    server = root.get("server")
    lists = [source.get("allow_ips") for _, source in entries(root, "sources")]
    lists.append(server.get("trusted_proxies") if isinstance(server, Mapping) else None)
    for node in lists:
        if isinstance(node, Sequence) and not node.items:
            help = "name those that may send, or leave the key out to take deliveries from anywhere"
            findings.warning("GW104", "a list of addresses without an entry", node, help=help)
        for item in node.items if isinstance(node, Sequence) else ():
            text = known_text(item)
            if text is not None and parse_network(text) is None:
                findings.error(
                    "GW104",
                    f"{shown(item)} is not an IP address or network",
                    item,
                    help="for example `10.0.0.0/8` or `192.0.2.7`",
                )


def check_paths(root: Mapping, findings: DocumentFindings) -> None:
    """Report sources that would answer at an address of another source or of the gateway itself."""
    taken: dict[str, tuple[str, str]] = {}
    sources = [(key.text, source.get("path")) for key, source in entries(root, "sources")]
    health = {health_path(text) for _, node in sources if (text := known_text(node)) is not None}
    for name, node in sources:
        text = known_text(node)
        if node is None or text is None or not text.startswith("/"):
            continue
        bare = text.rstrip("/")
        if bare in taken:
            same = "the same path" if taken[bare][1] == text else "paths that differ in a `/` at the end alone"
            message = f"the sources `{taken[bare][0]}` and `{name}` have {same}"
            findings.error("GW206", message, node, help="a delivery's path says which source it is for")
        elif mark := _PATTERN.search(text):
            message = f"the path {shown(node)} would be taken as it is written: `{mark[0]}` stands for nothing"
            findings.error("GW104", message, node, help="write the whole path; each source has one of its own")
        elif {".", ".."} & set(text.split("/")):
            message = f"no delivery comes to {shown(node)}: senders leave out `.` and `..` of an address"
            findings.error("GW104", message, node, help="write the path without them")
        elif "//" in text:
            findings.error("GW104", f"the path {shown(node)} has an empty part: `//`", node, help="write one `/`")
        elif is_reserved(text):
            help = "choose another path, such as `/webhook/" + name + "`"
            findings.error("GW211", f"the path {shown(node)} is the gateway's own", node, help=help)
        elif text in health:
            message = f"the health of the sources beside it is reported at {shown(node)}"
            findings.error("GW211", message, node, help="choose another path")
        taken.setdefault(bare, (name, text))


def check_alerts(root: Mapping, findings: DocumentFindings) -> None:
    """Report alerts that name a channel or source that does not exist, or have a condition that cannot be."""
    channels = [key.text for key, _ in _keys(root, "channels")]
    alerts, park = root.get("alerts"), root.get("park")
    seen = {OWN_ALERT}
    for alert in alerts.items if isinstance(alerts, Sequence) else ():
        if isinstance(alert, Mapping):
            _check_name(alert.get("notify"), "channel", channels, findings)
            _check_name(alert.get("source"), "source", [key.text for key, _ in _keys(root, "sources")], findings)
            _check_alert(alert, seen, findings)
    if isinstance(park, Mapping):
        _check_name(park.get("notify"), "channel", channels, findings)


def _check_alert(alert: Mapping, seen: set[str], findings: DocumentFindings) -> None:
    when, name = alert.get("when"), alert.get("name")
    if isinstance(when, Scalar) and known_text(when):
        read_alert_condition(when, findings)
    text = known_text(name)
    if name is not None and text is not None:
        if text in seen:
            findings.error("GW206", f"two alerts are called `{text}`", name, help="give each a name of its own")
        seen.add(text)


def check_destinations(root: Mapping, findings: DocumentFindings) -> None:
    """Report destinations that nothing can be sent to: neither HTTP nor a broker that the gateway knows."""
    for key, destination in entries(root, "destinations"):
        node = destination.get("url")
        scheme, separator, _ = (known_text(node) or "").partition("://")
        if node is not None and separator and scheme not in SENDABLE:
            near = did_you_mean(scheme, SENDABLE)
            findings.error(
                "GW104",
                f"the destination `{key.text}` has an address of the kind `{scheme}`, which nothing is sent to",
                node,
                help=f"did you mean `{near}`?" if near else f"known: {listed(SENDABLE)}",
            )


def check_rules_named(key: Scalar, source: Mapping, directory: Path, findings: DocumentFindings) -> None:
    """Report a source whose events nothing would handle, and rules files that do not exist."""
    node = source.get("rules")
    items = node.items if isinstance(node, Sequence) else ()
    missing = not misspelt(source, "rules") if node is None else isinstance(node, Sequence) and not items
    if missing and known_text(source.get("unmatched")) != "keep":
        findings.error(
            "GW102",
            f"the source `{key.text}` names no rules file, so its events would come to nothing",
            node or key,
            help="write `rules: [rules/name.yaml]`, or `unmatched: keep` to keep its events as dead letters",
        )
    seen: dict[Path, str] = {}
    for item in items:
        text = known_text(item)
        if text is None:
            continue
        if not (directory / text).is_file():
            _report_no_file(item, text, directory, findings)
        elif seen.setdefault((directory / text).resolve(), text) != text:
            message = f"`{text}` is the same file as `{seen[(directory / text).resolve()]}`"
            findings.error("GW206", message, item, help="take one of them out")


def check_response(source: Mapping, findings: DocumentFindings) -> None:
    """Warn of an answer's shape that is never used."""
    response = source.get("response")
    body = response.key("body") if isinstance(response, Mapping) else None
    if body is not None and known_text(source.get("respond")) in {None, "accepted"} and not misspelt(source, "respond"):
        findings.warning(
            "GW503",
            "`response.body` is used with `respond: result` alone",
            body,
            help="add `respond: result`, or take it out",
        )


def is_reserved(path: str) -> bool:
    """Say whether a path is the gateway's own."""
    top, _, rest = path.lstrip("/").partition("/")
    if top == "api":
        return not rest or rest.partition("/")[0] in API
    return f"/{top}" in RESERVED


def health_path(path: str) -> str:
    """Return the health address of the source at `path`: `health` beside it."""
    return f"{path.rpartition('/')[0]}/health"


def entries(root: Mapping, key: str) -> Iterator[tuple[Scalar, Mapping]]:
    """Yield the names and mappings below `key`."""
    for name, node in _keys(root, key):
        if isinstance(node, Mapping):
            yield name, node


def known_text(node: Node | None) -> str | None:
    """Return a node's text, if it is text and was found."""
    return node.value if isinstance(node, Scalar) and node.known and isinstance(node.value, str) else None


def shown(node: Node) -> str:
    """Return a text for a message, unless it was taken from elsewhere."""
    return f"`{node.text}`" if isinstance(node, Scalar) and node.origin is None else "the value"


def _keys(root: Mapping, key: str) -> tuple[tuple[Scalar, Node], ...]:
    node = root.get(key)
    return node.entries if isinstance(node, Mapping) else ()


def _check_name(node: Node | None, kind: str, names: list[str], findings: DocumentFindings) -> None:
    text = known_text(node)
    if node is None or text is None or text in names:
        return
    near = did_you_mean(text, names)
    rest = f"{kind}s: {listed(names)}" if names else f"declare it under `{kind}s`"
    findings.error("GW205", f"there is no {kind} {shown(node)}", node, help=f"did you mean `{near}`?" if near else rest)


def _report_no_file(item: Located, text: str, directory: Path, findings: DocumentFindings) -> None:
    parent = (directory / text).parent
    beside = [path.name for path in parent.iterdir()] if parent.is_dir() else []
    near = None if "*" in text else did_you_mean(Path(text).name, beside)
    below = sorted(path.relative_to(directory).as_posix() for path in directory.glob(f"*/{Path(text).name}"))
    is_directory = (directory / text).is_dir()
    findings.error(
        "GW001",
        f"`{text}` is a directory, not a file" if is_directory else f"there is no file `{text}`",
        item,
        help=f"did you mean `{(Path(text).parent / near).as_posix()}`?"
        if near
        else f"did you mean `{below[0]}`?"
        if below and not is_directory
        else f"name the files in it: `{text.rstrip('/')}/name.yaml`"
        if is_directory
        else f"folders are set apart by `/`: `{text.replace(chr(92), '/')}`"
        if chr(92) in text
        else "files are named one by one, `*` stands for nothing"
        if "*" in text
        else "a path is relative to the directory of this file",
    )

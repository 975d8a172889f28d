"""Judges how a source says it is verified, with what the providers know."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.config.certificate_files import check_certificate_files
from gateway.config.diagnostics import DocumentFindings, Located, did_you_mean
from gateway.config.misfits import fits
from gateway.config.nodes import Mapping, Node, Scalar, Sequence
from gateway.config.secrets import is_placeholder
from gateway.config.source_schema import source_schema
from gateway.config.values import read_expression
from gateway.config.wording import listed, origin_note
from gateway.providers import PRESETS, VERIFY_SCHEMA, preset_named, verify_problems
from gateway.providers.building import resolve_scheme, scheme_name
from gateway.providers.schemes import HMAC, SCHEMES

_SECRET_KEYS = ("", "secret", "secrets", "token", "tokens")
"""What the problems of a secret name as their key."""


def check_verification(key: Scalar, source: Mapping, directory: Path, findings: DocumentFindings) -> None:
    """Report an unknown provider, a source without verification, and secrets and certificates that cannot work.

    Paths in it are taken from `directory`.
    """
    provider = _text(source.get("provider"))
    _check_provider(source.get("provider"), provider, findings)
    if source.get("provider") is None and not misspelt(source, "provider"):
        _check_event(key, source, findings)
    event = source.get("event")
    if isinstance(event, Mapping):
        _check_paths(event, findings)
    verify = source.get("verify")
    if verify is None and misspelt(source, "verify"):
        return
    if verify is None:
        findings.error(
            "GW402",
            f"the source `{key.text}` does not say how deliveries are verified",
            key,
            help="add `verify: {…}`, or say `verify: none` if anyone may post to it",
        )
    elif _text(verify) == "none":
        findings.warning(
            "GW402",
            f"the source `{key.text}` takes deliveries from anyone",
            verify,
            note="`verify: none` checks no signature and no token",
        )
    elif isinstance(verify, Mapping) and _is_known(verify) and fits(verify.plain(), VERIFY_SCHEMA):
        _check_names(verify, findings)
        _check_means(source.key("verify") or key, verify, provider, findings)
        _check_files(verify, provider, directory, findings)
        _advise_of_time(verify, provider, findings)
        if verify.get("scheme") is not None or (source.get("provider") is None and not misspelt(source, "provider")):
            _advise_of_header(source.key("verify") or key, verify, provider, findings)


def misspelt(source: Mapping, key: str) -> bool:
    """Say whether an unknown key is probably meant for `key`; then only the spelling is reported."""
    known = source_schema()["properties"]
    return any(did_you_mean(own.text, [key]) is not None for own, _ in source.entries if own.text not in known)


def _check_provider(node: Node | None, provider: str | None, findings: DocumentFindings) -> None:
    if node is None or provider is None or provider in PRESETS:
        return
    near = did_you_mean(provider, PRESETS)
    findings.error(
        "GW210",
        f"there is no provider `{provider}`" if _is_written(node) else "there is no such provider",
        node,
        help=f"did you mean `{near}`?"
        if near
        else f"known: {listed(sorted(PRESETS))}; any other is described by `verify` and `event`",
    )


def _check_event(key: Scalar, source: Mapping, findings: DocumentFindings) -> None:
    event = source.get("event")
    if isinstance(event, Mapping) and event.get("type") is not None:
        return
    findings.warning(
        "GW504",
        f"nothing says where the events of `{key.text}` have their type",
        event if isinstance(event, Mapping) and event.entries else key,
        help="name a `provider`, or add `event: {id: …, type: …}` with paths into the payload",
    )


def _check_means(key: Located, verify: Mapping, provider: str | None, findings: DocumentFindings) -> None:
    """Report what keeps a `verify` of the right shape from working."""
    plain = verify.plain()
    for problem in verify_problems(plain, preset_named(provider)) if isinstance(plain, dict) else ():
        node = verify.get(problem.key)
        if isinstance(node, Sequence) and problem.index is not None:
            node = node.items[problem.index]
        code = "GW404" if problem.key in _SECRET_KEYS else "GW104"
        findings.error(code, problem.message, node or key, note=origin_note(node), help=problem.help)


_IDS = ("webhook_id", "client_id")
"""What is no secret and may stand in the file, but is as long and as meaningless as one."""
_VARIABLE = re.compile(r"[$%]?(?:env:)?\{?([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\}?%?|[$%](?:env:)?([A-Za-z_]\w*)%?|env:(\w+)")


def _check_names(verify: Mapping, findings: DocumentFindings) -> None:
    """Report an id that is the name of a variable, or what a page of the provider's says in its place."""
    for name in _IDS:
        node = verify.get(name)
        text = _text(node)
        if node is None or not text or not _is_written(node):
            continue
        variable = _VARIABLE.fullmatch(text)
        if variable is not None:
            said = next(part for part in variable.groups() if part)
            message = f"`{text}` would be taken as the id itself, and looks like the name of a variable"
            findings.error("GW405", message, node, help=f"write `${{env:{said}}}`")
        elif not _ID.fullmatch(text) or is_placeholder(text):
            message = f"`{text}` is no `{name}`, it stands for one"
            findings.error("GW404", message, node, help=f"write `{name}: ${{env:PAYPAL_{name.upper()}}}`, and set that")


_ID = re.compile(r"[A-Za-z0-9_-]+")


def _check_files(verify: Mapping, provider: str | None, directory: Path, findings: DocumentFindings) -> None:
    plain = verify.plain()
    if isinstance(plain, dict) and scheme_name(plain, preset_named(provider)) == "paypal":
        check_certificate_files(verify, directory, findings)


_LONG = 3600.0
"""Seconds; clocks do not differ by as much, and senders do not sign so long before they send."""


def _advise_of_time(verify: Mapping, provider: str | None, findings: DocumentFindings) -> None:
    """Report a tolerance that takes what somebody has recorded long after."""
    plain, tolerance = verify.plain(), verify.get("tolerance")
    assert isinstance(plain, dict)
    name = scheme_name(plain, preset_named(provider))
    if tolerance is not None and name in SCHEMES and resolve_scheme(name, plain).tolerance > _LONG:
        message = f"whoever has seen a delivery can send it again for `{_text(tolerance)}`"
        findings.advice("GW516", message, tolerance, help="a few minutes are enough for clocks that differ: `5m`")


def _advise_of_header(key: Located, verify: Mapping, provider: str | None, findings: DocumentFindings) -> None:
    """Report a scheme of which every part is to be said, and the header is not."""
    plain = verify.plain()
    assert isinstance(plain, dict)
    if scheme_name(plain, preset_named(provider)) == HMAC.name and not plain.get("header"):
        message = f"nothing says which header holds the signature: `{HMAC.headers[0]}` is taken"
        help = f"name it as the sender does: `header: {HMAC.headers[0]}`"
        findings.warning("GW517", message, verify.key("scheme") or key, help=help)


def _check_paths(event: Mapping, findings: DocumentFindings) -> None:
    """Report paths of `event` that are no JMESPath."""
    for _, node in event.entries:
        path = node.get("path") if isinstance(node, Mapping) else node
        if isinstance(path, Scalar) and _text(path):
            read_expression(path, findings)


def _text(node: Node | None) -> str | None:
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None


def _is_written(node: Node) -> bool:
    return isinstance(node, Scalar) and node.origin is None


def _is_known(node: Node) -> bool:
    """Say whether every reference in a value led somewhere."""
    match node:
        case Scalar():
            return node.known
        case Sequence():
            return all(_is_known(item) for item in node.items)
        case Mapping():
            return all(_is_known(item) for _, item in node.entries)

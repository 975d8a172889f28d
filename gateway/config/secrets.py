"""Judges secrets: none may be written in a file, and those taken from elsewhere must be of use."""

from __future__ import annotations

import re
from decimal import Decimal

from gateway.config.diagnostics import DocumentFindings, did_you_mean
from gateway.config.misfits import Schema
from gateway.config.nodes import Mapping, Node, Scalar, Sequence, is_written
from gateway.config.schema_walk import secrets_in

_REFERENCE = re.compile(r"\$\{(?:env|file):[^}]*\}")
_DEFAULT = re.compile(r"\$\{env:[A-Za-z0-9_]+:-([^}]+)\}")
_FOREIGN = re.compile(r"\$\{")
_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_PASSWORD = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"<[^>]*>|\.{3,}|…|x{3,}|\*{3,}|todo|fixme|placeholder|change[_-]?(?:me|it|this)|replace[_-]?(?:me|this)"
    r"|your[_-].*|(?:whsec|sk_test|sk_live|rk_live)_?(?:x{3,}|\.{3,}|…)?|.*[_-]here",
    re.IGNORECASE,
)

_NAMES = ("token", "tokens", "secret", "secrets", "api_key", "password", "authorization")
_LIKELY = re.compile(r"(?:secrets?|tokens?|passw\w*|api_?key|authorization)$", re.IGNORECASE)
_ELSEWHERE = "put it into the environment or into `.env`, and write `${env:NAME}` here"


def check_written_secrets(root: Node, schema: Schema, findings: DocumentFindings) -> None:
    """Report secrets that stand in the file itself, and keep reports from showing them."""
    found = {id(scalar) for scalar in secrets_in(root, schema)}
    _mask_likely(root, findings)
    for scalar in _scalars(root):
        if not isinstance(scalar.value, (str, int, Decimal)) or isinstance(scalar.value, bool):
            continue
        if id(scalar) in found and not _ADDRESS.match(scalar.text):
            _check_written(scalar, findings)
        else:
            _check_password(scalar, findings)


def _mask_likely(node: Node, findings: DocumentFindings) -> None:
    """Keep reports from showing what stands under a key that is probably a misspelt secret's."""
    for item in node.items if isinstance(node, Sequence) else ():
        _mask_likely(item, findings)
    for key, value in node.entries if isinstance(node, Mapping) else ():
        if _LIKELY.search(key.text) or did_you_mean(key.text, _NAMES):
            for scalar in _scalars(value):
                if is_written(scalar) and not _REFERENCE.search(scalar.text):
                    findings.mask(scalar)
        else:
            _mask_likely(value, findings)


_KEYS = re.compile(
    r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|\bwhsec_[A-Za-z0-9+/=]{16,}|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bAKIA[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
"""Keys of which one can see whose they are."""


def check_keys_in_rules(root: Node | None, text: str, findings: DocumentFindings) -> None:
    """Report keys that stand in a file of rules, which has no place for any."""
    if root is None or _KEYS.search(text) is None:
        return
    for scalar in _scalars(root):
        for key in _KEYS.finditer(scalar.text):
            place = scalar.span_of(*key.span())
            findings.mask(place)
            help = "secrets belong to gateway.yaml, as `${env:NAME}`; a `destination` signs or authorizes what is sent"
            findings.error("GW403", "a secret is written in the file", place, help=help)


def check_taken_secrets(root: Node, schema: Schema, findings: DocumentFindings) -> None:
    """Warn of secrets from elsewhere that look like the sample they were copied from."""
    for scalar in secrets_in(root, schema):
        default = _DEFAULT.search(scalar.raw)
        if default is not None and default[1] == scalar.text:
            continue  # it is written in the file, which is another finding
        if scalar.origin is not None and scalar.known and is_placeholder(scalar.text):
            findings.warning(
                "GW404",
                "this secret looks like a placeholder",
                scalar,
                note=f"the value comes from {scalar.origin}",
                help="put the real one there",
            )


def is_placeholder(text: str) -> bool:
    """Say whether a text is what a sample has in the place of a secret or an id."""
    return _PLACEHOLDER.fullmatch(text.strip()) is not None


def _check_written(scalar: Scalar, findings: DocumentFindings) -> None:
    if not scalar.text.strip() or _FOREIGN.search(_REFERENCE.sub("", scalar.text)):
        return  # a malformed reference is reported where references are replaced
    variable = _VARIABLE.fullmatch(scalar.text)
    default = _DEFAULT.search(scalar.text)
    if variable is not None:
        message = f"`{scalar.text}` is not a reference to a variable"
        findings.error("GW405", message, scalar, help=f"write `${{env:{variable[1]}}}`")
    elif default is not None and _ADDRESS.match(default[1]):
        _check_password(scalar, findings)
    elif default is not None or not _REFERENCE.search(scalar.text):
        place = scalar.span_of(*default.span(1)) if default else scalar.span
        findings.mask(place)
        findings.error("GW403", "a secret is written in the file", place, help=_ELSEWHERE)


def _check_password(scalar: Scalar, findings: DocumentFindings) -> None:
    password = _PASSWORD.search(scalar.text)
    if password is None or _REFERENCE.search(password[1]):
        return
    place = scalar.span_of(*password.span(1))
    findings.mask(place)
    findings.error(
        "GW403",
        "a password is written in the file",
        place,
        help=_ELSEWHERE,
    )


def _scalars(node: Node) -> list[Scalar]:
    match node:
        case Scalar():
            return [node]
        case Sequence():
            return [scalar for item in node.items for scalar in _scalars(item)]
        case Mapping():
            return [scalar for _, item in node.entries for scalar in _scalars(item)]

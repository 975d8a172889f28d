"""What can be wrong with the `verify` and `event` of a source that have the right shape."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.expressions import CoercionError, ExpressionError, coerce, compile_expression
from gateway.providers.building import resolve_scheme, scheme_name
from gateway.providers.keys import WHSEC, Written, decode_key, written_secrets
from gateway.providers.paypal_settings import PAYPAL_KEYS, paypal_problems
from gateway.providers.preset import Preset
from gateway.providers.problem import Problem
from gateway.providers.schemes import SCHEMES, Scheme

_PLACES = ("{body}", "{timestamp}", "{id}")
_LOCAL_TIME = "2026-01-01T00:00:00"


def verify_problems(verify: Mapping[str, Any], preset: Preset | None) -> list[Problem]:
    """Return what keeps a `verify` of the right shape from working."""
    name = scheme_name(verify, preset)
    if name == "paypal":
        return list(paypal_problems(verify))
    foreign = list(_foreign_keys(verify, name))
    if foreign:
        return foreign
    if name == "token":
        return list(_missing_secret(verify, "token"))
    if name not in SCHEMES:
        return [
            Problem(key="scheme", message=f"there is no scheme `{name}`", help=f"schemes: token, {', '.join(SCHEMES)}")
        ]
    scheme = resolve_scheme(name, verify)
    return [*_secret_problems(verify, scheme), *_scheme_problems(scheme), *_time_problems(verify, scheme)]


def _foreign_keys(verify: Mapping[str, Any], name: str) -> Iterable[Problem]:
    for key in PAYPAL_KEYS:
        if key in verify:
            yield Problem(key=key, message=f"`{key}` belongs to PayPal's scheme, not to `{name}`", help="leave it out")


def _missing_secret(verify: Mapping[str, Any], noun: str) -> Iterable[Problem]:
    written = list(written_secrets(verify))
    if not any(secret.text for secret in written):
        yield Problem(
            key=written[0].key if written else "",
            message=f"there is no {noun} to verify with",
            help=f"write `{noun}: ${{env:NAME}}` and set the variable",
        )


def _secret_problems(verify: Mapping[str, Any], scheme: Scheme) -> Iterable[Problem]:
    yield from _missing_secret(verify, "secret")
    for written in written_secrets(verify):
        if written.key in {"token", "tokens"}:
            yield Problem(
                key=written.key,
                index=written.index,
                message=f"`{scheme.name}` deliveries are signed, they hold no token",
                help="write the secret that they are signed with as `secret: ${env:NAME}`",
            )
        elif written.text:
            yield from _undecodable(written, scheme.decoding)


def _undecodable(written: Written, decoding: str) -> Iterable[Problem]:
    """Find a secret that is no key; a message never holds any of it."""
    key = decode_key(written.text, decoding)
    if key:
        return
    kind = "base64" if decoding in {"base64", "whsec"} else decoding
    message, remedy = f"the secret is not {kind}", "copy it from the sender whole"
    if key is not None:
        message = f"nothing stands behind `{WHSEC}` in the secret"
    elif decoding == "whsec" and written.text.startswith(("whpk_", "whsk_")):
        message = "the secret is half of a key pair (`v1a`), which is not available"
        remedy = f"ask the sender for a shared secret, `{WHSEC}…`"
    yield Problem(key=written.key, index=written.index, message=message, help=remedy)


def _scheme_problems(scheme: Scheme) -> Iterable[Problem]:
    signed = scheme.signed
    unknown = [place for place in re.findall(r"\{\w*\}", signed) if place not in _PLACES]
    if unknown:
        yield Problem(
            key="signed",
            message=f"there is no `{unknown[0]}`",
            help="what can be signed is `{body}`, `{timestamp}` and `{id}`",
        )
    if signed.count("{body}") != 1:
        yield Problem(
            key="signed",
            message="what is signed must hold `{body}`" + (" once" if "{body}" in signed else ""),
            help="for example `{timestamp}.{body}`",
        )
    if "{id}" in signed and not scheme.id_headers:
        yield Problem(
            key="signed", message="`{id}` is signed, but nothing says where the id stands", help="add `id_header: X-Id`"
        )


def _time_problems(verify: Mapping[str, Any], scheme: Scheme) -> Iterable[Problem]:
    signed = "{timestamp}" in scheme.signed
    if "tolerance" in verify and scheme.unit is None:
        yield Problem(
            key="tolerance",
            message="a tolerance has no effect: no time is signed",
            help="leave it out, or say where the time stands: `timestamp: {header: X-Timestamp, unit: s}`",
        )
    elif scheme.tolerance <= 0:
        yield Problem(
            key="tolerance",
            message="a tolerance of 0 would refuse every delivery",
            help="write how far clocks may differ: `5m`",
        )
    if signed and scheme.unit is None:
        yield Problem(
            key="signed",
            message="`{timestamp}` is signed, but nothing says where the time stands",
            help="add `timestamp: {header: X-Timestamp, unit: s}`",
        )
    if scheme.unit is not None and not signed:
        yield Problem(
            key="timestamp",
            message="the time is not signed, so anyone can change it",
            help="put `{timestamp}` into `signed` as the sender does, or leave `timestamp` out",
        )
    yield from _place_problems(scheme)


def _place_problems(scheme: Scheme) -> Iterable[Problem]:
    if scheme.unit is None or scheme.timestamp_headers:
        return
    if scheme.timestamp_pair is None:
        yield Problem(
            key="timestamp",
            message="nothing says where the time stands",
            help="add `header: X-Timestamp`, or `pair: t` for a pair in the signature's header",
        )
    elif not scheme.pairs:
        yield Problem(
            key="timestamp",
            message="the time is in a pair, but nothing says which pair holds the signature",
            help="add `pair: v1` beside `timestamp`",
        )


def event_problems(event: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with an `event` of the right shape: paths, and time zones."""
    problems: list[Problem] = []
    for name, part in event.items():
        if isinstance(part, str):
            problems += _path_problems(name, part)
        elif isinstance(part, Mapping):
            problems += _place_of_part_problems(name, part)
    return problems


def _place_of_part_problems(name: str, part: Mapping[str, Any]) -> Iterable[Problem]:
    if "path" in part:
        yield from _path_problems(name, part["path"])
    elif "header" not in part:
        yield Problem(key=name, message=f"nothing says where `{name}` is", help="add `path: …` or `header: …`")
    if "zone" in part and not _is_zone(part["zone"]):
        yield Problem(
            key=name, message=f"there is no time zone `{part['zone']}`", help="name one as `America/Sao_Paulo`"
        )


def _path_problems(name: str, path: str) -> Iterable[Problem]:
    try:
        compile_expression(path)
    except ExpressionError as error:
        yield Problem(key=name, message=error.message, help=error.help)


def _is_zone(zone: str) -> bool:
    try:
        coerce(_LOCAL_TIME, "timestamp", zone=zone)
    except CoercionError:
        return False
    return True

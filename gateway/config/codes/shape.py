"""GW1xx: the file is YAML, but not of the shape it should have."""

from __future__ import annotations

from gateway.config.codes.entry import RULES, Code
from gateway.config.codes.samples import GATEWAY_FILE, RULES_FILE, with_source, with_steps

_PARTNER = """\
  partner:
    path: /hooks/partner
    verify: {scheme: hmac, header: X-Signature, algorithm: sha256, secret: "${env:STRIPE_WEBHOOK_SECRET}"}
    event: {id: id, type: kind}
    unmatched: keep
"""

SHAPE = (
    Code(
        code="GW101",
        title="an unknown key",
        why="A key that nobody reads does nothing, and nobody would notice.",
        wrong=with_source(rate_limt="100/s"),
        right=with_source(rate_limit="100/s"),
    ),
    Code(
        code="GW102",
        title="a key is missing",
        why="There is no sensible value to assume for it.",
        wrong=with_source(path=""),
        right=with_source(),
    ),
    Code(
        code="GW103",
        title="a value of the wrong kind",
        why="Text, a number, `true` or `false`, a list or a mapping stands where another of these belongs. "
        "In YAML 1.2 `yes` and `on` are text.",
        wrong=with_source(rules="rules.yaml"),
        right=with_source(rules="[rules.yaml]"),
    ),
    Code(
        code="GW104",
        title="a value that is not allowed",
        why="The value is of the right kind, but outside the values or limits of this key.",
        wrong=with_source(unmatched="ignored"),
        right=with_source(unmatched="ignore"),
    ),
    Code(
        code="GW105",
        title="a step without one action",
        why="Each step does one thing, named by one key such as `find`, `update` or `log`.",
        wrong=RULES_FILE.replace("- log: an", "- finish: done\n        log: an"),
        right=RULES_FILE.replace("- log: an invoice was paid", "- log: an invoice was paid\n      - finish: done"),
        file=RULES,
    ),
    Code(
        code="GW106",
        title="a duration, size, rate or percentage that cannot be read",
        why="A number alone does not say seconds or minutes. Durations are written `500ms 5s 5m 1h 3d 2w`, "
        "sizes `512B 64KB 64KiB 1MiB`, rates `100/s 20/m 1000/h`, percentages `20%`.",
        wrong=GATEWAY_FILE + "retry: {first: 5}\n",
        right=GATEWAY_FILE + "retry: {first: 5s}\n",
    ),
    Code(
        code="GW107",
        title="a payload schema that cannot be used",
        why="The schemas in `schemas/payloads/SOURCE` and `schemas/payloads/PROVIDER` beside gateway.yaml are JSON "
        "Schemas of draft 2020-12. References name files that are there, and patterns are those that cannot hang.",
        wrong='{"type": "object", "properties": {"total": {"type": "decimal"}}}\n',
        right='{"type": "object", "properties": {"total": {"type": "number"}}}\n',
        file="schemas/payloads/stripe/invoice.paid.json",
    ),
    Code(
        code="GW108",
        title="no schema to hold payloads against",
        why="`schema: warn` and `schema: reject` look at payloads whose event type has a schema. The source has none, "
        "and its provider brings none.",
        wrong=GATEWAY_FILE + _PARTNER + "    schema: reject\n",
        right=GATEWAY_FILE + _PARTNER,
    ),
    Code(
        code="GW109",
        title="a key with nothing behind it",
        why="To YAML that is null. Inside `{…}` a colon that was left out makes such a key too.",
        wrong=with_steps("{log: paid, fields: {currency usd}}"),
        right=with_steps("{log: paid, fields: {currency: usd}}"),
        file=RULES,
    ),
)

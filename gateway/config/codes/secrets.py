"""GW4xx: secrets, and what is taken from the environment."""

from __future__ import annotations

from gateway.config.codes.entry import Code
from gateway.config.codes.samples import GATEWAY_FILE, with_source

_DIRECTLY = '{secrets: ["whsec_Zm9yIGV4YW1wbGU"]}'
_SHELL = '{secrets: ["${STRIPE_WEBHOOK_SECRET}"]}'
_OTHER = '{secrets: ["${env:OTHER_SECRET}"]}'

SECRETS = (
    Code(
        code="GW401",
        title="a variable that is not set",
        why="`${env:NAME}` has no value, in the environment nor in `.env`, and no default.",
        wrong=with_source(verify='{secrets: ["${env:STRIPE_WEBHOK_SECRET}"]}'),
        right=with_source(),
    ),
    Code(
        code="GW402",
        title="a source without verification",
        why="Anyone who knows the address could send events. An error when nothing is said; a warning when "
        "`verify: none` says it aloud.",
        wrong=with_source(verify=""),
        right=with_source(),
    ),
    Code(
        code="GW403",
        title="a secret written in the file",
        why="Files are copied, mailed and committed; secrets must not be.",
        wrong=with_source(verify=_DIRECTLY),
        right=with_source(),
    ),
    Code(
        code="GW404",
        title="a secret that cannot work",
        why="It is empty, badly encoded, or looks like the placeholder it should have replaced.",
        wrong=with_source(verify=_OTHER),
        right=with_source(),
        environ={"OTHER_SECRET": "changeme"},
    ),
    Code(
        code="GW405",
        title="a reference that cannot be read",
        why="References are written `${env:NAME}`, `${env:NAME:-default}` and `${file:path}`. "
        "Anything else would be taken literally, as a secret even.",
        wrong=with_source(verify=_SHELL),
        right=with_source(),
    ),
    Code(
        code="GW406",
        title="a referenced file cannot be read",
        why="`${file:path}` is a path from the directory of the file it stands in.",
        wrong=GATEWAY_FILE + 'admin: {token: "${file:secrets/token}"}\n',
        right=GATEWAY_FILE + 'admin: {token: "${env:GATEWAY_ADMIN_TOKEN:-}"}\n',
    ),
    Code(
        code="GW407",
        title="a line of `.env` that cannot be read",
        why="Each line is `NAME=value`, with or without `export` before it and quotes round the value.",
        wrong="STRIPE_API_KEY: sk_test_1\n",
        right="STRIPE_API_KEY=sk_test_1\n",
        file=".env",
    ),
)

"""Where a request goes: a destination's address with a step's path behind it, which never leads anywhere else."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

from yarl import URL

from gateway.sending.transport import Refused

_KEPT = "/%?&=+:@!$'()*,;~-._[]"
"""What stands in a path or query as it is; everything else is percent-encoded."""


def request_address(base: str, path: str) -> URL:
    """Return the address of a request: `base` is the destination's, `path` a step's, with its query, or empty.

    Nothing of it is decoded or resolved on the way. Raises Refused for a path that does not stay below the base:
    another host, `.` and `..` (also percent-encoded), `//`, a backslash, a fragment, a control character.
    """
    own = urlsplit(base)
    wanted, _, query = path.partition("?")
    if path:
        _require_below(path, wanted)
    queries = "&".join(part for part in (own.query, query) if part)
    target = (own.path.rstrip("/") + wanted if wanted else own.path) or "/"
    text = f"{own.scheme}://{own.netloc}{quote(target, safe=_KEPT)}" + (
        f"?{quote(queries, safe=_KEPT)}" if queries else ""
    )
    address = URL(text, encoded=True)
    if (address.scheme, address.host, address.port) != (own.scheme, own.hostname, own.port or address.port):
        raise Refused(_MESSAGE)
    return address


_MESSAGE = "the path does not stay below the destination's address"


def _require_below(path: str, wanted: str) -> None:
    """Raise Refused for a path that a server, a proxy or a library could read as another place."""
    plain = unquote(wanted)
    strange = any(character < " " or character in "\\#\x7f" for character in path) or any(
        character < " " or character in "\\\x7f" for character in plain
    )
    if strange or not path.startswith(("/", "?")) or "//" in wanted or {".", ".."} & set(plain.split("/")):
        raise Refused(_MESSAGE)

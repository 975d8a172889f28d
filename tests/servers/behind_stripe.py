"""`localstripe` in a process of its own: on 127.0.0.1 alone, and with nothing written to the machine's own folders.

Its own command listens on every address and keeps its objects in a file that all its processes share.
"""

from __future__ import annotations

import sys


def main(port: int) -> None:
    """Serve Stripe's API from memory."""
    from aiohttp import web
    from localstripe import resources, server

    resources.Store.dump_to_disk = lambda self: None
    web.run_app(server.app, host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    main(int(sys.argv[1]))

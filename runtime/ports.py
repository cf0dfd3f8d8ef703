"""Which port of loopback can a process have that this one starts, so that nobody else is given it meanwhile?"""

from __future__ import annotations

import socket


def free_port() -> int:
    """A port of loopback for a process that this one starts.

    A port that was free a moment ago may be another connection's by the time a server binds it, so this one is held.
    """
    port = hold(0)
    assert port is not None
    return port


def hold(port: int) -> int | None:
    """Keep a port of loopback (0: any) from everyone who doesn't ask for it by number; None if it isn't free.

    It stays bound as long as this process lives, by a socket that doesn't listen: a server that sets SO_REUSEADDR or
    SO_REUSEPORT, as all do, can listen on it, and whoever connects before is refused.
    """
    with socket.socket() as held:
        try:
            held.bind(("127.0.0.1", port))
        except OSError:
            return None
        # Only now, so that whoever holds it already isn't joined.
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            held.setsockopt(socket.SOL_SOCKET, option, 1)
        found = int(held.getsockname()[1])
        held.detach()
        return found

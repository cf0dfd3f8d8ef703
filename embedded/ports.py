"""Is a port free, who has it, and who should move?"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from embedded.refusals import PortsTaken

_INODE = re.compile(r"socket:\[(\d+)\]")


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether one can listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def conflicts(wanted: Mapping[str, int]) -> list[str]:
    """A sentence for each port that is wanted (by what it is for) and isn't free, or is wanted twice."""
    by_port: dict[int, list[str]] = {}
    for name, port in wanted.items():
        by_port.setdefault(port, []).append(name)
    twice = [
        f"port {port} is configured for {' and '.join(names)}: give each its own"
        for port, names in by_port.items()
        if len(names) > 1
    ]
    return twice + [taken(names[0], port) for port, names in by_port.items() if not is_free(port)]


def settle(wanted: Mapping[str, int], patience_s: float = 3.0) -> None:
    """Return when all ports are free; a stack killed a moment ago may still hold some, so wait a little.

    Raises:
        PortsTaken: some aren't; each is named.
    """
    deadline_s = time.monotonic() + patience_s
    while problems := conflicts(wanted):
        if time.monotonic() > deadline_s:
            raise PortsTaken("; ".join(problems))
        time.sleep(0.2)


def taken(name: str, port: int) -> str:
    """Says that the port is in use, by whom as far as one may know, and who should move."""
    owner = _owner(port)
    by = f" by {owner}" if owner else ""
    return f"port {port} ({name}) is in use{by}: stop that, or move Tracemill, e.g. with --port-offset 1000"


def _owner(port: int) -> str | None:
    """The process that listens on the port, as Linux shows it to whoever may see it."""
    inodes = _listening_inodes(port)
    for process in Path("/proc").glob("[0-9]*"):
        if inodes & _socket_inodes(process):
            with contextlib.suppress(OSError):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                return f"pid {process.name} ({command[:60]})"
    return None


def _socket_inodes(process: Path) -> set[str]:
    """Empty for a process that is gone or another user's."""
    inodes = set()
    with contextlib.suppress(OSError):
        for handle in os.listdir(process / "fd"):
            with contextlib.suppress(FileNotFoundError):
                if found := _INODE.fullmatch(os.readlink(process / "fd" / handle)):
                    inodes.add(found[1])
    return inodes


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            columns = line.split()
            if columns[3] == "0A" and int(columns[1].rpartition(":")[2], 16) == port:
                inodes.add(columns[9])
    return inodes

"""How does a child process of the ingester begin, say how it is, and end? Configuration in, state out, no orphans.

`ingest.children` starts `python -m ingest.worker` and `python -m ingest.receiver` with the configuration as JSON on
standard input. What they write to standard output is their state, a line at a time.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import uvloop

from ingest import counters
from ingest.admission import Admission
from runtime import logs
from runtime.processes import carry_name
from tracemill.config import Config, ConfigError

_LOG = logging.getLogger(__name__)

READY: Final = "ready"
"""The state of a child that does its work; any other is a sentence that says why it doesn't."""
EXIT_CONFIG: Final = 78
"""The configuration is at fault (EX_CONFIG): starting again won't help."""

_PR_SET_PDEATHSIG: Final = 1
_GC_THRESHOLD: Final = (200_000, 50, 100)
"""A request makes thousands of tuples and no cycles: with the default a collection comes with every request."""
_STATE_EVERY_S: Final = 0.25

Serve = Callable[[Config, asyncio.Event], Awaitable[None]]
"""A child's work, until the event is set; it has finished what it had begun when it returns."""


def live(name: str, serve: Serve) -> None:
    """A child's whole life."""
    _end_with_parent()
    carry_name(f"ingest {name}")
    config = Config.model_validate_json(sys.stdin.buffer.read())
    logs.configure("ingest", config.log_level)
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLD)
    try:
        uvloop.run(_until_told(config, serve))
    except ConfigError as error:
        _LOG.error(logs.pairs("the configuration can't be used", child=name, error=error))
        sys.exit(EXIT_CONFIG)


async def tell(admission: Admission) -> None:
    """Write the state whenever it changes, until cancelled."""
    told: str | None = None
    while True:
        counters.IN_FLIGHT_BYTES.set(admission.in_flight_bytes)
        counters.KAFKA_AWAY.set(admission.away is not None)
        state = admission.away or READY
        if state != told:
            sys.stdout.write(f"{state}\n")
            sys.stdout.flush()
            told = state
        await asyncio.sleep(_STATE_EVERY_S)


def _end_with_parent() -> None:
    """SIGTERM when the parent dies, however it does (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(sys.argv[1]):
            sys.exit("the process that started this one is gone")


async def _until_told(config: Config, serve: Serve) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(config, stop)

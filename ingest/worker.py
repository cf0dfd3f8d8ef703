"""What does a worker process do? It serves gRPC and HTTP on ports that it shares with other workers."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Final

import grpc
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from ingest.child import live, tell
from ingest.http import Application
from ingest.intake import Intake
from ingest.line import Line
from ingest.rpc import Handler, options
from tracemill.config import Config

_DRAIN_S: Final = 5.0
"""For requests in flight when the worker is told to stop."""
_HEADERS_MS: Final = 10_000
_HEADERS_BYTES: Final = 64 * 1024
_CONNECTIONS: Final = 4_096


async def serve(config: Config, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then answer what is in flight.

    Raises:
        ConfigError: a topic isn't as configured.
    """
    line = Line(config)
    rpc, http = _grpc_server(config, line.intake), _http_server(config, line.intake)
    await rpc.start()
    web = asyncio.create_task(http.serve())
    opening, stopping = asyncio.create_task(line.open()), asyncio.create_task(stop.wait())
    telling = asyncio.create_task(tell(line.admission))
    try:
        await asyncio.wait((opening, stopping), return_when=asyncio.FIRST_COMPLETED)
        if opening.done():
            opening.result()
        await asyncio.wait((stopping, web), return_when=asyncio.FIRST_COMPLETED)
        if web.done():
            web.result()
    finally:
        for task in (opening, stopping, telling):
            task.cancel()
        http.stop()
        async with line.closing():
            await asyncio.wait((asyncio.create_task(rpc.stop(_DRAIN_S)), web), timeout=_DRAIN_S)


def _grpc_server(config: Config, intake: Intake) -> Any:
    server = grpc.aio.server(options=options(config.limits))
    server.add_generic_rpc_handlers((Handler(intake),))
    address = _address(config.ingest.host)
    server.add_insecure_port(f"{f'[{address}]' if ':' in address else address}:{config.ingest.grpc_port}")
    return server


def _address(host: str) -> str:
    """The address of a name such as `localhost`; granian takes addresses only."""
    return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])


def _http_server(config: Config, intake: Intake) -> Server:
    return Server(
        Application(intake),
        address=_address(config.ingest.host),
        port=config.ingest.http_port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADERS_MS, max_buffer_size=_HEADERS_BYTES),
        websockets=False,
        backlog=1_024,
        backpressure=_CONNECTIONS,
        log_enabled=False,
    )


if __name__ == "__main__":
    live("worker", serve)

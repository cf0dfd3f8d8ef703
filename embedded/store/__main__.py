"""How does the store of one machine start? `python -m embedded.store --path DIR --port N`; it ends on SIGTERM."""

from __future__ import annotations

import argparse
import gc
import ipaddress
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from embedded.locks import Lock
from embedded.ports import taken
from embedded.refusals import InUse
from embedded.store.doors import Doors
from runtime import logs
from runtime.logs import pairs
from runtime.processes import carry_name

GRACE_S = 5
PASSWORD_VARIABLE = "TRACEMILL_STORE_PASSWORD"  # noqa: S105 - a variable's name
USER_VARIABLE = "TRACEMILL_STORE_USER"

logger = logging.getLogger("embedded.store")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. The exit status is 1, with one line, when path or port belong to another."""
    options = _options(arguments)
    carry_name("store")
    logs.configure("store", options.log_level)
    try:
        lock = Lock(options.path, "a store")
        listener = socket.create_server((options.host, options.port), backlog=256)
    except InUse as error:
        sys.stderr.write(f"store: {error}\n")
        return 1
    except OSError:
        sys.stderr.write(f"store: {taken('store', options.port)}\n")
        return 1
    _serve(options, listener)
    lock.release()
    return 0


def _serve(options: argparse.Namespace, listener: socket.socket) -> None:
    # The store's days and partitions must not depend on the machine. The engine reads this when it is loaded.
    os.environ["TZ"] = "UTC"
    time.tzset()
    from embedded.store.app import App
    from embedded.store.engine import Engine

    engine = Engine(options.path, options.memory_bytes)
    doors = Doors(
        user=os.environ.get(USER_VARIABLE, "default"),
        password=os.environ.get(PASSWORD_VARIABLE, ""),
        loopback_only=ipaddress.ip_address(options.host).is_loopback,
    )
    app = App(engine, doors=doors)
    gc.freeze()
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http="httptools",
            loop="uvloop",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=GRACE_S,
        )
    )
    # The server stops on these by itself, and raises them again once it has: then the engine is still to be closed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    logger.info(pairs("store is open", path=options.path, port=options.port, engine=engine.version))
    server.run(sockets=[listener])
    app.close()
    engine.close()
    logger.info("store is closed")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m embedded.store", description="chDB behind ClickHouse's HTTP.")
    parser.add_argument("--path", type=lambda text: Path(text).absolute(), required=True, help="the data path")
    parser.add_argument("--host", default="127.0.0.1", help="an IP address; anything but loopback needs a password")
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--memory-bytes", type=int, default=1536 * 1024**2, help="that the engine may use")
    parser.add_argument("--log-level", default="info")
    options = parser.parse_args(arguments)
    if not ipaddress.ip_address(options.host).is_loopback and not os.environ.get(PASSWORD_VARIABLE):
        parser.error(f"--host {options.host} isn't loopback: anyone could read and write. Set {PASSWORD_VARIABLE}")
    return options


if __name__ == "__main__":
    sys.exit(main())

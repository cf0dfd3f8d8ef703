"""How does the API run? One process, one event loop; the store does the work."""

from __future__ import annotations

import logging
import signal
import socket
import time
from collections.abc import Sequence

import uvicorn
from prometheus_client import REGISTRY

from api import metrics
from api.access import access
from api.connections import BoundedRequests
from api.endpoints import ENDPOINTS
from api.groups import Lags, Watch
from api.keeping import Status
from api.log import KafkaLog
from api.pages import PAGES
from api.queries import SQL
from api.site import Site
from api.store import ClickHouse
from runtime.group_lag import groups
from runtime.identity import introduce
from runtime.logs import configure, pairs
from runtime.processes import carry_name
from tracemill.config import Config, ConfigError

_LOG = logging.getLogger(__name__)

GRACE_S = 5


def run(config: Config) -> None:
    """Serve until SIGTERM or SIGINT; what is in flight is answered.

    Raises:
        ConfigError: the port is in use, or everyone could read everything.
    """
    configure("api", config.log_level)
    doors = access(config)
    listener = _listen(config.api.host, config.api.port)
    carry_name("api")
    store, log = ClickHouse(config.store), KafkaLog(config)

    async def close() -> None:
        await log.close()
        await store.close()

    watches = [Watch(group) for group in groups(config)]
    _introduce(watches)
    server = uvicorn.Server(
        uvicorn.Config(
            Site(store, log, doors, time.time_ns).application(close),
            http=BoundedRequests,
            loop="uvloop",
            ws="none",
            lifespan="on",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=GRACE_S,
        )
    )
    # The server stops on these by itself, and raises them again once it has.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    _LOG.info(pairs("the API serves", host=config.api.host, port=config.api.port, store=config.store.url))
    for watch in watches:
        watch.start()
    server.run(sockets=[listener])
    for watch in watches:
        watch.stop()
    _LOG.info("the API has stopped")


def _introduce(watches: Sequence[Watch]) -> None:
    introduce("api")
    metrics.begin((each.path for each in (*ENDPOINTS, *PAGES)), (file.stem for file in SQL.glob("*.sql")), Status)
    REGISTRY.register(Lags(watches))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        raise ConfigError(
            f"api.port: port {port} on {host} can't be used ({error.strerror}): stop what listens there, or set "
            "another port"
        ) from error

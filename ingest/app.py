"""How does the ingester run? A parent without threads of its own keeps workers alive and answers for all of them."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from pathlib import Path

from prometheus_client import CollectorRegistry, PlatformCollector
from prometheus_client.multiprocess import MultiProcessCollector

from ingest import family
from ingest.children import Children
from runtime.health import HealthServer
from runtime.identity import introduce
from runtime.logs import configure, pairs
from runtime.processes import carry_name
from runtime.scratch import scratch
from tracemill.config import Config, ConfigError

_LOG = logging.getLogger(__name__)


def run(config: Config) -> None:
    """Serve until SIGTERM or SIGINT; returns when all that was in flight is answered.

    Raises:
        ConfigError: a port is in use, or a topic isn't as configured.
    """
    carry_name("ingest")
    configure("ingest", config.log_level)
    _check_ports(config)
    with scratch("ingest") as metrics_dir:
        asyncio.run(_run(config, metrics_dir))


async def _run(config: Config, metrics_dir: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    modules = ["ingest.worker"] * config.ingest.workers
    if config.ingest.kafka_receiver is not None:
        modules.append("ingest.receiver")
    children = Children(config, modules, metrics_dir)
    health = HealthServer(
        config.ingest.host, config.ingest.metrics_port, children.why_not_ready, _registry(children, metrics_dir)
    )
    health.start()
    _LOG.info(pairs("the ingester starts", grpc=config.ingest.grpc_port, http=config.ingest.http_port))
    try:
        await children.run(stop)
    finally:
        health.stop()
        _LOG.info("the ingester has stopped")


def _registry(children: Children, metrics_dir: Path) -> CollectorRegistry:
    """What the children count, added up, and what only their parent knows."""
    registry = CollectorRegistry()
    introduce("ingest", registry)
    MultiProcessCollector(registry, path=str(metrics_dir))
    PlatformCollector(registry)
    registry.register(family.RESTARTS)
    registry.register(family.Usage(children.pids))
    return registry


def _check_ports(config: Config) -> None:
    """Workers share ports by SO_REUSEPORT, so a port that is someone else's wouldn't be noticed later."""
    for key in ("grpc_port", "http_port", "metrics_port"):
        port = getattr(config.ingest, key)
        family = socket.AF_INET6 if ":" in config.ingest.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((config.ingest.host, port))
            except OSError as error:
                raise ConfigError(
                    f"ingest.{key}: port {port} on {config.ingest.host} can't be used ({error.strerror}): stop what "
                    "listens there, or set another port"
                ) from error

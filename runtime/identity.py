"""Which part is a process, of which version, and who is it to its consumer group?"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import version

from prometheus_client import GC_COLLECTOR, REGISTRY, CollectorRegistry, Metric, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


def introduce(part: str, registry: CollectorRegistry = REGISTRY) -> None:
    """Say in `registry` which part this is; leave out what a process tells of itself that nobody asks for."""
    disable_created_metrics()
    with suppress(KeyError):
        registry.unregister(GC_COLLECTOR)
    registry.register(_Build(part))


def member(instance: str | None, metrics_port: int) -> str:
    """Who a process is to its group: nobody else listens on that port of that host, and its successor does."""
    return instance or f"{socket.gethostname()}-{metrics_port}"


class _Build(Collector):
    """A constant; the same whether the process counts for itself or for its children."""

    def __init__(self, part: str) -> None:
        self._labels = [version("tracemill"), part]

    def collect(self) -> Iterable[Metric]:
        info = GaugeMetricFamily(
            "tracemill_build_info", "1; its labels say which part of which version this is.", labels=["version", "part"]
        )
        info.add_metric(self._labels, 1)
        yield info

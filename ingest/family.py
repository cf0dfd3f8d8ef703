"""What do the ingester's processes take together, and how often was one replaced? Told by their parent."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import Counter, Metric, ProcessCollector
from prometheus_client.registry import Collector

RESTARTS: Final = Counter(
    "tracemill_ingest_child_restarts", "Processes that ended and were started again.", ["child"], registry=None
)
_OF_ALL: Final = frozenset(
    {
        "process_cpu_seconds",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_open_fds",
    }
)
"""What adds up; of the others the parent's own is told."""


class Usage(Collector):
    """The usual metrics of a process, for the parent and its children (`pids`) as if they were one.

    CPU that ended children took is counted on, so that the counter never falls; memory that processes share is counted
    in each.
    """

    def __init__(self, pids: Callable[[], Iterable[int]]) -> None:
        self._pids = pids

    def collect(self) -> Iterable[Metric]:
        own = {metric.name: metric for metric in _of(os.getpid())}
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        _add(own, "process_cpu_seconds", ended.ru_utime + ended.ru_stime)
        for pid in self._pids():
            for metric in _of(pid):
                if metric.name in _OF_ALL:
                    _add(own, metric.name, metric.samples[0].value)
        return own.values()


def _of(pid: int) -> Iterable[Metric]:
    return ProcessCollector(pid=lambda: pid, registry=None).collect()


def _add(metrics: dict[str, Metric], name: str, value: float) -> None:
    if name in metrics:
        (sample,) = metrics[name].samples
        metrics[name].samples = [sample._replace(value=sample.value + value)]

"""How are a worker's partitions right now? Answered when it is asked, so that a worker that is stuck doesn't look well.

Asked on the thread of the health server: single numbers are read, and nothing is changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from streams.backlog import Backlog
from streams.lag import Lag
from streams.partitions import Partition, Partitions

_BY_PARTITION: Final[tuple[tuple[str, str, Callable[[Partition], float]], ...]] = (
    ("open_traces", "Traces open now.", lambda ours: ours.assembler.open_count),
    ("carried_traces", "Open traces that no longer hold the commit back.", lambda ours: ours.assembler.carried_count),
    ("held_bytes", "Memory that open traces take.", lambda ours: ours.assembler.held_bytes),
    ("shadow_bytes", "Bytes held before a takeover, for the budget.", lambda ours: ours.assembler.shadow_bytes),
    ("grace_bytes", "Bytes of spans of closed traces.", lambda ours: ours.assembler.grace_bytes),
    ("remembered_traces", "Decided traces that are remembered.", lambda ours: len(ours.memory)),
    ("remembered_bytes", "Bytes of what is remembered, without its keys.", lambda ours: ours.memory.size_bytes),
)


class Gauges(Collector):
    """The partitions of a worker, its backlog and its lag."""

    def __init__(self, partitions: Partitions, backlog: Backlog, lag: Lag) -> None:
        self._partitions = partitions
        self._backlog = backlog
        self._lag = lag

    def collect(self) -> Iterable[Metric]:
        ours, now_ms = list(self._partitions), time.time() * 1000
        for name, text, value in _BY_PARTITION:
            yield _family(name, text, ((each, value(each)) for each in ours))
        lags = [(each, self._lag.of(each, now_ms)) for each in ours]
        yield _family("lag_seconds", "Age of the oldest record not read, at most; 0 when all are.", _parts(lags, 0))
        yield _family("lag_records", "Records not read.", _parts(lags, 1))
        owned = GaugeMetricFamily("tracemill_streams_partitions", "Partitions of this worker.", labels=["state"])
        owned.add_metric(["working"], len(ours))
        owned.add_metric(["taking_over"], self._partitions.coming)
        yield owned
        waiting = self._backlog.waiting_bytes
        yield GaugeMetricFamily("tracemill_streams_backlog_bytes", "Bytes closed and not yet decided.", waiting)


def _family(name: str, text: str, values: Iterable[tuple[Partition, float]]) -> Metric:
    family = GaugeMetricFamily(f"tracemill_streams_{name}", text, labels=["partition"])
    for ours, value in values:
        family.add_metric([str(ours.number)], value)
    return family


def _parts(lags: Iterable[tuple[Partition, tuple[float, int] | None]], part: int) -> Iterable[tuple[Partition, float]]:
    return ((ours, lag[part]) for ours, lag in lags if lag is not None)

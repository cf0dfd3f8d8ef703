"""How are many values observed at once? A histogram that takes lists: a lock a list instead of several a value."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from threading import Lock

from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class BulkHistogram(Collector):
    """A histogram without labels; for one process that counts for itself."""

    def __init__(
        self, name: str, documentation: str, buckets: Sequence[float], registry: CollectorRegistry = REGISTRY
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._bounds = list(buckets)
        self._counts = [0] * (len(buckets) + 1)
        self._sum = 0.0
        self._lock = Lock()
        registry.register(self)

    def observe(self, values: Sequence[float]) -> None:
        """Count all of them."""
        with self._lock:
            for value in values:
                self._counts[bisect_left(self._bounds, value)] += 1
            self._sum += sum(values)

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            counts, total = list(self._counts), self._sum
        cumulated = 0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip([*self._bounds, float("inf")], counts, strict=True):
            cumulated += count
            buckets.append((floatToGoString(bound), cumulated))
        family = HistogramMetricFamily(self._name, self._documentation)
        family.add_metric([], buckets, total)
        yield family

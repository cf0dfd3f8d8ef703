"""How far are the consumer groups behind? Told by the API, because it lives when their members don't.

Kafka is asked on threads of their own, so that neither a request nor a scrape waits for it. What is told is computed
when it is asked for: while Kafka is away, what was behind goes on growing older, and the time of the last look stays.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Final

from confluent_kafka import KafkaException
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from runtime.group_lag import Behind, Group, GroupLag, Place
from runtime.logs import pairs

LOOK_EVERY_S: Final = 5.0
_STOP_S: Final = 1.0
_LABELS: Final = ("group", "topic", "partition")

_LOG = logging.getLogger(__name__)


class Watch:
    """One group, as it was when it was last looked at: `found`, at `looked_s`, which is 0 before the first time."""

    def __init__(self, group: Group) -> None:
        self.name = group.name
        self.found: dict[Place, Behind] = {}
        self.looked_s = 0.0
        self._lag = GroupLag(group)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._forever, name="lag", daemon=True)

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; a look at a Kafka that is away isn't waited for."""
        self._stop.set()
        self._thread.join(_STOP_S)

    def _forever(self) -> None:
        failed = False
        while not self._stop.is_set():
            try:
                self.found, self.looked_s = self._lag.look(), time.time()
            except KafkaException as error:
                if not failed:
                    _LOG.warning(pairs("the lag of a consumer group isn't known", group=self.name, why=error))
                failed = True
            else:
                failed = False
            self._stop.wait(LOOK_EVERY_S)
        self._lag.close()


class Lags(Collector):
    """Of all groups, as metrics."""

    def __init__(self, watches: Sequence[Watch]) -> None:
        self._watches = watches

    def collect(self) -> Iterable[Metric]:
        now_ms = time.time() * 1000
        seconds = GaugeMetricFamily(
            "tracemill_kafka_group_lag_seconds", "Age of the oldest uncommitted record; 0: none.", labels=_LABELS
        )
        records = GaugeMetricFamily("tracemill_kafka_group_lag_records", "Uncommitted records.", labels=_LABELS)
        looked = GaugeMetricFamily(
            "tracemill_kafka_group_lag_observed_timestamp_seconds",
            "When Kafka last said how far a group is; 0 before.",
            labels=["group"],
        )
        for watch in self._watches:
            looked.add_metric([watch.name], watch.looked_s)
            for (topic, number), behind in watch.found.items():
                labels = [watch.name, topic, str(number)]
                records.add_metric(labels, behind.records)
                age_s = behind.seconds(now_ms)
                if age_s is not None:
                    seconds.add_metric(labels, age_s)
        return seconds, records, looked

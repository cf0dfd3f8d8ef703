"""How far are the parts, moment by moment? Asked of the parts themselves, twice a second."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from loadtest.scraped import Scraped, scrape
from tracemill.config import Config

EVERY_S: Final = 0.5


class Streams(NamedTuple):
    """What the stream workers that answer say, all together. Counts begin with each worker."""

    records: int
    """Taken from the log."""
    spans: int
    """Of traces that were decided."""
    closed: Counter[str]
    """Those traces by `closed_by`."""
    lag_s: float | None
    """Of the partition that is furthest behind; None while they don't know it of all partitions."""
    decisions: int
    overdue_s: float
    """How long the traces of these had been due when they were decided, all together."""


class Sighting(NamedTuple):
    """A moment of the monotonic clock. `accepted` spans since the ingester began."""

    at_s: float
    accepted: int
    streams: Streams | None
    """None while no worker answers."""
    sinks_lag_s: float | None
    """Of the topic and partition that is furthest behind."""


class Watch:
    """Looks again and again, on a thread of its own."""

    def __init__(self, config: Config) -> None:
        self._partitions = config.kafka.partitions
        self._ingest = f"http://{config.ingest.host}:{config.ingest.metrics_port}"
        self._sinks = f"http://{config.sinks.metrics_host}:{config.sinks.metrics_port}"
        self.workers = [f"http://{config.streams.metrics_host}:{config.streams.metrics_port}"]
        """Where stream workers answer, or will."""
        self.sightings: list[Sighting] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look_forever, name="watch", daemon=True)

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        self._thread.join()

    def _look_forever(self) -> None:
        while not self._stopped.wait(EVERY_S):
            self.sightings.append(self._look())

    def _look(self) -> Sighting:
        ingest, sinks = _asked(self._ingest), _asked(self._sinks)
        workers = [worker for address in list(self.workers) if (worker := _asked(address))]
        if ingest:
            accepted = int(ingest.total("tracemill_ingest_accepted_spans_total"))
        else:
            accepted = self.sightings[-1].accepted if self.sightings else 0
        lags = sinks.each("tracemill_sinks_lag_seconds") if sinks else []
        streams = together(workers, self._partitions) if workers else None
        return Sighting(time.monotonic(), accepted, streams, max(lags, default=None))


def together(workers: Iterable[Scraped], partitions: int) -> Streams:
    """What some workers say of so many partitions."""
    all_of_them = list(workers)

    def total(name: str) -> float:
        return sum(worker.total(f"tracemill_streams_{name}") for worker in all_of_them)

    lags = [lag_s for worker in all_of_them for lag_s in worker.each("tracemill_streams_lag_seconds")]
    by_reason = (worker.by("tracemill_streams_traces_closed_total", "closed_by") for worker in all_of_them)
    return Streams(
        records=int(total("records_total")),
        spans=int(total("spans_total")),
        closed=sum(by_reason, Counter[str]()),
        lag_s=max(lags) if len(lags) == partitions else None,
        decisions=int(total("decision_latency_seconds_count")),
        overdue_s=total("decision_latency_seconds_sum"),
    )


def _asked(address: str) -> Scraped | None:
    try:
        return scrape(address)
    except OSError:
        return None

"""How far are the parts, moment by moment? Asked of the parts themselves, twice a second."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from loadtest.scraped import Scraped, scrape
from tracemill.config import Config

EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Counts:
    """What stream workers have done, one after the other, since the first of them began."""

    records: int = 0
    """Taken from the log."""
    spans: int = 0
    """Of traces that were decided."""
    closed: Counter[str] = field(default_factory=Counter)
    """Those traces by `closed_by`."""
    decisions: int = 0
    overdue_s: float = 0.0
    """How long the traces of these had been due when they were decided, all together."""
    processes: int = 0
    """Workers that were seen."""

    def and_also(self, more: Counts) -> Counts:
        """Both together."""
        return Counts(
            records=self.records + more.records,
            spans=self.spans + more.spans,
            closed=self.closed + more.closed,
            decisions=self.decisions + more.decisions,
            overdue_s=self.overdue_s + more.overdue_s,
            processes=self.processes + more.processes,
        )


class Sighting(NamedTuple):
    """A moment of the monotonic clock. `accepted` spans since the ingester began."""

    at_s: float
    accepted: int
    streams: Counts
    lag_s: float | None
    """By the oldest record that isn't read; None while no stream worker knows it of all partitions."""
    sinks_lag_s: float | None
    """The same of sinks, and of what isn't stored."""


class Worker:
    """What the stream worker says, of so many partitions, and what those did that answered at its address before."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._before = self._now = Counts()
        self._began = 0.0
        self.lag_s: float | None = None
        """By the oldest record that isn't read; None while it doesn't know it of all partitions."""

    @property
    def counts(self) -> Counts:
        """As far as they were seen."""
        return self._before.and_also(self._now)

    def hear(self, said: Scraped | None) -> None:
        """It said so, or nothing."""
        lags_s = said.each("tracemill_streams_lag_seconds") if said else []
        self.lag_s = max(lags_s) if len(lags_s) == self._partitions else None
        if said is None:
            return
        began = said.total("process_start_time_seconds")
        if began != self._began:
            self._before, self._began = self.counts, began
        self._now = Counts(
            records=int(said.total("tracemill_streams_records_total")),
            spans=int(said.total("tracemill_streams_spans_total")),
            closed=said.by("tracemill_streams_traces_closed_total", "closed_by"),
            decisions=int(said.total("tracemill_streams_decision_latency_seconds_count")),
            overdue_s=said.total("tracemill_streams_decision_latency_seconds_sum"),
            processes=1,
        )


class Watch:
    """Looks again and again, on a thread of its own."""

    def __init__(self, config: Config) -> None:
        self._ingest = f"http://{config.ingest.host}:{config.ingest.metrics_port}"
        self._sinks = f"http://{config.sinks.metrics_host}:{config.sinks.metrics_port}"
        self._streams = f"http://{config.streams.metrics_host}:{config.streams.metrics_port}"
        self._worker = Worker(config.kafka.partitions)
        self.sightings: list[Sighting] = []
        self._accepted = 0
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
        self._worker.hear(_asked(self._streams))
        if ingest:
            self._accepted = int(ingest.total("tracemill_ingest_accepted_spans_total"))
        lags_s = sinks.each("tracemill_sinks_lag_seconds") if sinks else []
        counts, lag_s = self._worker.counts, self._worker.lag_s
        return Sighting(time.monotonic(), self._accepted, counts, lag_s, max(lags_s, default=None))


def _asked(address: str) -> Scraped | None:
    try:
        return scrape(address)
    except OSError:
        return None

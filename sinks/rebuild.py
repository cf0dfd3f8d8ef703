"""How is an emptied store filled again from `spans.v1`, `traces.v1` and `scores.v1`?

Records go the way that they go in the sinks: the same reader, the same blocks, the same inserts, so that the same rows
come out, with the same version. So a row that is there already is replaced by its equal, and a rebuild may run beside
the sinks, and twice. It belongs to no consumer group and commits nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Final

from sinks.buffers import Pace
from sinks.clickhouse import StoreTable
from sinks.delivery import Away, Delivery, Stopped
from sinks.migrations import make_tables
from sinks.rebuild_counts import Counted, Nowhere, Progress, Refusals, Teller
from sinks.records import Table
from sinks.rereading import Rereader
from sinks.slices import Loss, Slice
from sinks.tables import TABLES
from sinks.writer import BUSY_WAIT_S, FLUSH_S, Lane, piece_of, record_of
from tracemill.config import Config

PAUSE_S: Final = 1.0
TELL_EVERY_S: Final = 5.0


class Rebuild:
    """Reads slices of the topics into the store, or `dry` into nowhere. `progress` may be looked at meanwhile."""

    def __init__(
        self, config: Config, slices: Sequence[Slice], teller: Teller, stop: threading.Event, dry: bool = False
    ) -> None:
        self._config = config
        self._teller = teller
        self._stop = stop
        self._dry = dry
        self.progress = Progress(slices)
        self._lanes = {lane.topic: lane for lane in map(self._lane, TABLES)}
        self._broken_off: set[str] = set()
        self._tell_due_s = time.monotonic() + TELL_EVERY_S

    def run(self) -> bool:
        """Until `stop` is set or all is read and stored, however long the store is away; whether all is.

        Raises:
            KafkaException: a topic is gone, or may not be read.
            SchemaMismatch: the tables were made by other statements than this release has.
        """
        if not self._dry and not self._make_tables():
            return False
        reader = Rereader(self._config.kafka, self.progress.slices, self._lose)
        try:
            while not self._stop.is_set() and self._undone(reader):
                self._take(reader)
                for lane in self._lanes.values():
                    self._step(lane, reader)
                self._tell(reader)
            self._land(reader)
        finally:
            reader.close()
        return not self._undone(reader) and not self._broken_off

    def _lane(self, table: Table) -> Lane:
        """As in the sinks under load: what waits is sent when a block is full."""
        kafka, sinks = self._config.kafka, self._config.sinks
        pace = Pace(sinks.insert_rows, sinks.insert_bytes, sinks.load_linger_ms, sinks.load_linger_ms)
        target = Counted(Nowhere(table) if self._dry else StoreTable(table, self._config.store), self.progress)
        delivery = Delivery(target, Refusals(self.progress, self._teller), self._stop)
        return Lane(table.topic.name(kafka.namespace), table.read, pace, delivery)

    def _make_tables(self) -> bool:
        first = True
        while not self._stop.is_set():
            try:
                make_tables(self._config)
            except Away as error:
                if first or self._due():
                    self._teller.waits(f"waiting for the store: {error}")
                first = False
                self._stop.wait(PAUSE_S)
            else:
                return True
        return False

    def _undone(self, reader: Rereader) -> bool:
        return any(reader.left(topic) or lane.busy for topic, lane in self._lanes.items())

    def _take(self, reader: Rereader) -> None:
        for message in reader.read():
            record = record_of(message)
            lane = self._lanes[record.topic]
            lane.buffer.add(piece_of(lane.read, record), time.monotonic() * 1000)
            self.progress.records += 1
            self.progress.bytes += len(record.value)

    def _step(self, lane: Lane, reader: Rereader) -> None:
        self._note(lane, reader)
        now_ms = time.monotonic() * 1000
        lane.start(now_ms, lane.buffer.due(now_ms) or not reader.left(lane.topic))
        lane.throttle(self._config.sinks.buffer_bytes, reader.pause, reader.resume)

    def _note(self, lane: Lane, reader: Rereader) -> None:
        try:
            arrived = lane.finish()
        except Stopped:
            self._broken_off.add(lane.topic)
            return
        for partition, record in arrived.items():
            self.progress.stored[lane.topic, partition] = record.offset + 1
            self.progress.stored_ms[lane.topic, partition] = record.timestamp_ms
        if not lane.busy and lane.topic not in self._broken_off:
            for each in self.progress.slices:
                if each.topic == lane.topic and not reader.reading(each.key):
                    self.progress.stored[each.key] = each.end

    def _land(self, reader: Rereader) -> None:
        """Wait a moment for the blocks that are under way, so that it is known what is stored."""
        deadline_s = time.monotonic() + FLUSH_S
        while any(lane.flying for lane in self._lanes.values()) and time.monotonic() < deadline_s:
            time.sleep(BUSY_WAIT_S)
            for lane in self._lanes.values():
                self._note(lane, reader)

    def _lose(self, loss: Loss) -> None:
        self.progress.lost += loss.count
        self._teller.lost(loss)

    def _due(self) -> bool:
        """Whether it is time to tell again; said once."""
        now_s = time.monotonic()
        due = now_s >= self._tell_due_s
        if due:
            self._tell_due_s = now_s + TELL_EVERY_S
        return due

    def _tell(self, reader: Rereader) -> None:
        if not self._due():
            return
        for lane in self._lanes.values():
            if lane.delivery.trouble:
                self._teller.waits(lane.delivery.trouble)
        if reader.trouble:
            self._teller.waits(f"Kafka: {reader.trouble}")
        self._teller.goes_on(self.progress)

"""Is a part of the log read once and to its end, also when records of it are removed, damaged or cut off?"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from runtime.kafka import producer_settings
from sinks.reach import BEGINNING, NOTHING, Extent, TopicOffsets
from sinks.rereading import Rereader
from sinks.slices import DAMAGED, GONE, Loss, Slice
from tests.fixtures.servers import Server
from tests.fixtures.waiting import PATIENCE_S, eventually
from tracemill.config import ConfigError, Kafka

pytestmark = pytest.mark.integration

MINUTE_MS = 60_000
STILL_S = 2.0
LENGTH_END, HEADER_BYTES = 12, 61
"""Of a batch in a segment."""


class Topic:
    """Two partitions of a topic of its own, written a batch at a time."""

    def __init__(self, bootstrap: str, name: str) -> None:
        self.kafka, self.name = Kafka(bootstrap=bootstrap), name
        self._admin = AdminClient({"bootstrap.servers": bootstrap})
        self._admin.create_topics([NewTopic(name, 2, 1)])[name].result(PATIENCE_S)
        eventually(lambda: name in self._admin.list_topics(timeout=PATIENCE_S).topics)
        self.offsets = TopicOffsets(self.kafka, name)

    def write(self, partition: int, *values: bytes, at_ms: int = 0, codec: str = "none") -> None:
        """One batch."""
        settings = {"linger.ms": 200, "compression.type": codec}
        producer = Producer(producer_settings(self.kafka, int(PATIENCE_S * 1000), **settings))
        for value in values:
            producer.produce(self.name, value, partition=partition, timestamp=at_ms)
        assert producer.flush(PATIENCE_S) == 0

    def remove(self, **before: int) -> None:
        """Remove what is before an offset: p0=5."""
        places = [TopicPartition(self.name, int(number[1:]), offset) for number, offset in before.items()]
        for done in self._admin.delete_records(places).values():
            done.result(PATIENCE_S)

    def slices(self, *starts_and_ends: tuple[int, int]) -> list[Slice]:
        return [Slice(self.name, number, *bounds) for number, bounds in enumerate(starts_and_ends)]


@pytest.fixture
def topic(kafka: str, namespace: str) -> Topic:
    return Topic(kafka, namespace)


@pytest.fixture
def read(topic: Topic) -> Callable[..., tuple[list[tuple[int, int]], list[Loss]]]:
    """Reads slices to their ends, with something to happen before the first record: places and losses."""
    return lambda *slices, first=lambda: None: reread(topic, topic.slices(*slices), first)


def reread(
    topic: Topic, slices: list[Slice], first: Callable[[], None] = lambda: None
) -> tuple[list[tuple[int, int]], list[Loss]]:
    losses: list[Loss] = []
    reader = Rereader(topic.kafka, slices, losses.append, STILL_S)
    try:
        first()
        found = []
        deadline_s = time.monotonic() + PATIENCE_S
        while reader.left(topic.name):
            assert time.monotonic() < deadline_s, "it waits for what never comes"
            found += [(message.partition(), message.offset()) for message in reader.read()]
    finally:
        reader.close()
    return sorted(found), losses


def places(*ranges: range) -> list[tuple[int, int]]:
    return [(number, offset) for number, offsets in enumerate(ranges) for offset in offsets]


def test_slices_are_read_from_their_start_to_before_their_end(topic: Topic, read: Callable) -> None:
    for number in (0, 1):
        topic.write(number, *(b"%d" % each for each in range(30)))
    assert read((0, 30), (7, 25)) == (places(range(30), range(7, 25)), [])
    assert read((5, 5), (30, 30)) == ([], [])


def test_what_is_removed_before_it_is_read_is_lost_and_the_rest_is_read(topic: Topic, read: Callable) -> None:
    for number in (0, 1):
        topic.write(number, *(b"%d" % each for each in range(30)))
    found, losses = read((3, 28), (5, 20), first=lambda: topic.remove(p0=10, p1=25))
    assert found == places(range(10, 28))
    assert {(loss.key[1], loss.first, loss.count, loss.why) for loss in losses} == {(0, 3, 7, GONE), (1, 5, 15, GONE)}


def test_a_log_that_was_cut_is_not_waited_for(topic: Topic, read: Callable) -> None:
    topic.write(0, b"a", b"b")
    topic.write(1, b"a", b"b", b"c")
    found, losses = read((0, 9), (0, 3))
    assert found == places(range(2), range(3))
    assert losses == [Loss((topic.name, 0), 2, 7, GONE)]


@pytest.mark.parametrize("codec", ["lz4", "none"])
def test_a_damaged_batch_is_lost_and_the_next_one_is_read(
    broker: Server, namespace: str, tmp_path: Path, codec: str
) -> None:
    topic = Topic(broker.address, namespace)
    for number in range(5):
        topic.write(0, *(b"batch %d, record %d " % (number, each) * 50 for each in range(3)), codec=codec)
        topic.write(1, b"whole")
    broker.stop()
    damage(next(tmp_path.rglob(f"{namespace}-0/*.log")), batch=2)
    broker.start()
    found, losses = reread(topic, topic.slices((0, 15), (0, 5)))
    assert found == places([*range(6), *range(9, 15)], range(5))
    assert {loss.why for loss in losses} == {DAMAGED}
    assert [each for loss in losses for each in range(loss.first, loss.first + loss.count)] == [6, 7, 8]


def damage(segment: Path, batch: int) -> None:
    """Write nonsense over the beginning of a batch's records."""
    value = bytearray(segment.read_bytes())
    start = 0
    for _ in range(batch):
        start += LENGTH_END + int.from_bytes(value[start + LENGTH_END - 4 : start + LENGTH_END])
    value[start + HEADER_BYTES : start + HEADER_BYTES + 60] = b"\xff" * 60
    segment.write_bytes(value)


def test_a_partition_says_how_far_back_it_goes(topic: Topic) -> None:
    assert topic.offsets.reach().extents == {0: Extent(0, 0, None), 1: Extent(0, 0, None)}
    now_ms = int(time.time() * 1000)
    for minutes in (9, 6, 3):
        topic.write(0, b"x", at_ms=now_ms - minutes * MINUTE_MS)
    reach = topic.offsets.reach()
    assert reach.extents[0] == Extent(0, 3, now_ms - 9 * MINUTE_MS)
    assert reach.whole_from_ms == BEGINNING
    topic.remove(p0=1)
    reach = topic.offsets.reach()
    assert reach.extents[0] == Extent(1, 3, now_ms - 6 * MINUTE_MS)
    assert (reach.whole_from_ms, reach.emptied) == (now_ms - 6 * MINUTE_MS, [])
    assert topic.offsets.at(now_ms - 5 * MINUTE_MS) == {0: 2, 1: 0}
    assert topic.offsets.at(now_ms - 6 * MINUTE_MS) == {0: 1, 1: 0}
    assert topic.offsets.at(now_ms) == {0: 3, 1: 0}
    topic.remove(p0=3)
    reach = topic.offsets.reach()
    assert reach.extents[0] == Extent(3, 3, None)
    assert (reach.whole_from_ms, reach.emptied) == (NOTHING, [0])


def test_a_topic_that_is_not_there_is_named(kafka: str) -> None:
    with pytest.raises(ConfigError, match=r"has no topic nobody\.spans\.v1: is kafka\.namespace right"):
        TopicOffsets(Kafka(bootstrap=kafka), "nobody.spans.v1")

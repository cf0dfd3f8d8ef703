"""A record does what its kind says, and what can't be read moves the time on and is a dead letter."""

from __future__ import annotations

import json

import pytest
from prometheus_client import REGISTRY

from runtime.dead_letters import Record
from streams.letters import Letters
from streams.records import Records, handlers
from tests.builders.assigned import NOW_MS, partition, record, tick
from tests.builders.bundles import S, bundle
from tracemill import topics
from tracemill.assembly.assembler import Assembler
from tracemill.control.rules import rules_record
from tracemill.evaluation.judge import RuleBook
from tracemill.sampling import RuleSet

RULES = RuleSet.parse("version: 1\ndefault: {probability: 0.5}")


class Topic:
    """Dead letters, in a list."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    @property
    def letters(self) -> list[dict]:
        return [json.loads(value) for value in self.values]


@pytest.fixture
def topic() -> Topic:
    return Topic()


@pytest.fixture
def rules() -> RuleBook:
    return RuleBook()


@pytest.fixture
def records(topic: Topic, rules: RuleBook) -> Records:
    return Records(handlers(rules), Letters(topic.values.append, content=False))


def spans(offset: int, *some: S, at_ms: int = 0) -> Record:
    value, index = bundle(some or (S(),))
    return record(offset, value, at_ms, index=index)


def counted(kind: str) -> float:
    return REGISTRY.get_sample_value("tracemill_streams_records_total", {"type": kind}) or 0.0


def test_a_bundle_opens_traces_and_a_tick_closes_what_is_due(records: Records, topic: Topic) -> None:
    ours = partition()
    records.take(ours, spans(0, S(trace=1), S(trace=2)))
    assert (ours.assembler.open_count, ours.collect()) == (2, [])
    records.take(ours, tick(1, at_ms=100))
    assert (ours.assembler.open_count, len(ours.collect())) == (0, 2)
    assert topic.letters == []


def test_rules_hold_from_their_record_on(records: Records, rules: RuleBook) -> None:
    ours = partition()
    records.take(ours, spans(0))
    records.take(ours, record(1, rules_record(RULES), 100, type=topics.TYPE_RULES.encode()))
    records.take(ours, spans(2, S(trace=2), at_ms=100))
    records.take(ours, tick(3, at_ms=200))
    assert [closing.steering.rules for closing in ours.collect()] == ["", RULES.digest]
    assert RULES.digest in rules


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (record(5, b"spans", 100), "not_a_bundle"),
        (record(5, b"spans", 100, index=b"\x07"), "not_a_bundle"),
        (record(5, b"no rules", 100, type=b"rules"), "unknown_rules"),
        (record(5, b"", 100, type=b"later"), "unknown_type"),
        (record(5, b"", 100, type=b"\xff"), "unknown_type"),
    ],
    ids=["without an index", "of another version", "not rules", "a kind of a later release", "a kind that is no text"],
)
def test_what_cannot_be_read_moves_the_time_on_and_nothing_else(
    records: Records, topic: Topic, broken: Record, reason: str
) -> None:
    ours = partition(next_offset=4)
    records.take(ours, spans(4, S(trace=1)))
    records.take(ours, broken)
    assert [closing.closed_at for closing in ours.collect()] == [NOW_MS + 100]
    assert (ours.assembler.next_offset, ours.assembler.rules) == (6, "")
    (letter,) = topic.letters
    assert (letter["reason"], letter["partition"], letter["offset"]) == (reason, 0, 5)
    records.take(ours, spans(6, S(trace=2), at_ms=100))
    assert ours.assembler.open_count == 1


def test_a_record_that_was_set_aside_is_only_a_moment(records: Records, topic: Topic) -> None:
    ours = partition(skips={1})
    records.take(ours, spans(0, S(trace=1)))
    records.take(ours, spans(1, S(trace=2), at_ms=100))
    assert (ours.assembler.open_count, len(ours.collect())) == (0, 1)
    assert (ours.assembler.next_offset, topic.letters) == (2, [])


def test_a_further_kind_is_one_entry(topic: Topic, rules: RuleBook) -> None:
    seen: list[bytes] = []

    def later(assembler: Assembler, record: Record) -> None:
        assembler.feed_tick(record.offset, record.timestamp_ms)
        seen.append(record.value)

    records = Records({**handlers(rules), "later": later}, Letters(topic.values.append, content=False))
    records.take(partition(), record(0, b"what to do", type=b"later"))
    assert (seen, topic.letters) == ([b"what to do"], [])


def test_records_are_counted_by_kind_and_a_kind_that_nobody_knows_makes_no_label(records: Records) -> None:
    ours, kinds = partition(), ("bundle", "tick", "unknown")
    before = [counted(kind) for kind in kinds]
    for each in (spans(0), tick(1), record(2, type=b"one"), record(3, type=b"another")):
        records.take(ours, each)
    assert [counted(kind) - was for kind, was in zip(kinds, before, strict=True)] == [1, 1, 2]
    assert counted("one") == counted("another") == 0

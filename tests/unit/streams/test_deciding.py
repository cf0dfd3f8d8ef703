"""What can't be read is among the dead letters before the outputs are waited for, and its neighbours are written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from streams.deciding import Deciding
from streams.letters import Letters
from tests.builders.assigned import LIMITS, NOW_MS, partition
from tests.builders.bundles import S, bundle
from tracemill.bundles import Group, pack_index
from tracemill.evaluation.flush import Batch, Flush
from tracemill.evaluation.judge import RuleBook
from tracemill.evaluation.output import Output

UNREADABLE = b"\x12\x03\x0a\x05x"


def test_spans_that_nobody_can_read_are_a_dead_letter() -> None:
    steps: list[Any] = []

    def write(outputs: Sequence[Output]) -> None:
        steps.extend(output.traces for output in outputs)

    value, index = bundle([S(trace=1)])
    chunk = (b"\x01" * 16, len(value), len(value) + len(UNREADABLE), 3)
    more = pack_index([Group((0, 0), (0, 0), (0, 0), (chunk,))])[1:]
    ours = partition(number=3)
    ours.assembler.feed_bundle(0, NOW_MS, value + UNREADABLE, index + more)
    ours.assembler.feed_tick(1, NOW_MS + 100)
    flush = Flush(RuleBook(), LIMITS.memory_horizon_ms)
    decide = Deciding("otlp", lambda _: 0, flush.run, write, Letters(steps.append, content=False))
    decide([Batch(3, ours.collect(), ours.history)])
    letter = json.loads(steps[0])
    assert (letter["reason"], letter["topic"], letter["partition"]) == ("undecodable", "otlp", 3)
    assert (letter["offset"], letter["length"]) == (0, len(UNREADABLE))
    (row,) = steps[1]
    assert json.loads(row)["span_count"] == 1


def test_spans_are_brought_back_before_they_are_decided() -> None:
    steps: list[str] = []

    def bring_back(_: object) -> int:
        steps.append("bring back")
        return 0

    def decide(_: object) -> list[Output]:
        steps.append("decide")
        return []

    def write(_: object) -> None:
        steps.append("write")

    Deciding("otlp", bring_back, decide, write, Letters(lambda _: None, content=False))([])
    assert steps == ["bring back", "decide", "write"]

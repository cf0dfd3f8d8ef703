"""Floods: one trace that doesn't end, traces that never begin, spans as large as may be, tenants by the thousand.

What closes is explained by `closed_by`, every span is decided, and the work stays in proportion to what came.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

from tests.builders.bundles import S, bundle
from tests.builders.floods import KINDS
from tests.builders.partition import Logged, Worker, Written
from tracemill.config import Assembly
from tracemill.evaluation import items

NOW_MS = 1_760_000_000_000
QUIET_MS, IDLE_MS, AGE_MS = Assembly().quiet_period_ms, Assembly().max_idle_ms, Assembly().max_age_ms


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many spans were decoded, each time."""
    counts: list[int] = []
    decode = items.decode

    def counted(value: bytes) -> object:
        spans = decode(value)
        counts.append(spans.count)
        return spans

    monkeypatch.setattr(items, "decode", counted)
    return counts


def run(limits: Assembly, log: Iterable[Logged], each: int = 1) -> Written:
    """One worker reads a log and writes after so many records."""
    log, written = list(log), Written()
    worker, read = Worker(limits, log, written), 0
    while worker.feed():
        read += 1
        if read % each == 0:
            worker.flush()
    worker.flush()
    return written


def rows(written: Written) -> Iterator[dict]:
    """Every revision of every trace, in order."""
    for output in written.outputs:
        yield from map(json.loads, output.traces)


def stored(written: Written) -> list[bytes]:
    """The ids of all spans that were written, as often as they were."""
    return [i for output in written.outputs for table in output.spans for i in table.column("span_id").to_pylist()]


def part(at_ms: int, first: int, count: int, trace: int = 1) -> Logged:
    """A record of so many spans of a trace, whose root is its span 0."""
    numbers = range(first, first + count)
    return (NOW_MS + at_ms, *bundle([S(trace, number, parent=None if number == 0 else 0) for number in numbers]))


def tick(at_ms: int) -> Logged:
    return NOW_MS + at_ms, b"", b""


def test_a_trace_of_200_000_spans_is_whole_and_what_trickles_in_is_computed_together(decoded: list[int]) -> None:
    each, records, trickle = 1_000, 200, 60
    log = [part(at * 50, at * each, each) for at in range(records)]
    end_ms = records * 50
    log += [part(end_ms + 3_000 * (number + 1), records * each + number, 1) for number in range(trickle)]
    written = run(Assembly(max_spans=100_000), [*log, tick(end_ms + 3_000 * trickle + AGE_MS)])
    *_, last = rows(written)
    found = [(row["revision"], row["closed_by"], row["span_count"]) for row in rows(written)]
    assert found[:2] == [(1, "max_spans", 100_000), (2, "max_spans", 200_000)]
    assert len(found) == 2, "beyond twice of what closes a trace its row stays as it is"
    assert last["span_count"] == 200_000
    spans = records * each + trickle
    assert len(set(stored(written))) == spans
    assert sum(decoded) <= 2 * spans


def trickled(spans: int, limits: Assembly) -> Written:
    """A trace that ends, and then gets one span after the other, each when all is quiet again."""
    log = [part(0, 0, spans // 2)]
    log += [part((number + 1) * (QUIET_MS + 100), spans // 2 + number, 1) for number in range(spans // 2)]
    return run(limits, [*log, tick(spans * QUIET_MS + AGE_MS)])


def test_the_work_for_late_spans_is_in_proportion_to_them(decoded: list[int]) -> None:
    limits = Assembly(max_spans=4_000, memory_horizon_ms=AGE_MS * 2)
    work = {}
    for spans in (200, 400, 800):
        written = trickled(spans, limits)
        assert len(set(stored(written))) == spans
        *_, last = rows(written)
        assert last["span_count"] == spans
        work[spans] = sum(decoded) / spans
        decoded.clear()
    assert work[800] < 1.5 * work[200]


def test_beyond_what_a_row_is_computed_of_every_span_is_still_written_once_decided(decoded: list[int]) -> None:
    limits = Assembly(max_spans=100)
    log = [part(at * 10, at * 40, 40) for at in range(50)]
    written = run(limits, [*log, tick(AGE_MS * 2)])
    last = list(rows(written))[-1]
    assert (last["span_count"], last["closed_by"]) == (120, "max_spans")
    assert len(stored(written)) >= len(set(stored(written))) == 2_000
    assert sum(decoded) <= 2_000 + 120
    told = [row for row in written.rows() if row["row"] == "decided"]
    assert {row["revision"] for row in told[1:]} == {1}
    assert max(len(row["records"]) for row in told) <= 3
    assert (told[-1]["spans"], told[-1]["closed_by"]) == (2_000, "complete")


def test_a_flood_of_traces_without_roots_closes_the_oldest_and_forgets_none() -> None:
    limits = Assembly(partition_bytes=256 * 1024, max_trace_bytes=64 * 1024)
    log = [(NOW_MS + number, *bundle([S(number, number, parent=1)])) for number in range(3_000)]
    written = run(limits, [*log, tick(IDLE_MS + 3_000)], each=300)
    why = Counter(row["closed_by"] for row in rows(written))
    assert why.total() == 3_000
    assert set(why) == {"memory", "idle"}
    assert min(why.values()) > 100
    closed = [row["trace_id"] for row in rows(written)]
    assert len(set(closed)) == 3_000
    assert closed == sorted(closed), "oldest first"
    assert len(stored(written)) == 3_000


def test_spans_as_large_as_may_be_close_their_trace_and_share_the_budget() -> None:
    limits = Assembly(partition_bytes=16 * 1024**2, max_trace_bytes=8 * 1024**2)
    text = "x" * (2 * 1024**2 - 1_000)
    one = [S(1, number, parent=None if number == 11 else 0, attributes={"a": text}) for number in range(12)]
    many = [S(2 + number, 0, parent=1, attributes={"a": text}) for number in range(12)]
    log = [(NOW_MS + at, *bundle([span])) for at, span in enumerate([*one, *many])]
    written = run(limits, [*log, tick(IDLE_MS * 2)])
    found = Counter((row["trace_id"][:4] == "0001", row["closed_by"]) for row in rows(written))
    assert found == {(True, "max_bytes"): 1, (False, "memory"): 4, (False, "idle"): 8}
    told = [row["closed_by"] for row in written.rows() if row["trace_id"][:2] == b"\0\1"]
    assert told == ["max_bytes", "max_bytes", "memory"], "from the second on it is too large for another row"
    assert len(stored(written)) == 24


def test_ten_thousand_tenants_are_told_apart() -> None:
    tenants = [f"tenant-{number}" for number in range(10_000)]
    log = [(NOW_MS + at, *bundle([S(7, 1)], tenant)) for at, tenant in enumerate(tenants)]
    written = run(Assembly(), [*log, tick(len(log) + QUIET_MS)], each=1_000)
    found = Counter(row["tenant"] for row in rows(written))
    assert found == dict.fromkeys(tenants, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_budget_of_a_partition_is_the_memory_that_it_takes(kind: str) -> None:
    """However small the spans are, or large who sends them."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.builders.floods", kind], check=True, stdout=subprocess.PIPE, text=True
    )
    found = json.loads(done.stdout)
    assert found["held_bytes"] <= found["budget_bytes"]
    assert found["resident_bytes"] <= 1.1 * found["budget_bytes"] + 16 * 1024**2, found

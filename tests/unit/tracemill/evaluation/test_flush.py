"""What a flush writes: verdicts that only move up, spans once, stale stragglers, and what it can't read set aside."""

from __future__ import annotations

import orjson
import pytest

from tests.builders.bundles import S, bundle
from tests.builders.partition import Logged, Worker, Written
from tracemill.assembly.assembler import Assembler
from tracemill.assembly.memory import Memory
from tracemill.assembly.trace import Anchor
from tracemill.bundles import Group, pack_index
from tracemill.config import Assembly
from tracemill.evaluation.flush import Batch, Flush
from tracemill.evaluation.items import SPAN_BYTES
from tracemill.evaluation.judge import RuleBook
from tracemill.sampling import KEEP_EVERYTHING, RuleSet
from tracemill.sampling.history import History

NOW = 1_760_000_000_000
"""The spans of `tests.builders.bundles` begin here too."""
LIMITS = Assembly(quiet_period_ms=100, max_idle_ms=200, late_grace_ms=5_000)
ERRORS_ONLY = RuleSet.parse("version: 1\nrules: [{name: errors, keep: error_count > 0}]\ndefault: {probability: 0}")


def run(*records: tuple[int, list[S]], rules: RuleSet | None = None) -> Written:
    """Records at milliseconds after `NOW`; a flush after each."""
    log: list[Logged] = [(NOW + at, *(bundle(spans) if spans else (b"", b""))) for at, spans in records]
    written = Written()
    worker = Worker(LIMITS, log, written, rules or KEEP_EVERYTHING)
    while worker.feed():
        worker.flush()
    return written


def stored(written: Written) -> list[tuple[int, str, bool]]:
    """Span number, decision and lateness of every row on `spans.v1`, in the order written."""
    return [
        (int.from_bytes(row["span_id"], "big") - 1, row["policy"], row["late"])
        for output in written.outputs
        for table in output.spans
        for row in table.to_pylist()
    ]


def told(written: Written) -> list[dict]:
    return [orjson.loads(line) for output in written.outputs for line in output.traces]


def test_a_dropped_trace_that_fails_late_is_kept_whole():
    root, failed = S(span=0), S(span=1, parent=0, error=True)
    written = run((0, [root]), (150, []), (200, [failed]), (350, []), rules=ERRORS_ONLY)
    assert [(row["revision"], row["decision"], row["error_count"]) for row in told(written)] == [
        (1, "drop", 0),
        (2, "keep", 1),
    ]
    assert stored(written) == [(0, "promoted:errors", False), (1, "promoted:errors", True)]


def test_a_kept_trace_stays_kept_and_only_its_new_spans_are_written():
    root, later = S(span=0, error=True), S(span=1, parent=0)
    written = run((0, [root]), (150, []), (200, [later]), (350, []), rules=ERRORS_ONLY)
    assert [(row["revision"], row["decision"], row["span_count"]) for row in told(written)] == [
        (1, "keep", 1),
        (2, "keep", 2),
    ]
    assert stored(written) == [(0, "errors", False), (1, "errors", True)]


def test_a_span_that_is_sent_again_says_nothing_new():
    root = S(span=0)
    written = run((0, [root]), (150, []), (200, [root]), (350, []))
    assert [row["revision"] for row in told(written)] == [1]
    assert len(stored(written)) == 1


@pytest.mark.parametrize("neighbour", [[], [S(trace=2)]], ids=["alone", "beside one that was drawn"])
def test_a_threshold_that_cannot_be_true_is_erased_whoever_is_in_the_flush(neighbour):
    rules = RuleSet.parse("version: 1\nrules: [{name: errors, keep: error_count > 0}]\ndefault: {probability: 0.999}")
    failed = S(error=True, trace_state="ot=th:fff;rv:c0ffee00facade,vendor=1")
    written = run((0, [failed, *neighbour]), (150, []), rules=rules)
    rows = [row for output in written.outputs for table in output.spans for row in table.to_pylist()]
    assert [row["trace_state"] for row in rows if row["policy"] == "errors"] == ["ot=rv:c0ffee00facade,vendor=1"]


def test_a_straggler_is_stored_and_writes_no_row():
    hour_ms = 3_600_000
    written = run((hour_ms, [S(span=1, parent=0)]), (hour_ms + 300, []))
    assert told(written) == []
    assert stored(written) == [(1, "stale", False)]


def test_an_old_trace_that_comes_with_its_root_is_a_trace_like_any_other():
    hour_ms = 3_600_000
    written = run((hour_ms, [S(span=0), S(span=1, parent=0)]), (hour_ms + 300, []))
    assert [row["complete"] for row in told(written)] == [True]
    assert {policy for _, policy, _ in stored(written)} == {"default"}


def test_what_cannot_be_read_is_set_aside_and_its_neighbours_are_decided():
    value, index = bundle([S(trace=1), S(trace=2)])
    broken = b"\x12\x03\x0a\x05x"
    groups = Group((0, 0), (0, 0), (0, 0), ((b"\x01" * 16, len(value), len(value) + len(broken), 3),))
    log: list[Logged] = [(NOW, value + broken, index + pack_index([groups])[1:]), (NOW + 500, b"", b"")]
    written = Written()
    worker = Worker(LIMITS, log, written)
    while worker.feed():
        worker.flush()
    assert [row["span_count"] for row in told(written)] == [1, 1]
    (undecodable,) = [one for output in written.outputs for one in output.undecodable]
    assert undecodable[0].trace.key == b"\x01" * 16


def test_no_more_is_decoded_at_once_than_there_is_room_for_with_the_resource_of_each_span(monkeypatch):
    monkeypatch.setattr("tracemill.evaluation.items.SLICE_BYTES", 10_000 + 3 * SPAN_BYTES)
    value, index = bundle([S(trace=number) for number in range(8)], resource={"large": "x" * 3_000})
    decided: list[int] = []

    class Watched(RuleBook):
        def judge(self, table, *rest):
            decided.append(table.height)
            return super().judge(table, *rest)

    assembler = Assembler(LIMITS, Memory(LIMITS.memory_horizon_ms), Anchor(0, None, 0))
    assembler.feed_bundle(0, NOW, value, index)
    assembler.feed_tick(1, NOW + 500)
    history = History(LIMITS.memory_horizon_ms)
    (output,) = Flush(Watched(), LIMITS.memory_horizon_ms).run([Batch(0, assembler.take(), history)])
    assert decided == [3, 3, 2]
    assert len(output.traces) == 8


def test_rows_of_decisions_are_in_the_order_of_the_log_whatever_can_be_read():
    """What can't be decoded is decided last, and written where it closed."""
    value, index = bundle([S(trace=2)])
    broken = b"\x12\x03\x0a\x05x"
    groups = Group((0, 0), (0, 0), (0, 0), ((b"\x00\x01" * 8, len(value), len(value) + len(broken), 3),))
    log: list[Logged] = [(NOW, value + broken, index + pack_index([groups])[1:]), (NOW + 500, b"", b"")]
    written = Written()
    worker = Worker(LIMITS, log, written)
    while worker.feed():
        pass
    worker.flush()
    assert [row["trace_id"][:2] for row in written.rows()] == [b"\x00\x01", b"\x00\x02"]

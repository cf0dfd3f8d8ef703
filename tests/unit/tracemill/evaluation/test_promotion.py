"""A dropped trace that somebody wants kept is read again and kept whole; it is shown and never counted."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.builders.bundles import S, bundle, span_id, trace_id
from tests.builders.control import promoted
from tests.builders.partition import Logged, Worker, Written
from tracemill.assembly.trace import Decided, Verdict
from tracemill.config import Assembly
from tracemill.sampling import RuleSet

NOW = 1_760_000_000_000
LIMITS = Assembly(
    quiet_period_ms=100, max_idle_ms=200, max_age_ms=900, late_grace_ms=300, memory_horizon_ms=1_000, carry_after_ms=50
)
RULES = RuleSet.parse("version: 1\nrules: [{name: errors, keep: error_count > 0}]\ndefault: {probability: 0.001}")
ROOT, CHILD, FAILED = S(span=0), S(span=1, parent=0), S(span=2, parent=0, error=True)


def spans(at: int, *some: S) -> Logged:
    return NOW + at, *bundle(some)


def tick(at: int) -> Logged:
    return NOW + at, b"", b""


def run(*log: Logged) -> Written:
    written = Written()
    worker = Worker(LIMITS, list(log), written, RULES)
    while worker.feed():
        worker.flush()
    return written


def rows(written: Written) -> list[tuple[Any, ...]]:
    """Revision, decision, policy, probability and weight of each trace row."""
    names = ("revision", "decision", "policy", "probability", "adjusted_count")
    found = [orjson.loads(line) for output in written.outputs for line in output.traces]
    return [tuple(row[name] for name in names) for row in found]


def stored(written: Written) -> dict[bytes, tuple[str, float]]:
    """Policy and weight of each span, as written last."""
    return {
        row["span_id"]: (row["policy"], row["adjusted_count"])
        for output in written.outputs
        for table in output.spans
        for row in table.to_pylist()
    }


FIRST = (1, "drop", "default", 0.001, 0.0)
BY_HAND = ("promoted:request", 0.001, 0.0)


@pytest.mark.parametrize("later", [150, 900], ids=["while its spans are in memory", "read again from the log"])
def test_a_dropped_trace_is_kept_whole_and_never_counted(later: int) -> None:
    asked = promoted(NOW + later)
    written = run(spans(0, ROOT, CHILD), tick(120), asked, tick(later + 110))
    assert rows(written) == [FIRST, (2, "keep", *BY_HAND)]
    assert stored(written) == {span_id(0): ("promoted:request", 0.0), span_id(1): ("promoted:request", 0.0)}


def test_one_that_is_still_open_is_kept_when_it_closes() -> None:
    assert rows(run(spans(0, CHILD), promoted(NOW + 10), spans(20, ROOT), tick(200))) == [(1, "keep", *BY_HAND)]


def test_one_that_was_kept_stays_as_it_is() -> None:
    written = run(spans(0, ROOT, FAILED), tick(120), promoted(NOW + 150), tick(300))
    assert rows(written) == [(1, "keep", "errors", 1.0, 1.0)]
    assert [row["revision"] for row in written.rows() if row["row"] == "decided"] == [1, 1]


def test_a_rule_that_always_keeps_it_later_makes_it_count() -> None:
    written = run(spans(0, ROOT), tick(120), promoted(NOW + 150), tick(300), spans(320, FAILED), tick(500))
    assert rows(written) == [FIRST, (2, "keep", *BY_HAND), (3, "keep", "errors", 1.0, 1.0)]
    assert stored(written) == {span_id(0): ("errors", 1.0), span_id(2): ("errors", 1.0)}


def test_late_spans_of_one_follow_it() -> None:
    written = run(spans(0, ROOT), tick(120), promoted(NOW + 150), tick(300), spans(320, CHILD), tick(500))
    assert rows(written)[2] == (3, "keep", *BY_HAND)
    assert stored(written)[span_id(1)] == ("promoted:request", 0.0)


def test_one_that_nobody_ever_heard_of_stays_unknown() -> None:
    written = run(promoted(NOW), tick(500))
    assert (rows(written), written.rows()) == ([], [])
    assert written.commit == 2


def test_one_that_comes_soon_after_is_kept() -> None:
    asked = [promoted(NOW), promoted(NOW + 1, why="again")]
    written = run(*asked, spans(150, CHILD), spans(160, ROOT), tick(300))
    assert rows(written) == [(1, "keep", *BY_HAND)]
    assert {row["opened_at"] for row in written.rows()} == {NOW + 150}


def test_one_that_comes_when_nobody_waits_for_it_any_longer_is_decided_as_any_other() -> None:
    assert rows(run(promoted(NOW), spans(LIMITS.max_idle_ms, ROOT, CHILD), tick(400))) == [FIRST]
    assert rows(run(promoted(NOW), spans(LIMITS.max_idle_ms - 1, ROOT, CHILD), tick(400))) == [(1, "keep", *BY_HAND)]


@pytest.mark.parametrize("read", [1, 2, 3, 4])
def test_what_is_awaited_outlives_the_worker_that_read_it(read: int) -> None:
    """Alone, with its trace, and once that is carried."""
    log = [promoted(NOW), spans(20, CHILD), tick(80), tick(90), tick(300)]
    written = Written()
    worker = Worker(LIMITS, log, written, RULES)
    for _ in range(read):
        worker.feed()
        worker.flush()
    assert written.commit == (0 if read < 3 else read)
    after = Worker(LIMITS, log, written, RULES)
    while after.feed():
        after.flush()
    assert rows(written) == [(1, "keep", *BY_HAND)]


def test_one_that_is_forgotten_is_known_from_the_request() -> None:
    verdict = Verdict(False, "default", 0.001, 0.0, RULES.digest)
    known = Decided(trace_id(1) + b"default", NOW, NOW + 100, [0], 0, True, None, 2, 60, 1, verdict)
    written = run(spans(0, ROOT, CHILD), tick(120), promoted(NOW + 5_000, known=known), tick(5_200))
    assert rows(written) == [FIRST, (2, "keep", *BY_HAND)]
    assert stored(written).keys() == {span_id(0), span_id(1)}


def test_one_of_which_the_log_has_nothing_left_stays_what_it_was() -> None:
    verdict = Verdict(False, "default", 0.001, 0.0, RULES.digest)
    known = Decided(trace_id(1) + b"default", NOW, NOW + 100, [0], 0, True, None, 2, 60, 3, verdict)
    written = run(tick(0), promoted(NOW + 10, known=known), tick(200))
    assert (rows(written), stored(written)) == ([], {})
    (row,) = (row for row in written.rows() if row["row"] == "decided")
    assert (row["keep"], row["revision"], row["policy"]) == (False, 3, "default")


def test_a_request_outlives_the_worker_that_read_it() -> None:
    """The trace is carried, and the commit has passed the record of the request."""
    log = [spans(0, CHILD), promoted(NOW + 10), tick(70), tick(80), tick(300)]
    written = Written()
    worker = Worker(LIMITS, log, written, RULES)
    for _ in range(4):
        worker.feed()
        worker.flush()
    assert written.commit == 4
    after = Worker(LIMITS, log, written, RULES)
    while after.feed():
        after.flush()
    assert rows(written) == [(1, "keep", *BY_HAND)]


def test_what_only_the_request_knows_outlives_the_worker_that_read_it() -> None:
    """The commit waits for it, however long it stays open: nobody else could tell what was decided."""
    verdict = Verdict(False, "default", 0.001, 0.0, RULES.digest)
    known = Decided(trace_id(1) + b"default", NOW, NOW + 100, [0], 0, True, None, 2, 60, 1, verdict)
    log = [spans(0, ROOT, CHILD), tick(120), promoted(NOW + 5_000, known=known), tick(5_060), tick(5_070), tick(5_300)]
    written = Written()
    worker = Worker(LIMITS, log, written, RULES)
    for _ in range(5):
        worker.feed()
        worker.flush()
    assert written.commit == 2
    after = Worker(LIMITS, log, written, RULES)
    while after.feed():
        after.flush()
    assert rows(written) == [FIRST, (2, "keep", *BY_HAND)]

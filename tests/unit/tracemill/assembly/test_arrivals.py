"""Every chunk of a record goes to its trace, once, whoever sent it and in however many groups it stands."""

from __future__ import annotations

import pytest

from tests.builders.bundles import S, bundle, trace_id
from tests.builders.traces import anchor
from tracemill import bundles
from tracemill.assembly import arrivals
from tracemill.assembly.arrivals import Arrivals
from tracemill.assembly.awaited import Awaited
from tracemill.assembly.holds import Holds
from tracemill.assembly.memory import Memory
from tracemill.assembly.recent import Recent
from tracemill.assembly.sizes import CHUNK_BYTES, OPEN_BYTES
from tracemill.assembly.trace import OpenTrace
from tracemill.config import Assembly


class Partition:
    """Arrivals and what they stand on."""

    def __init__(self) -> None:
        self.recent, self.holds = Recent(Assembly(), Memory(1)), Holds(30_000)
        self.arrivals = Arrivals(self.recent, self.holds, Awaited(30_000, self.holds))

    def take(self, offset: int, *spans: S, tenant: str = "default", twice: bool = False) -> list[OpenTrace]:
        """A record of one group, or of that group twice."""
        value, index = bundle(spans, tenant)
        groups = [group for _ in range(1 + twice) for group in bundles.read_index(index, len(value))]
        return self.arrivals.take(anchor(offset), offset, value, groups)

    def close(self, trace: OpenTrace, at: int) -> None:
        self.arrivals.close(trace)
        self.recent.close(trace, at)


def test_chunks_of_one_trace_in_one_record_are_one_arrival() -> None:
    partition = Partition()
    (trace,) = partition.take(3, S(span=0), S(span=1, parent=0), twice=True)
    assert (trace.records, trace.times, trace.spans, trace.rooted) == ([3], [3], 4, True)
    assert trace.span_bytes == sum(len(piece[0]) for piece in trace.pieces)
    senders = sum(len(piece[1].resource) + len(piece[1].scope) for piece in trace.pieces)
    assert trace.sizes == [trace.size] == [OPEN_BYTES + 2 * CHUNK_BYTES + trace.span_bytes + senders]
    assert partition.arrivals.held_bytes == trace.size
    assert trace.pieces[0][1] is trace.pieces[1][1]


def test_traces_are_told_apart_by_their_tenants_and_come_in_order_of_appearance() -> None:
    partition = Partition()
    partition.take(0, S(trace=2), tenant="other")
    touched = partition.take(1, S(trace=2), S(trace=1))
    assert [trace.key for trace in touched] == [trace_id(2) + b"default", trace_id(1) + b"default"]
    assert [trace.records for trace in touched] == [[1], [1]]
    assert len(partition.arrivals) == 3


def test_a_tenant_that_is_no_text_is_refused_and_nothing_of_its_record_is_taken() -> None:
    partition = Partition()
    (first, index), (other, other_index) = bundle([S(trace=1)], "acme"), bundle([S(trace=2)], "zeta")
    value = first + other.replace(b"zeta", b"ze\xffa")
    second = [bundles.pack_group(group, len(first)) for group in bundles.read_index(other_index, len(other))]
    groups = [*bundles.read_index(index, len(first)), *bundles.read_index(bundles.join_index(second), len(value))]
    for _ in range(2):  # it isn't remembered as a good one either
        with pytest.raises(bundles.BundleError, match="the name of its tenant isn't text"):
            partition.arrivals.take(anchor(0), 0, value, groups)
    assert (len(partition.arrivals), partition.arrivals.held_bytes, partition.holds.release([])) == (0, 0, None)


def test_an_open_trace_is_extended_and_holds_only_its_first_record() -> None:
    partition = Partition()
    (trace,) = partition.take(0, S(span=1, parent=0))
    assert partition.take(4, S(span=0)) == [trace]
    assert (trace.records, trace.first_at, trace.last_at, trace.rooted) == ([0, 4], 0, 4, True)
    assert partition.holds.release([]) == anchor(0)


def test_a_record_that_was_decided_with_its_trace_is_passed_over_and_a_later_one_continues_it() -> None:
    partition = Partition()
    (first,) = partition.take(5, S(span=0))
    partition.close(first, 6)
    assert (len(partition.arrivals), partition.arrivals.held_bytes) == (0, 0)
    assert partition.take(4, S(span=0)) == partition.take(5, S(span=0)) == []
    (again,) = partition.take(7, S(span=1, parent=0))
    assert again.before is not None
    assert (again.opened_at, again.first_at, again.rooted, again.records) == (5, 7, True, [7])


def test_senders_that_are_not_seen_again_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "_SENDERS_BYTES", 3 * OPEN_BYTES)
    partition = Partition()
    (first,) = partition.take(0, S(trace=1))
    (again,) = partition.take(1, S(trace=2))
    assert again.pieces[0][1] is first.pieces[0][1]
    for number in range(5):
        partition.take(2 + number, S(trace=3 + number), tenant=f"t{number}")
    (later,) = partition.take(7, S(trace=9))
    assert later.pieces[0][1] is not first.pieces[0][1]
    assert later.pieces[0][1] == first.pieces[0][1]

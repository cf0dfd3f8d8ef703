"""What does a request look like before it has ids and times? Spans with zeros, and where what changes lies."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from loadtest.content import Content
from loadtest.identity import PHANTOM, Numbers, parent_numbers
from loadtest.workload import Workload, cells, is_rootless
from tracemill.otlp.wire import varint

_LEAD_NS: Final = 20_000_000
"""How long before its first child an agent's root begins."""
_IDS: Final = b"\x0a\x10" + bytes(16) + b"\x12\x08" + bytes(8)
_PARENT: Final = b"\x22\x08" + bytes(8)
_TIMES: Final = b"\x39" + bytes(8) + b"\x41" + bytes(8)
_TRACE_ID_AT: Final = 2
_SPAN_ID_AT: Final = 20
_PARENT_ID_AT: Final = 30


@dataclass(frozen=True, slots=True)
class Template:
    """Spans in a buffer of their own. All arrays have one entry a span, `counts` one a section.

    `bodies`: where a span begins, behind its tag and length. `times`: where its start time lies (the end lies 9
    further on). `parents`: the parent's number, -1 for a root. The `_at` arrays show the buffer as values that may
    begin at any byte; indexed with `bodies` (`time_at` with `times`) they are what is to be patched.
    """

    data: npt.NDArray[np.uint8]
    slots: Numbers
    numbers: Numbers
    bodies: Numbers
    times: Numbers
    parents: Numbers
    durations_ns: Numbers
    counts: Numbers
    trace_id_at: npt.NDArray[Any] = dataclasses.field(init=False)
    span_id_at: npt.NDArray[Any] = dataclasses.field(init=False)
    parent_id_at: npt.NDArray[Any] = dataclasses.field(init=False)
    time_at: npt.NDArray[Any] = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "trace_id_at", _windows(self.data, _TRACE_ID_AT, 16))
        object.__setattr__(self, "span_id_at", _windows(self.data, _SPAN_ID_AT, 8))
        object.__setattr__(self, "parent_id_at", _windows(self.data, _PARENT_ID_AT, 8))
        object.__setattr__(self, "time_at", _windows(self.data, 0, 8))


def _windows(data: npt.NDArray[np.uint8], offset: int, width: int) -> npt.NDArray[Any]:
    """The bytes at every position, `offset` further on, as values of `width` bytes that overlap."""
    count = max(len(data) - offset - width + 1, 0)
    return np.ndarray((count,), dtype=f"V{width}", buffer=data, offset=offset if count else 0, strides=(1,))


def template(workload: Workload, block: list[list[Content]], variant: int, piece: int, traces: int) -> Template:
    """One piece of the first `traces` traces of a block whose content is given by slot and span number."""
    slots, numbers = cells(workload, variant, piece)
    slots, numbers = slots[slots < traces], numbers[slots < traces]
    parents = parent_numbers(numbers, workload.spans_per_trace)
    parents[(parents < 0) & is_rootless(workload, variant, slots)] = PHANTOM
    data, bodies, times = bytearray(), [], []
    for slot, number, parent in zip(slots.tolist(), numbers.tolist(), parents.tolist(), strict=True):
        body, times_at = _span(block[slot][number], parent >= 0)
        data += b"\x12" + varint(len(body))
        bodies.append(len(data))
        times.append(len(data) + times_at)
        data += body
    return Template(
        data=np.frombuffer(data, dtype=np.uint8),
        slots=slots,
        numbers=numbers,
        bodies=np.array(bodies, dtype=np.int64),
        times=np.array(times, dtype=np.int64),
        parents=parents,
        durations_ns=_durations(block)[slots, numbers],
        counts=np.array([len(slots)]),
    )


def joined(templates: list[Template]) -> Template:
    """Templates one behind the other, in a buffer of their own."""
    ends = np.cumsum([0, *(len(each.data) for each in templates)])
    shifts = list(zip(templates, ends.tolist(), strict=False))
    nothing = np.empty(0, dtype=np.int64)
    return Template(
        data=np.concatenate([np.empty(0, dtype=np.uint8), *(each.data for each in templates)]),
        slots=np.concatenate([nothing, *(each.slots for each in templates)]),
        numbers=np.concatenate([nothing, *(each.numbers for each in templates)]),
        bodies=np.concatenate([nothing, *(each.bodies + shift for each, shift in shifts)]),
        times=np.concatenate([nothing, *(each.times + shift for each, shift in shifts)]),
        parents=np.concatenate([nothing, *(each.parents for each in templates)]),
        durations_ns=np.concatenate([nothing, *(each.durations_ns for each in templates)]),
        counts=np.concatenate([nothing, *(each.counts for each in templates)]),
    )


def _span(content: Content, parent: bool) -> tuple[bytes, int]:
    """A span's bytes with zeros for ids and times, fields in the order of their numbers; and where its start lies."""
    front = _IDS + (_PARENT if parent else b"") + content.head
    return front + _TIMES + content.tail, len(front) + 1


def _durations(block: list[list[Content]]) -> Numbers:
    """How long each span takes, by slot and number; for a root how long before its block's opening it begins."""
    lengths = [[content.duration_ns for content in trace] for trace in block]
    for trace in lengths:
        trace[-1] = max(trace) + _LEAD_NS
    return np.array(lengths, dtype=np.int64)

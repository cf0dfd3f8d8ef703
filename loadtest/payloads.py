"""What are the bytes of a request? Pre-built spans whose ids and times are patched in place.

A span is written once a process with zeros for its ids and times, at offsets that are noted; a request patches the
template of its sections (numpy, no Python a span) and puts it behind a resource and a scope.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Final

import numpy as np

from loadtest.content import SERVICES, Content, Writer, resource, scope
from loadtest.identity import Numbers, span_ids, trace_ids
from loadtest.templates import Template, joined, template
from loadtest.workload import VARIANTS, Section, Workload, sections
from tracemill.otlp.wire import field, varint

_APART_NS: Final = 100_000
"""How much earlier than the next one a span ends."""
_REMEMBERED_BLOCKS: Final = 64

_Key = tuple[tuple[int, int, int], ...]
"""Variant, piece and traces of each section."""


class Payloads:
    """The requests of one workload. Safe to share between threads."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self._blocks = _contents(workload)
        self._headers = tuple((field(1, resource(service)), field(1, scope())) for service in SERVICES)
        self._templates: dict[_Key, Template] = {}
        self._opened_ns: dict[int, int] = {}
        self._lock = threading.Lock()

    def cut(self, blocks: int) -> None:
        """Make the workload end after so many blocks, or leave it if it has fewer."""
        traces = min(self.workload.traces, blocks * self.workload.block_traces)
        self.workload = replace(self.workload, traces=traces)

    def spans(self, request: int) -> int:
        """How many spans a request carries."""
        with self._lock:
            return len(self._template(list(sections(self.workload, request))).numbers)

    def build(self, request: int, now_ns: int) -> tuple[bytes, int]:
        """A serialized ExportTraceServiceRequest and its number of spans; empty where the request carries nothing."""
        of_resource, of_scope = self._headers[request % len(self._headers)]
        with self._lock:
            filled, traces = self._fill(request, now_ns)
            if not len(traces):
                return b"", 0
            inner = len(of_scope) + len(filled.data)
            scoped = b"\x12" + varint(inner) + of_scope
            size = varint(len(of_resource) + len(scoped) + len(filled.data))
            return b"".join([b"\x0a", size, of_resource, scoped, filled.data.data]), len(traces)

    def _fill(self, request: int, now_ns: int) -> tuple[Template, Numbers]:
        """The request's template with its ids and times in it, and the trace number of each span."""
        carried = list(sections(self.workload, request))
        blank = self._template(carried)
        opened = np.array([self._opened(section.block, now_ns) for section in carried], dtype=np.int64)
        firsts = np.array([section.block for section in carried], dtype=np.int64) * self.workload.block_traces
        traces = np.repeat(firsts, blank.counts) + blank.slots
        _patch(blank, self.workload, traces, np.repeat(opened, blank.counts), now_ns)
        return blank, traces

    def _template(self, carried: list[Section]) -> Template:
        key = tuple((section.block % VARIANTS, section.piece, section.traces) for section in carried)
        if key not in self._templates:
            made = [template(self.workload, self._blocks[variant], variant, *rest) for variant, *rest in key]
            self._templates[key] = joined(made)
        return self._templates[key]

    def _opened(self, block: int, now_ns: int) -> int:
        """When the first piece of a block was built."""
        if block not in self._opened_ns:
            self._opened_ns[block] = now_ns
            self._opened_ns.pop(block - self.workload.delays[-1] - _REMEMBERED_BLOCKS, None)
        return self._opened_ns[block]


def _patch(blank: Template, workload: Workload, traces: Numbers, opened_ns: Numbers, now_ns: int) -> None:
    """Write ids and times. A root spans its block's life, a child ends now."""
    numbers, root = blank.numbers, workload.spans_per_trace - 1
    blank.trace_id_at[blank.bodies] = trace_ids(workload.seed, traces).view("V16")[:, 0]
    blank.span_id_at[blank.bodies] = span_ids(workload.seed, traces, numbers).view("V8")[:, 0]
    children = blank.parents >= 0
    parents = span_ids(workload.seed, traces[children], blank.parents[children])
    blank.parent_id_at[blank.bodies[children]] = parents.view("V8")[:, 0]
    ends = now_ns - (root - numbers) * _APART_NS
    starts = np.where(numbers == root, opened_ns, ends) - blank.durations_ns
    blank.time_at[blank.times] = starts.astype("<u8").view("V8")
    blank.time_at[blank.times + 9] = ends.astype("<u8").view("V8")


def _contents(workload: Workload) -> list[list[list[Content]]]:
    """The content of each variant's spans, by slot of the trace and number of the span."""
    writer = Writer(workload.seed, workload.profile == "fat", time.time_ns())
    variants = min(VARIANTS, max(workload.blocks, 1))
    return [[writer.trace(workload.spans_per_trace) for _ in range(workload.block_traces)] for _ in range(variants)]

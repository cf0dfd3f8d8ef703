"""Floods: records of every sort that takes far more memory than its bytes say, and what a partition takes for them.

    python -m tests.builders.floods KIND

prints a JSON object: the partition's budget, the memory that its open traces count, and what the process took for them.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable, Iterator

import psutil

from tests.builders.bundles import S, bundle
from tracemill.assembly.assembler import Assembler
from tracemill.assembly.memory import Memory
from tracemill.assembly.trace import Anchor
from tracemill.config import Assembly

NOW_MS = 1_760_000_000_000
BUDGET_BYTES = 32 * 1024 * 1024
RECORDS = 40_000
"""More than any kind needs to use the budget up."""

Bundle = tuple[bytes, bytes]


def rootless() -> Iterator[Bundle]:
    """Traces of one small span each, none of which is a root."""
    for number in range(RECORDS):
        yield bundle([S(trace=number, span=number, parent=1, name="")])


def scattered() -> Iterator[Bundle]:
    """A few traces whose spans come one by one."""
    for number in range(RECORDS * 4):
        yield bundle([S(trace=number % 50, span=number, parent=1, name="")])


def senders() -> Iterator[Bundle]:
    """Each span from a process of its own, which says a great deal of itself."""
    for number in range(RECORDS):
        yield bundle([S(trace=number, parent=1)], resource={"process.command_args": f"{number} " * 1_000})


def large() -> Iterator[Bundle]:
    """Spans of 2 MiB."""
    text = "x" * (2 * 1024 * 1024 - 1_000)
    for number in range(100):
        yield bundle([S(trace=number, parent=1, attributes={"gen_ai.input.messages": text})])


KINDS: dict[str, Callable[[], Iterator[Bundle]]] = {
    flood.__name__: flood for flood in (rootless, scattered, senders, large)
}


def measure(kind: str) -> dict[str, int]:
    """Feed a partition until it has closed something for memory; what it took then."""
    limits = Assembly(partition_bytes=BUDGET_BYTES, max_trace_bytes=BUDGET_BYTES)
    assembler = Assembler(limits, Memory(limits.memory_horizon_ms), Anchor(0, None, 0))
    assembler.feed_bundle(0, NOW_MS, *next(KINDS[kind]()))
    before, records = _resident_bytes(), 0
    for records, record in enumerate(KINDS[kind](), start=1):
        assembler.feed_bundle(records, NOW_MS, *record)
        if assembler.take():
            break
    return {
        "budget_bytes": BUDGET_BYTES,
        "held_bytes": assembler.held_bytes,
        "resident_bytes": _resident_bytes() - before,
        "records": records,
        "open": assembler.open_count,
    }


def _resident_bytes() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(sys.argv[1])))

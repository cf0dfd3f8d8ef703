"""How much memory does a span take while its trace is open? Resident bytes of an assembler that closes nothing.

python -m loadtest.held
"""

from __future__ import annotations

import gc
from typing import Annotated

import psutil
import typer

from loadtest.bundling import Bundler, Record
from loadtest.payloads import Payloads
from loadtest.workload import Workload, profile_named
from tracemill.assembly.assembler import Assembler
from tracemill.assembly.memory import Memory
from tracemill.assembly.trace import Anchor
from tracemill.config import Assembly

PARTITIONS = 8
START_MS = 1_760_000_000_000


def records(workload: Workload) -> list[Record]:
    """The records of a workload, of four requests each."""
    payloads, bundler, found = Payloads(workload), Bundler(PARTITIONS, "default"), []
    for request in range(workload.requests):
        bundler.add(payloads.build(request, START_MS * 1_000_000)[0])
        found += bundler.take(everything=request % 4 == 3 or request == workload.requests - 1)
    return found


def main(
    spans: Annotated[int, typer.Option(help="How many spans.")] = 400_000,
    profile: Annotated[str, typer.Option(help="lean or fat.")] = "lean",
) -> None:
    """Print bytes on the wire, resident bytes and their ratio, a held span."""
    workload = Workload(7, -(-spans // 8), profile_named(profile))
    limits = Assembly(partition_bytes=1 << 40)
    assemblers = [Assembler(limits, Memory(1), Anchor(0, None, 0)) for _ in range(PARTITIONS)]
    read = records(workload)
    process = psutil.Process()
    gc.collect()
    before, offsets = process.memory_info().rss, [0] * PARTITIONS
    for place, record in enumerate(read):
        # A worker gets its records as bytes of their own, and drops them.
        value = bytes(bytearray(record.value))
        assemblers[record.partition].feed_bundle(offsets[record.partition], START_MS, value, record.header)
        offsets[record.partition] += 1
        read[place] = Record(0, b"", record.header)
        del record, value
    gc.collect()
    held = sum(assembler.held_bytes for assembler in assemblers)
    resident = process.memory_info().rss - before + held
    print(
        f"spans={workload.spans} traces={sum(assembler.open_count for assembler in assemblers)} "
        f"wire_bytes={held / workload.spans:.0f} resident_bytes={resident / workload.spans:.0f} "
        f"ratio={resident / held:.2f}"
    )


if __name__ == "__main__":
    typer.run(main)

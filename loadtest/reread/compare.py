"""Did several runs write the same to their topics? Partition by partition: digests first, details where they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from loadtest.reread import ordered
from loadtest.reread.differences import Difference
from loadtest.reread.digest import Summary
from loadtest.reread.log import Offsets
from loadtest.reread.plan import Run
from loadtest.reread.records import Records
from loadtest.reread.replay import Say
from loadtest.reread.report import Compared
from loadtest.reread.unordered import SpanRows, TraceRows, Unordered
from tracemill import topics


class Way(NamedTuple):
    """How a topic is compared, from the values of a partition's records and the offset of the cut."""

    topic: topics.Topic
    summary: Callable[[Iterable[bytes], int], Summary]
    difference: Callable[[Iterable[bytes], Iterable[bytes], int], Difference | None]


_TRACES: Final = Unordered(TraceRows())
_SPANS: Final = Unordered(SpanRows())
WAYS: Final = (
    Way(topics.DECISIONS, ordered.summary, ordered.difference),
    Way(topics.TRACES, _TRACES.summary, _TRACES.difference),
    Way(topics.SPANS, _SPANS.summary, _SPANS.difference),
)


def compare(runs: Sequence[Run], cut: Offsets, say: Say) -> Iterator[Compared]:
    """What each run wrote about what records before the cut caused."""
    for way in WAYS:
        say(f"comparing {way.topic.short}")
        for partition, end in enumerate(cut):
            yield _compared(way, partition, end, runs)


def _compared(way: Way, partition: int, end: int, runs: Sequence[Run]) -> Compared:
    written = [Records(run.config.kafka, way.topic.name(run.output), partition) for run in runs]
    summaries = [way.summary(records, end) for records in written]
    found = {
        number: way.difference(written[0], written[number], end)
        for number, summary in enumerate(summaries)
        if summary != summaries[0]
    }
    differences = {number: difference for number, difference in found.items() if difference is not None}
    return Compared(way.topic.short, partition, summaries, differences)

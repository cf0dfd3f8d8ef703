"""What does a worker count? How its partitions are at this moment is asked at each scrape: see `streams.gauges`.

Nothing is counted a span: spans are added up by record and by flush. Labels have closed sets, and begin at 0.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable
from typing import Final

from prometheus_client import Counter, Histogram

from runtime.bulk import BulkHistogram
from tracemill.assembly.assembler import Assembler
from tracemill.assembly.trace import ClosedBy, Closing, Event
from tracemill.errors import Reason
from tracemill.evaluation.output import Output

RECORDS: Final = Counter("tracemill_streams_records", "Records of otlp.v1 taken, by kind.", ["type"])
READ_BACK: Final = Counter("tracemill_streams_records_read_back", "Records read again for late spans.")
RECORDS_LOST: Final = Counter(
    "tracemill_streams_records_lost", "Records that were gone from the log before anyone had read them."
)
TRACES_LOST: Final = Counter(
    "tracemill_streams_traces_lost", "Open traces of which a takeover found nothing in the log any longer."
)
CLOSED: Final = Counter("tracemill_streams_traces_closed", "Traces closed, also again for late spans.", ["closed_by"])
DECISIONS: Final = Counter("tracemill_streams_decisions", "Traces decided for the first time.", ["decision", "policy"])
LATE_TRACES: Final = Counter(
    "tracemill_streams_late_traces", "Traces closed again, with spans that came after their decision."
)
REVISIONS: Final = Counter("tracemill_streams_revisions", "Late traces announced again, with a higher revision.")
PROMOTIONS: Final = Counter("tracemill_streams_promotions", "Revisions by which a dropped trace is kept.")
SPANS: Final = Counter("tracemill_streams_spans", "Spans of closed traces, repeated ones among them.")
REPEATED_SPANS: Final = Counter("tracemill_streams_repeated_spans", "Of those, spans that had come before.")
LATE_SPANS: Final = Counter("tracemill_streams_late_spans", "Of those, spans of traces that were decided before.")
SPANS_WRITTEN: Final = Counter("tracemill_streams_spans_written", "Rows written to spans.v1.")
DEAD_LETTERS: Final = Counter("tracemill_streams_dead_letters", "What could not be read, by reason.", ["reason"])
TICKS: Final = Counter("tracemill_streams_ticks", "Ticks appended to otlp.v1.")
COMMIT_RETRIES: Final = Counter("tracemill_streams_commit_retries", "Commits that Kafka didn't take and got again.")
FLUSH_SECONDS: Final = Histogram(
    "tracemill_streams_flush_duration_seconds",
    "Of a flush that had something to decide, up to its commit.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
TAKEOVER_SECONDS: Final = Histogram(
    "tracemill_streams_takeover_duration_seconds",
    "From being given a partition to reading it.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
DECISION_SECONDS: Final = BulkHistogram(
    "tracemill_streams_decision_latency_seconds",
    "From when a trace was due to the acknowledgement of its decision.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900),
)

POLICIES: Final = 256
"""Operators name policies: of one rule set all are told apart, of endlessly many the later ones are `other`."""
OTHER: Final = "other"

for _reason in (
    Reason.NOT_A_BUNDLE,
    Reason.NOT_A_BLOCK,
    Reason.UNDECODABLE,
    Reason.UNKNOWN_TYPE,
    Reason.UNKNOWN_RULES,
    Reason.MALFORMED,
    Reason.KILLED_WORKER,
):
    DEAD_LETTERS.labels(_reason)
for _closed_by in ClosedBy:
    CLOSED.labels(_closed_by)

_policies: set[str] = set()


def count(output: Output) -> None:
    """What a flush decided in one partition."""
    first: Tally[tuple[bool, str]] = Tally()
    for closing in output.told:
        before, verdict = closing.trace.before, closing.decided.verdict
        if verdict is None:
            continue
        if before is None:
            first[verdict.keep, verdict.policy] += 1
        else:
            LATE_TRACES.inc()
            LATE_SPANS.inc(closing.trace.spans)
            REVISIONS.inc(closing.decided.revision - before.revision)
            PROMOTIONS.inc(verdict.keep and before.verdict is not None and not before.verdict.keep)
    for (keep, policy), decided in first.items():
        DECISIONS.labels("keep" if keep else "drop", _bounded(policy)).inc(decided)
    for reason, closed in Tally(closing.closed_by for closing in output.told).items():
        CLOSED.labels(reason).inc(closed)
    SPANS.inc(sum(closing.trace.spans for closing in output.told))
    SPANS_WRITTEN.inc(sum(len(table) for table in output.spans))
    REPEATED_SPANS.inc(output.repeated)


def decided(assembler: Assembler, events: Iterable[Event], now_ms: float) -> None:
    """These closings of a partition are written down: how long they had been due, by the broker's clock."""
    # Log time is ahead of append times by what they stepped back.
    ahead_ms = assembler.now_ms - assembler.append_ms
    due = [event.closed_at - ahead_ms for event in events if isinstance(event, Closing)]
    DECISION_SECONDS.observe([max(0.0, now_ms - due_ms) / 1000 for due_ms in due])


def _bounded(policy: str) -> str:
    if policy not in _policies:
        if len(_policies) >= POLICIES:
            return OTHER
        _policies.add(policy)
    return policy

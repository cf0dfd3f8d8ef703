"""How is a chaos run told? A row a run in docs/guarantees.md, and everything on the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from loadtest.chaos.run import Outcome
from loadtest.chaos.storm import Struck

HEAD: Final = (
    "seconds",
    "seed",
    "faults",
    "acknowledged spans",
    "sent again",
    "traces kept / dropped",
    "revisions compared",
    "lost",
    "counted twice",
    "half kept",
    "rows unlike their spans",
    "decided otherwise",
)
_LOST: Final = ("undecided_traces", "traces_counted_short", "missing_spans")
_TWICE: Final = ("traces_counted_over", "spans_counted_twice", "duplicate_rows")


def cells(outcome: Outcome) -> tuple[str, ...]:
    """A run's row of the table whose head is `HEAD`."""
    ledger, verdict = outcome.ledger, outcome.ledger.acknowledged
    wrong = {findings.check: findings for findings in ledger.checks}
    kept = wrong["kept traces"].counts
    return (
        f"{outcome.seconds:.0f}",
        str(outcome.seed),
        faults_in_words(outcome.faults),
        f"{verdict.acknowledged_spans:,}",
        f"{outcome.sent.total('retries'):,}",
        f"{verdict.kept_traces:,} / {verdict.dropped_traces:,}",
        f"{ledger.revisions:,}",
        str(sum(verdict.faults[name] for name in _LOST) + kept["lost"]),
        str(sum(verdict.faults[name] for name in _TWICE) + kept["spans stored twice"] + wrong["signals"].total),
        str(kept["half kept"] + kept["stored though dropped"] + verdict.faults["dropped_traces_stored"]),
        str(wrong["rows against their spans"].total + wrong["trace rows"].total),
        str(wrong["decisions"].total + verdict.faults["contradicted_traces"]),
    )


def faults_in_words(faults: Sequence[Struck]) -> str:
    """How many of each kind there were; those that couldn't be brought about apart."""
    counts = Counter(
        f"{struck.fault.kind} (skipped)"
        if any(note.startswith("skipped") for note in struck.notes)
        else struck.fault.kind
        for struck in faults
    )
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))


def lines(outcome: Outcome) -> Iterator[str]:
    """Everything: each fault, and what every check looked at and found."""
    yield markdown_row(("began", "fault", "lasted", "ready after", "seen"))
    yield markdown_row(("--:", ":--", "--:", "--:", ":--"))
    for struck in outcome.faults:
        yield markdown_row(_fault_cells(struck))
    yield ""
    verdict = outcome.ledger.acknowledged
    yield f"acknowledged spans: {verdict.acknowledged_spans:,}: {_wrong(verdict.faults)}"
    for findings in outcome.ledger.checks:
        yield f"{findings.check}: {findings.looked_at:,} compared: {_wrong(findings.counts)}"
        for what, examples in findings.examples.items():
            yield from (f"    {what}: {example}" for example in examples)
    yield f"closed by: {_counted(outcome.ledger.closed_by)}; decided by: {_counted(outcome.ledger.policies)}"


def _fault_cells(struck: Struck) -> tuple[str, ...]:
    fault = struck.fault
    return (
        f"{struck.began_s:.1f} s",
        f"{fault.kind} {fault.target}",
        f"{struck.ended_s - struck.began_s:.1f} s" if fault.lasts_s else "",
        "never" if struck.ready_after_s is None else f"{struck.ready_after_s:.1f} s",
        "; ".join(struck.notes),
    )


def _wrong(counts: dict[str, int]) -> str:
    return _counted({name: count for name, count in counts.items() if count}) or "nothing wrong"


def _counted(counts: object) -> str:
    assert isinstance(counts, dict)
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))


def markdown_row(row: Sequence[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(row)} |"

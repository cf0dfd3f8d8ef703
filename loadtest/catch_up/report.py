"""How is it told how fast it was caught up? Tables for the terminal, and a section of docs/endurance.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from loadtest.accounting import OTHERS
from loadtest.catch_up.outcome import Outcome
from loadtest.freshness import Freshness
from loadtest.marked import rewrite
from loadtest.report import Row, ledger, markdown, number

BEGIN: Final = "<!-- the last catching up, written by make catch-up -->"
END: Final = "<!-- end of the catching up -->"
BOUND_SPANS_PER_S: Final = 15_000
"""Decided while catching up, at least."""


def write_section(page: Path, outcome: Outcome) -> None:
    """Put a run between the marks of a page, in place of the one before.

    Raises:
        ValueError: the page has no such marks.
    """
    rewrite(page, BEGIN, END, lambda _: "\n" + "\n".join(lines(outcome)) + "\n")


def lines(outcome: Outcome) -> Iterator[str]:
    """Everything but what was seen moment by moment."""
    yield from _facts(outcome)
    yield from ("", *markdown([*_course(outcome)]))
    yield from ("", *markdown([*_parts(outcome)]))
    yield from ("", *markdown([*_freshness(outcome)]))


def _facts(outcome: Outcome) -> Iterator[str]:
    plan, found = outcome.plan, outcome.phases
    yield (
        f"- streams down for {found.back_s - found.down_s:.0f} s at {plan.rate:,.0f} spans/s over HTTP and gRPC; "
        f"{outcome.kept_away}"
    )
    yield (
        f"- {outcome.spans:,} spans sent in all, {outcome.retries} requests again, {outcome.not_acknowledged} never "
        f"acknowledged; all decided and stored {outcome.quiet_after_s:.0f} s after the end of the load"
    )
    if outcome.verdict:
        yield (
            f"- {outcome.verdict.acknowledged_traces:,} traces, {outcome.verdict.kept_traces:,} of them kept; ledger: "
            f"{ledger([outcome.verdict])}"
        )
    yield f"- closed by, before: {_shares(found.before.counts.closed)}; while it caught up: {_shares(found.closed)}"
    yield "- " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in outcome.machine.items())


def _shares(closed: Counter[str]) -> str:
    total = closed.total()
    return ", ".join(f"{name} {count / total:.2%}" for name, count in closed.most_common() if count) or "none"


def _course(outcome: Outcome) -> Iterator[Row]:
    found = outcome.phases
    yield ("what", "")
    yield ("undecided before, half of the time more, spans", f"{found.before.undecided:,}")
    yield ("undecided when streams might come back, spans", f"{found.backlog_back:,}")
    yield ("the process began after, s", _after(outcome, found.began_s))
    yield ("it read its first record after, s", _after(outcome, found.reads_s))
    yield ("undecided when it began to read, spans", f"{found.backlog_reads:,}")
    yield ("caught up after, s", _after(outcome, found.caught_up_s))
    yield ("undecided when it was caught up, spans", f"{found.backlog_caught_up:,}")
    yield ("the sinks too after, s", _after(outcome, found.stored_s))
    yield ("workers that began again meanwhile", str(found.restarts))
    yield ("catching up, s", number(found.seconds))
    yield ("spans that came meanwhile, a second", f"{found.accepted / found.seconds:,.0f}")
    low = " NO" if found.spans_per_s < BOUND_SPANS_PER_S else ""
    yield (f"decided meanwhile, spans/s (bound: {BOUND_SPANS_PER_S:,})", f"{found.spans_per_s:,.0f}{low}")
    yield ("the same since the process began", f"{found.spans_per_s_since_began:,.0f}")


def _after(outcome: Outcome, at_s: float | None) -> str:
    return "-" if at_s is None else number(at_s - outcome.phases.back_s)


def _parts(outcome: Outcome) -> Iterator[Row]:
    """CPU while it caught up: per million spans that were decided, whatever a part did with them."""
    spent, decided = outcome.spent, outcome.phases.decided
    yield ("part, while catching up", "CPU-s per million spans decided", "CPU, % of a core", "peak memory, MB")
    for name, used in sorted(spent.usage.items(), key=lambda each: (each[0] == OTHERS, -each[1].cpu_s)):
        yield (
            "others on the machine" if name == OTHERS else name,
            number(used.cpu_s / decided * 1e6),
            number(used.cpu_s / spent.seconds * 100),
            number(used.peak_bytes / 1e6) if used.peak_bytes else "-",
        )


def _freshness(outcome: Outcome) -> Iterator[Row]:
    yield ("lone traces sent", "traces", "not seen", "visible after, ms, p50", "p99")
    yield _window("before", outcome.before)
    yield _window("after, until the end of the load", outcome.after)


def _window(name: str, seen: Freshness) -> Row:
    return (name, f"{seen.traces:,}", str(seen.unseen), f"{seen.p50_ms:,.0f}", f"{seen.p99_ms:,.0f}")

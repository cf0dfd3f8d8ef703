"""How is a run under load told? Tables for the terminal, and a section of docs/endurance.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from loadtest.accounting import OTHERS
from loadtest.endurance.memory import Growth
from loadtest.endurance.outcome import Outcome
from loadtest.marked import rewrite
from loadtest.report import Row, ledger, markdown, number

BEGIN: Final = "<!-- the last run under load, written by make endurance -->"
END: Final = "<!-- end of the run under load -->"
NOT_THE_STACK: Final = ("generator", "harness")
BOUND_MS: Final = 1_000.0
"""By how much p99 freshness may be worse than in the first window."""


def write_section(page: Path, outcome: Outcome) -> None:
    """Put a run between the marks of a page, in place of the one before.

    Raises:
        ValueError: the page has no such marks.
    """
    rewrite(page, BEGIN, END, lambda _: "\n" + "\n".join(lines(outcome)) + "\n")


def lines(outcome: Outcome) -> Iterator[str]:
    """Everything but the courses of memory."""
    yield from _facts(outcome)
    yield from ("", *markdown([*_memory(outcome)]))
    yield from ("", *_flat(outcome))
    yield from ("", *markdown([*_freshness(outcome)]))
    yield from ("", *markdown([*_cpu(outcome)]))


def _facts(outcome: Outcome) -> Iterator[str]:
    plan, rate = outcome.plan, outcome.spans / outcome.seconds
    yield (
        f"- {outcome.spans:,} spans in {outcome.seconds:,.0f} s ({rate:,.0f}/s) over HTTP and gRPC, "
        f"{plan.late_share:.1%} of them late, {plan.rootless_share:.1%} of the traces without a root; "
        f"{outcome.retries} requests sent again, {outcome.not_acknowledged} never acknowledged"
    )
    if outcome.verdict:
        yield (
            f"- {outcome.verdict.acknowledged_traces:,} traces, {outcome.verdict.kept_traces:,} of them kept; ledger: "
            f"{ledger([outcome.verdict])}"
        )
    if outcome.quiet_after_s is None:
        yield "- NOT all was decided and stored when the load had been over for long"
    else:
        yield f"- all decided and stored {outcome.quiet_after_s:.0f} s after the last request"
    disk = ", ".join(f"{name} {size / 1e9:.2f}" for name, size in outcome.topic_bytes.items() if size >= 5e6)
    yield f"- disk that topics took at the end, GB: {disk}; otlp {'whole' if outcome.log_is_whole else 'NOT WHOLE'}"
    if outcome.reread:
        words = {0: "the same rows", 1: "rows that DIFFER"}.get(outcome.reread.code, "it could not be done")
        workers = " and with ".join(map(str, plan.rereads))
        yield f"- the log read again with {workers} workers, in {outcome.reread.seconds:,.0f} s: {words}"
    yield "- " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in outcome.machine.items())


def _memory(outcome: Outcome) -> Iterator[Row]:
    since = outcome.plan.window_s / 60
    yield (
        "process",
        f"resident, MB, after {since:.3g} min",
        "at the end",
        "peak",
        "its own, MB",
        "at the end",
        "growth, MB an hour",
        "of the second half",
        "noise, MB",
        "flat",
    )
    for each in outcome.growths:
        yield _memory_row(each)


def _memory_row(each: Growth) -> Row:
    course, of_stack = each.course, each.course.name.split()[0] not in NOT_THE_STACK
    flat = {True: "yes", False: "NO", None: "too short"}[each.flat] if of_stack else "-"
    return (
        course.name,
        number(course.resident[0] / 1e6),
        number(course.resident[-1] / 1e6),
        number(course.peak_bytes / 1e6),
        number(course.anonymous[0] / 1e6),
        number(course.anonymous[-1] / 1e6),
        f"{each.whole.per_hour / 1e6:+,.1f}",
        f"{each.half.per_hour / 1e6:+,.1f}",
        number(each.whole.noise / 1e6),
        flat,
    )


def _flat(outcome: Outcome) -> Iterator[str]:
    """What became of the processes that the table leaves out."""
    told = {each.course.name for each in outcome.growths}
    passing = [course.name for course in outcome.courses if course.name not in told]
    if passing:
        yield f"Not there all the time since: {', '.join(passing)}."
    else:
        yield "No process began or ended since."


def _freshness(outcome: Outcome) -> Iterator[Row]:
    window_min = outcome.plan.window_s / 60
    yield ("lone traces sent in minute", "traces", "not seen", "visible after, ms, p50", "p99", "p99 against the first")
    for place, window in enumerate(outcome.windows):
        against = window.p99_ms - outcome.windows[0].p99_ms
        bad = " NO" if against > BOUND_MS else ""
        yield (
            f"{place * window_min:.3g} to {(place + 1) * window_min:.3g}",
            f"{window.traces:,}",
            str(window.unseen),
            f"{window.p50_ms:,.0f}",
            f"{window.p99_ms:,.0f}",
            f"{against:+,.0f}{bad}" if place else "",
        )


def _cpu(outcome: Outcome) -> Iterator[Row]:
    yield ("part", "CPU-s per million spans", "CPU, % of a core")
    for name, usage in sorted(outcome.usage.items(), key=lambda each: (each[0] == OTHERS, -each[1].cpu_s)):
        yield (
            "others on the machine" if name == OTHERS else name,
            number(usage.cpu_s / outcome.spans * 1e6),
            number(usage.cpu_s / outcome.seconds * 100),
        )

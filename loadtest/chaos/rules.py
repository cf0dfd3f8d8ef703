"""What do the rules of a chaos run decide? `rules.yaml` again, in Python, for the independent reader."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from loadtest.reader.facts import Fact, Spans, Verdict

RANDOM_BYTES: Final = 7
SLOW_NS: Final = 700_000_000
WHOLE_SPANS: Final = 7


def decide(trace_id: bytes, spans: Spans) -> Verdict:
    """The verdict on a trace."""
    failed = any(span.error for span in spans.values())
    if _route(spans) == "/search" and not failed:
        return Verdict(False, "searches", 0.0)
    if failed:
        return Verdict(True, "errors", 1.0)
    if any(_is_slow_tool(span) for span in spans.values()):
        return Verdict(True, "slow-tools", 1.0)
    if len(spans) > WHOLE_SPANS:
        return _drawn(trace_id, "whole", "0.5")
    return _drawn(trace_id, "default", "0.25")


def _drawn(trace_id: bytes, policy: str, probability: str) -> Verdict:
    """Kept if the last 56 bits of the id reach the threshold."""
    threshold = (1 - Fraction(probability)) * 2 ** (8 * RANDOM_BYTES)
    return Verdict(int.from_bytes(trace_id[-RANDOM_BYTES:], "big") >= threshold, policy, float(probability))


def _route(spans: Spans) -> str:
    """That of the root that started first."""
    roots = [(span.start_ns, span_id, span.route) for span_id, span in spans.items() if not span.parent_id]
    return min(roots)[2] if roots else ""


def _is_slow_tool(span: Fact) -> bool:
    return span.operation == "execute_tool" and span.end_ns - span.start_ns > SLOW_NS

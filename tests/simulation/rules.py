"""Rule sets to decide by, each also in plain Python: of no spans it says what the default does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from loadtest.reader.facts import Judge, Spans, Verdict
from tracemill.sampling import RuleSet

PROBE = "GET /healthz"

CAREFUL = RuleSet.parse(
    f"""
version: 1
rules:
  - {{name: probes, drop: "root_name = '{PROBE}' AND error_count = 0"}}
  - {{name: errors, keep: error_count > 0}}
  - {{name: large, when: span_count > 2, probability: 0.5}}
default: {{probability: 0.25}}
"""
)
THRIFTY = RuleSet.parse(
    f"""
version: 1
rules:
  - {{name: probes, drop: "root_name = '{PROBE}'"}}
  - {{name: crowds, keep: span_count > 5}}
default: {{probability: 0}}
"""
)
HALF = RuleSet.parse("version: 1\ndefault: {probability: 0.5}")
RULE_SETS = (CAREFUL, THRIFTY, HALF)


def _careful(spans: Spans) -> tuple[str, float]:
    errors = sum(span.error for span in spans.values())
    if _root_name(spans) == PROBE and not errors:
        return "probes", 0.0
    if errors:
        return "errors", 1.0
    return ("large", 0.5) if len(spans) > 2 else ("default", 0.25)


def _thrifty(spans: Spans) -> tuple[str, float]:
    if _root_name(spans) == PROBE:
        return "probes", 0.0
    return ("crowds", 1.0) if len(spans) > 5 else ("default", 0.0)


def _root_name(spans: Spans) -> str:
    roots = [(span.start_ns, span_id, span.name) for span_id, span in spans.items() if not span.parent_id]
    return min(roots)[2] if roots else ""


def _drawn(share_of: Callable[[Spans], tuple[str, float]]) -> Judge:
    """Keeps the share of traces that a rule set names, by the last 56 bits of their ids."""

    def judge(trace_id: bytes, spans: Spans) -> Verdict:
        policy, probability = share_of(spans)
        share = 1 - Fraction(int.from_bytes(trace_id[-7:], "big"), 2**56)
        return Verdict(share <= Fraction(repr(probability)), policy, probability)

    return judge


JUDGES: Mapping[str, Judge] = {
    CAREFUL.digest: _drawn(_careful),
    THRIFTY.digest: _drawn(_thrifty),
    HALF.digest: _drawn(lambda _: ("default", 0.5)),
}
"""By hash."""

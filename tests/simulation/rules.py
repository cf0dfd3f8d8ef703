"""Rule sets to decide by, each also in plain Python: of no spans it says what the default does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.oracles.decisions import Judge
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


def _careful(spans: Sequence[Span]) -> tuple[str, float]:
    errors = sum(span.status.code == 2 for span in spans)
    if _root_name(spans) == PROBE and not errors:
        return "probes", 0.0
    if errors:
        return "errors", 1.0
    return ("large", 0.5) if len(spans) > 2 else ("default", 0.25)


def _thrifty(spans: Sequence[Span]) -> tuple[str, float]:
    if _root_name(spans) == PROBE:
        return "probes", 0.0
    return ("crowds", 1.0) if len(spans) > 5 else ("default", 0.0)


def _root_name(spans: Sequence[Span]) -> str:
    roots = [span for span in spans if not span.parent_span_id]
    return min(roots, key=lambda span: (span.start_time_unix_nano, span.span_id)).name if roots else ""


JUDGES: Mapping[str, Judge] = {
    "": lambda _: ("default", 1.0),
    CAREFUL.digest: _careful,
    THRIFTY.digest: _thrifty,
    HALF.digest: lambda _: ("default", 0.5),
}
"""By hash; everything is kept where no rules were ever applied."""

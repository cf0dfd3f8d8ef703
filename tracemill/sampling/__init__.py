"""Which traces are kept, why, and how many does each stand for?

rules = RuleSet.parse(text)
arrived = read_upstream(trace_ids, span_frame["trace_state"], trace_of_span)
verdicts = decide(rules, trace_frame, span_frame, trace_of_span, arrived)
"""

from tracemill.sampling.decide import Before, decide, decide_by_default, keep_all
from tracemill.sampling.rules import KEEP_EVERYTHING, Rule, RuleSet
from tracemill.sampling.rules_file import RulesError
from tracemill.sampling.tracestate import Upstream, read_upstream, write_thresholds
from tracemill.sampling.verdicts import Verdicts, chosen, moves

__all__ = [
    "KEEP_EVERYTHING",
    "Before",
    "Rule",
    "RuleSet",
    "RulesError",
    "Upstream",
    "Verdicts",
    "chosen",
    "decide",
    "decide_by_default",
    "keep_all",
    "moves",
    "read_upstream",
    "write_thresholds",
]

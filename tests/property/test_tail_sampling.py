"""A Collector's policies, imported and decided by a whole worker, keep what an independent reader of them keeps."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import orjson
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders.bundles import S, bundle, trace_id
from tests.builders.partition import Worker, Written
from tests.oracles.tail_sampling import Policy, Seen, sampled
from tracemill.config import Assembly
from tracemill.sampling import RuleSet
from tracemill.sampling.tail_sampling import import_rules

NOW = 1_760_000_000_000
LIMITS = Assembly(quiet_period_ms=100, max_idle_ms=200)

TEXTS = st.sampled_from(["a", "b", "abc", "it's", "é", "b\n", "a.c", "\\"])
NUMBERS = st.integers(-3, 3) | st.sampled_from([-(2**63), 2**63 - 1])
VALUES = {
    "text": TEXTS,
    "odd 'key'": TEXTS,
    "number": NUMBERS | st.sampled_from([2.0, 2.5, True, "many"]),
    "flag": st.booleans() | st.sampled_from([1, "no"]),
}
ATTRIBUTES = st.fixed_dictionaries({}, optional=VALUES) | st.fixed_dictionaries(VALUES)
SPAN = st.builds(
    S,
    start_ms=st.integers(0, 5),
    duration_ms=st.integers(0, 5),
    error=st.booleans(),
    attributes=ATTRIBUTES,
)
TRACES = st.dictionaries(
    st.integers(1, 0xFFFF), st.lists(st.tuples(st.integers(0, 1), SPAN), min_size=1, max_size=3), min_size=4, max_size=9
)

INVERTED = st.booleans()


def policy(kind: str, **keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Policy]:
    return st.fixed_dictionaries({"type": st.just(kind), kind: st.fixed_dictionaries(keys)})


CERTAIN = st.one_of(
    st.just({"type": "always_sample"}),
    policy("latency", threshold_ms=st.integers(0, 6), upper_threshold_ms=st.integers(0, 9)),
    policy("span_count", min_spans=st.integers(0, 3), max_spans=st.integers(0, 4)),
    policy("status_code", status_codes=st.lists(st.sampled_from(["OK", "ERROR", "UNSET"]), min_size=1, max_size=2)),
    policy("boolean_attribute", key=st.just("flag"), value=st.booleans(), invert_match=INVERTED),
    policy(
        "numeric_attribute",
        key=st.just("number"),
        min_value=NUMBERS.filter(bool),
        max_value=NUMBERS,
        invert_match=INVERTED,
    ),
    policy("numeric_attribute", key=st.just("number"), max_value=NUMBERS.filter(bool)),
    policy(
        "string_attribute",
        key=st.sampled_from(["text", "odd 'key'", "nowhere"]),
        values=st.lists(TEXTS, max_size=3),
        invert_match=INVERTED,
    ),
    policy(
        "string_attribute",
        key=st.just("text"),
        values=st.lists(st.sampled_from(["^a", "c$", "a|é", ".*", "[bc]{2}", "a\\.c"]), max_size=2),
        enabled_regex_matching=st.just(True),
        invert_match=INVERTED,
    ),
)


def named(policies: list[Policy]) -> list[Policy]:
    return [{"name": f"p{number}"} | one for number, one in enumerate(policies)]


def all_of(kind: str, inner: st.SearchStrategy[Policy]) -> st.SearchStrategy[Policy]:
    return policy(kind, **{f"{kind}_sub_policy": st.lists(inner, min_size=1, max_size=3).map(named)})


SHARE = policy("probabilistic", sampling_percentage=st.sampled_from([0, 12.5, 50, 99.9, 100, 250]))
NOT = policy("not", not_sub_policy=CERTAIN | all_of("and", CERTAIN))
POLICY = st.one_of(CERTAIN, SHARE, NOT, all_of("and", SHARE), all_of("and", CERTAIN | SHARE | NOT))
DROP = all_of("drop", CERTAIN | NOT)
ONE = CERTAIN | POLICY
POLICIES = (ONE.map(lambda one: [one]) | st.lists(POLICY | DROP, min_size=1, max_size=4)).map(named)
"""Often just one: of many that all can keep a trace, a wrong one would hide."""


def decided(rules: str, traces: dict[int, list[S]], resources: list[dict[str, object]]) -> dict[str, bool]:
    """Trace id to whether a worker keeps it; `parent` 1 stands for the second resource."""
    log = []
    for which, resource in enumerate(resources):
        sent = [span for spans in traces.values() for span in spans if (span.parent == 0) == bool(which)]
        log += [(NOW + which, *bundle(sent, resource=resource))] if sent else []
    written = Written()
    worker = Worker(LIMITS, [*log, (NOW + 1_000, b"", b"")], written, RuleSet.parse(rules))
    while worker.feed():
        worker.flush()
    rows = [orjson.loads(line) for output in written.outputs for line in output.traces]
    return {row["trace_id"]: row["decision"] == "keep" for row in rows}


def expected(policies: list[Policy], number: int, spans: list[S], resources: list[dict[str, object]]) -> bool:
    share_of = 1 - Fraction(int.from_bytes(trace_id(number)[-7:], "big"), 2**56)
    seen = [
        Seen(
            resource=resources[span.parent == 0],
            attributes=span.attributes,
            status="ERROR" if span.error else "UNSET",
            start_ns=span.start_ms * 1_000_000,
            end_ns=(span.start_ms + span.duration_ms) * 1_000_000,
        )
        for span in spans
    ]
    return sampled(policies, seen, lambda percentage: share_of <= Fraction(str(percentage)) / 100)


@settings(deadline=None, max_examples=150)
@given(policies=POLICIES, traces=TRACES, resources=st.tuples(ATTRIBUTES, ATTRIBUTES))
def test_the_same_traces_are_kept(policies: list[Policy], traces: Any, resources: Any) -> None:
    sent = {
        number: [
            S(number, at, 0 if which else None, "step", one.start_ms, one.duration_ms, one.error, one.attributes)
            for at, (which, one) in enumerate(spans)
        ]
        for number, spans in traces.items()
    }
    rules = import_rules(yaml.safe_dump({"processors": {"tail_sampling": {"policies": policies}}}))
    found = decided(rules, sent, list(resources))
    assert found == {
        trace_id(number).hex(): expected(policies, number, spans, list(resources)) for number, spans in sent.items()
    }

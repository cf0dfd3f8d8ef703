"""Limits, p95 and control records decide the same, however a log is cut and wherever a worker is killed."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders.bundles import S, bundle
from tests.builders.control import override, promoted
from tests.builders.partition import Logged, Worker, Written
from tracemill.config import Assembly
from tracemill.sampling import RuleSet

LIMITS = Assembly(
    quiet_period_ms=1_000,
    max_idle_ms=2_000,
    max_age_ms=20_000,
    carry_after_ms=1_500,
    late_grace_ms=2_000,
    memory_horizon_ms=180_000,
)
RULES = RuleSet.parse("""
version: 1
rules:
  - {name: noise, drop: root_name = 'noise'}
  - {name: slow, keep: duration_ms > route_p95_ms}
  - {name: errors, keep: error_count > 0, limit: {traces_per_minute: 20}}
default: {probability: 0.5, limit: {spans_per_minute: 30, megabytes_per_minute: 0.004}}
""")
FOREVER = 10**9

a_span = st.builds(
    S,
    trace=st.integers(1, 40),
    span=st.integers(0, 4),
    parent=st.sampled_from([None, None, 0]),
    name=st.sampled_from(["chat", "chat", "search", "noise"]),
    duration_ms=st.integers(1, 500),
    error=st.sampled_from([False, False, True]),
    attributes=st.sampled_from([{}, {}, {"user.id": "ada"}]),
)
records = st.one_of(
    st.tuples(st.just("spans"), st.lists(a_span, min_size=1, max_size=30)),
    st.tuples(st.just("spans"), st.lists(a_span, min_size=1, max_size=30)),
    st.tuples(st.just("tick"), st.none()),
    st.tuples(st.just("promotion"), st.integers(1, 40)),
    st.tuples(st.just("override"), st.sampled_from([FOREVER, 20_000, 0])),
)
steps = st.sampled_from([0, 300, 1_100, 4_000, 9_000])
logs = st.lists(st.tuples(steps, records), min_size=10, max_size=60)


def logged(drawn: list) -> list[Logged]:
    times = list(accumulate((step for step, _ in drawn), initial=1_760_000_000_000))[1:]
    log = [_record(at, kind, what) for at, (_, (kind, what)) in zip(times, drawn, strict=True)]
    return [*log, (times[-1] + 30_000, b"", b""), (times[-1] + 60_000, b"", b"")]


def _record(at: int, kind: str, what: object) -> Logged:
    match kind, what:
        case "spans", list(spans):
            return at, *bundle(spans)
        case "promotion", int(trace):
            return promoted(at, trace)
        case "override", int(length):
            return override(at, until=at + length, revoked=not length)
        case _:
            return at, b"", b""


def run(log: list[Logged], acts: list[str]) -> Written:
    written = Written()
    worker = Worker(LIMITS, log, written, RULES)
    for act in acts:
        if act == "feed":
            worker.feed()
        elif act == "flush":
            worker.flush()
        else:
            if act != "kill":
                worker.flush(stop_after=act)
            worker = Worker(LIMITS, log, written, RULES)
    while worker.feed():
        pass
    worker.flush()
    return written


def decided(written: Written) -> list[dict]:
    """What was decided, each time it was first written."""
    first = {(row["trace_id"], row["records"][-1]): row for row in reversed(written.rows()) if row["row"] == "decided"}
    return sorted(first.values(), key=lambda row: (row["cause"], row["at"], row["trace_id"], row["records"]))


acts = st.lists(st.sampled_from(["feed"] * 6 + ["flush", "flush", "kill", "outputs", "block"]), max_size=80)


@given(logs, acts)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_decisions_are_those_of_an_uninterrupted_worker(drawn, done):
    log = logged(drawn)
    assert decided(run(log, done)) == decided(run(log, []))


def test_the_log_above_reaches_what_it_is_about() -> None:
    """Limits hold back, a p95 is found, an override and a promotion keep."""
    chats = [
        [S(trace=1 + 40 * n + i, name="chat", duration_ms=i + 1, error=i % 4 == 0) for i in range(40)]
        for n in range(20)
    ]
    drawn = [(4_000, ("spans", some)) for some in chats]
    drawn.insert(10, (0, ("override", FOREVER)))
    drawn.append(
        (0, ("spans", [S(trace=5_000, name="noise"), S(trace=5_001, name="noise", attributes={"user.id": "ada"})]))
    )
    drawn += [(3_000, ("tick", None)), (0, ("promotion", 5_000))]
    found = decided(run(logged(drawn), []))
    policies = {row["policy"] for row in found}
    assert {"errors", "slow", "default", "override:o1", "promoted:request"} <= policies
    errors = [row["probability"] for row in found if row["policy"] == "errors"]
    assert errors[0] == 1
    assert min(errors) < 0.3
    assert min(row["probability"] for row in found if row["policy"] == "default") < 0.5
    assert any(row["route_p95_ms"] for row in found)

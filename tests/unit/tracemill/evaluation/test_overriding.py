"""An override keeps every trace with a span that it names, until its time is over or it is revoked."""

from __future__ import annotations

import orjson
import pytest

from tests.builders.bundles import S, bundle
from tests.builders.control import override
from tests.builders.partition import Logged, Worker, Written
from tracemill.config import Assembly
from tracemill.sampling import RuleSet
from tracemill.sampling.steering import Of

NOW = 1_760_000_000_000
LIMITS = Assembly(quiet_period_ms=100, max_idle_ms=200)
NOTHING = RuleSet.parse("version: 1\nrules: [{name: noise, drop: root_name = 'step'}]\ndefault: {probability: 0}")
ROOT = S(span=0)
CHILD = S(span=1, parent=0, attributes={"user.id": "ada", "session.id": "s1"})


def policies(*log: Logged, restart_after: int = 0) -> list[str]:
    """The policies of all traces, in order; `restart_after` so many records another worker takes over."""
    written = Written()
    worker = Worker(LIMITS, list(log), written, NOTHING)
    fed = 0
    while worker.feed():
        worker.flush()
        fed += 1
        if fed == restart_after:
            worker = Worker(LIMITS, list(log), written, NOTHING)
    return [orjson.loads(line)["policy"] for output in written.outputs for line in output.traces]


def spans(at: int = 10, tenant: str = "default") -> Logged:
    return NOW + at, *bundle([ROOT, CHILD], tenant, {"service.name": "shop"})


def tick(at: int = 200) -> Logged:
    return NOW + at, b"", b""


@pytest.mark.parametrize(
    ("of", "value"),
    [(Of.USER, "ada"), (Of.SESSION, "s1"), (Of.SERVICE, "shop"), (Of.TENANT, "")],
)
def test_it_keeps_what_any_span_names_whatever_the_rules_say(of: Of, value: str) -> None:
    assert policies(override(NOW, of, value), spans(), tick()) == ["override:o1"]


@pytest.mark.parametrize(("of", "value"), [(Of.USER, "bob"), (Of.SERVICE, "sho")])
def test_it_keeps_nothing_else(of: Of, value: str) -> None:
    assert policies(override(NOW, of, value), spans(), tick()) == ["noise"]


def test_it_holds_for_its_tenant_alone() -> None:
    assert policies(override(NOW, Of.TENANT, tenant="other"), spans(), tick()) == ["noise"]
    assert policies(override(NOW, Of.TENANT, tenant="other"), spans(tenant="other"), tick()) == ["override:o1"]


def test_it_ends_by_itself() -> None:
    """What counts is when the record was appended that closed a trace."""
    assert policies(override(NOW, until=NOW + 201), spans(), tick()) == ["override:o1"]
    assert policies(override(NOW, until=NOW + 200), spans(), tick()) == ["noise"]


def test_it_can_be_revoked() -> None:
    assert policies(override(NOW), spans(), override(NOW + 20, revoked=True), tick()) == ["noise"]


def test_the_next_one_takes_the_place_of_one_with_its_name() -> None:
    assert policies(override(NOW), override(NOW, value="bob"), spans(), tick()) == ["noise"]


def test_a_worker_that_takes_over_knows_it() -> None:
    log = (override(NOW), tick(5), spans(), tick())
    assert policies(*log, restart_after=2) == ["override:o1"]

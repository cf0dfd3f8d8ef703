"""The trace row is what a reader counts who goes through a trace span by span."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders.bundles import START_NS, S, framed
from tracemill.decode.groups import Origin
from tracemill.decode.spans import decode
from tracemill.evaluation import lines, rows
from tracemill.frame import read

SERVICES = ("shop", "bank")
KINDS: tuple[dict[str, object], ...] = (
    {},
    {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m1", "gen_ai.usage.input_tokens": 7},
    {"openinference.span.kind": "LLM", "llm.model_name": "m2", "llm.token_count.prompt": 5, "llm.cost.total": 0.1},
    {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "sql"},
    {"openinference.span.kind": "RETRIEVER"},
    {"gen_ai.operation.name": "embeddings", "gen_ai.usage.input_tokens": 3, "gen_ai.usage.cost": 0.2},
    {"openinference.span.kind": "LLM", "llm.model_name": "m3", "llm.token_count.prompt": 5, "llm.cost.total": 0.7},
)
INFERENCE = {1, 2, 5, 6}
COSTS = {2: 0.1, 5: 0.2, 6: 0.7}
"""Whose sum is another in another order."""

spans = st.builds(
    S,
    span=st.integers(0, 7),
    parent=st.sampled_from([None, 0, 1, 2, 3, 9]),
    name=st.sampled_from(["a", "b"]),
    start_ms=st.integers(0, 4),
    duration_ms=st.integers(0, 9),
    error=st.booleans(),
)
sent = st.tuples(spans, st.integers(0, len(KINDS) - 1), st.integers(0, 1), st.sampled_from(["", "u1", "u2"]))
traces = st.lists(st.lists(sent, min_size=1, max_size=10), min_size=1, max_size=4)


def origin(service: str) -> Origin:
    columns = {"service_name": service, "environment": "", "git_sha": "", "config_bundle_id": ""}
    return Origin("default", columns, (), "", "")


def computed(drawn: list[list[tuple[S, int, int, str]]]) -> list[dict[str, Any]]:
    flat = [one for trace in drawn for one in trace]
    messages = []
    for span, kind, _, user in flat:
        message = span.message()
        for key, value in (KINDS[kind] | ({"user.id": user} if user else {})).items():
            pair = message.attributes.add(key=key)
            if isinstance(value, str):
                pair.value.string_value = value
            elif isinstance(value, int):
                pair.value.int_value = value
            else:
                pair.value.double_value = value
        messages.append(framed(2, message.SerializeToString()))
    owner = np.repeat(np.arange(len(drawn)), [len(trace) for trace in drawn])
    service = np.array([one[2] for one in flat])
    frame = read(decode(b"".join(messages)), owner, service, [origin(name) for name in SERVICES])
    return lines.frame_of(rows.columns(rows.Traces(frame, len(drawn)))).to_dicts()


def counted(trace: list[tuple[S, int, int, str]]) -> dict[str, Any]:
    """The same, the slow way."""
    first: dict[int, tuple[S, int, int, str]] = {}
    for one in trace:
        first.setdefault(one[0].span, one)
    ordered = sorted(first.values(), key=lambda one: (one[0].start_ms, (one[0].span + 1).to_bytes(8, "big")[::-1]))
    by_id = {one[0].span: one for one in ordered}
    calls = [one for one in ordered if one[1] in INFERENCE]
    wrapping = {one[0].parent for one in calls}
    leaves = [one for one in calls if one[0].span not in wrapping]
    roots = [one for one in ordered if one[0].parent is None]
    head = roots[0] if roots else ordered[0]
    costs = [COSTS[one[1]] for one in leaves if one[1] in COSTS]
    begin = min(one[0].start_ms for one in ordered)
    end = max(one[0].start_ms + one[0].duration_ms for one in ordered)
    return {
        "started_at": START_NS + begin * 1_000_000,
        "duration_ms": float(end - begin),
        "root_name": roots[0][0].name if roots else "",
        "service_name": SERVICES[head[2]],
        "user_id": next((one[3] for one in ordered if one[3]), ""),
        "span_count": len(first),
        "llm_calls": sum(1 for one in leaves if one[1] != 5),
        "tool_calls": sum(1 for one in ordered if one[1] == 3),
        "retrievals": sum(1 for one in ordered if one[1] == 4),
        "error_count": sum(one[0].error for one in ordered),
        "tool_error_count": sum(one[0].error and one[1] == 3 for one in ordered),
        "orphans": sum(1 for one in ordered if one[0].parent is not None and one[0].parent not in by_id),
        "hops": sum(1 for one in ordered if one[0].parent in by_id and by_id[one[0].parent][2] != one[2]),
        "input_tokens": sum({1: 7, 2: 5, 5: 3, 6: 5}[one[1]] for one in leaves),
        "cost_usd": reduce(add, costs) if costs else None,
        "models": sorted({{1: "m1", 2: "m2", 6: "m3"}[one[1]] for one in leaves if one[1] != 5}),
        "depth": max(depth(one[0], by_id) for one in ordered),
    }


def depth(span: S, by_id: dict[int, tuple[S, int, int, str]]) -> int:
    """Spans on the way up; 0 where the way never ends."""
    seen = set()
    length = 1
    while span.parent in by_id:
        if span.span in seen:
            return 0
        seen.add(span.span)
        span, length = by_id[span.parent][0], length + 1
    return length


@given(traces)
@settings(max_examples=300)
def test_rows_are_counted_right(drawn):
    found = computed(drawn)
    for row, trace in zip(found, drawn, strict=True):
        expected = counted(trace)
        assert {name: row[name] for name in expected} == expected


@given(st.lists(sent, min_size=1, max_size=8, unique_by=lambda one: one[0].span), st.randoms())
def test_rows_do_not_depend_on_the_order_of_arrival(trace, random):
    shuffled = list(trace)
    random.shuffle(shuffled)
    assert computed([shuffled]) == computed([trace])

"""Values that are observed at once are observed like the same values one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.samples import Sample

from runtime.bulk import BulkHistogram

BUCKETS = (0.0, 0.5, 1.0, 60.0)


def samples(registry: CollectorRegistry) -> list[Sample]:
    return [
        sample._replace(value=round(sample.value, 6))
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    ]


@given(st.lists(st.lists(st.one_of(st.sampled_from(BUCKETS), st.floats(0, 100)))))
def test_lists_are_as_their_values(lists: list[list[float]]) -> None:
    at_once, one_by_one = CollectorRegistry(), CollectorRegistry()
    bulk = BulkHistogram("latency_seconds", "Of tests.", BUCKETS, at_once)
    plain = Histogram("latency_seconds", "Of tests.", buckets=BUCKETS, registry=one_by_one)
    for values in lists:
        bulk.observe(values)
        for value in values:
            plain.observe(value)
    assert samples(at_once) == samples(one_by_one)

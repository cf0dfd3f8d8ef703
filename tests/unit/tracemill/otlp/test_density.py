"""What would take many times its bytes once decoded is refused, whatever it is made of; what SDKs send never is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.otlp import request, span, text
from tests.oracles.requests import count_parts, may_be_taken
from tracemill.config import Limits
from tracemill.errors import Reason, TooLarge
from tracemill.otlp.check import check
from tracemill.otlp.density import FEW_PARTS, PART_BYTES, PIECE_BYTES, STORED_BYTES
from tracemill.otlp.wire import field

RECORDED = sorted((Path(__file__).parents[3] / "golden" / "otlp").glob("*.binpb"))
LIMITS = Limits()
IDS = span().SerializeToString()


def body(*more: bytes) -> bytes:
    """A request of spans with these bytes behind their ids."""
    return field(1, field(2, b"".join(field(2, IDS + inside) for inside in more)))


EMPTY = {
    "attributes": field(9, b""),
    "events": field(11, b""),
    "links": field(13, b""),
    "keys only": field(9, field(1, b"k")),
}


@pytest.mark.parametrize("empty", EMPTY.values(), ids=EMPTY.keys())
@pytest.mark.parametrize("spans", [1, 9])
def test_spans_of_next_to_nothing_but_empty_parts_are_refused(empty: bytes, spans: int) -> None:
    with pytest.raises(TooLarge, match="attributes, events and links in") as caught:
        check(body(*[empty * 200_000] * spans), LIMITS)
    assert caught.value.reason is Reason.TOO_MANY_SPANS


@pytest.mark.parametrize("number", [11, 13])
def test_so_are_empty_attributes_of_events_and_links(number: int) -> None:
    inner = {11: field(3, b""), 13: field(4, b"")}[number]
    with pytest.raises(TooLarge, match="200001 attributes"):
        check(body(field(number, inner * 200_000)), LIMITS)


def test_large_requests_are_looked_at_everywhere() -> None:
    fat, dense = field(5, b"x" * 500_000), field(9, b"") * (PIECE_BYTES // 2)
    assert check(body(*[fat] * 9), LIMITS).accepted == 9
    for place in range(9):
        with pytest.raises(TooLarge, match="attributes"):
            check(body(*[fat] * place, dense, *[fat] * (8 - place)), LIMITS)


@given(
    st.lists(
        st.tuples(*[st.integers(0, 80)] * 3, st.sampled_from([b"", field(3, b""), field(3, field(1, b"key"))])),
        min_size=1,
        max_size=3,
    )
)
def test_the_rule_is_the_one_that_counting_all_objects_gives(spans: list[tuple[int, int, int, bytes]]) -> None:
    sent = body(
        *(
            field(9, b"") * few + field(11, inner * 9) * more + field(13, b"") * links
            for few, more, links, inner in spans
        )
    )
    if may_be_taken(sent):
        assert check(sent, LIMITS).accepted == len(spans)
    else:
        with pytest.raises(TooLarge):
            check(sent, LIMITS)


def test_a_few_empty_attributes_are_fine() -> None:
    assert check(body(field(9, b"") * FEW_PARTS), LIMITS).accepted == 1


@pytest.mark.parametrize("path", RECORDED, ids=[path.stem for path in RECORDED])
def test_what_sdks_send_is_far_from_it(path: Path) -> None:
    sent = path.read_bytes()
    assert check(sent, LIMITS).refusals.count == 0
    parsed = type(request()).FromString(sent)
    assert 2 * PART_BYTES * count_parts(parsed) < len(sent)


def test_the_smallest_attributes_that_say_something_are_taken() -> None:
    one = span()
    for number in range(10_000):
        one.attributes.add(key=chr(33 + number % 90)).value.bool_value = True
    assert check(request(one).SerializeToString(), LIMITS).accepted == 1


def test_a_resource_may_not_be_stored_with_more_spans_than_there_is_room_for() -> None:
    spans = [span(number=number) for number in range(700)]
    sent = request(*spans, service="s" * 100_000)
    with pytest.raises(TooLarge, match="each span is stored with its resource and scope, 700") as caught:
        check(sent.SerializeToString(), LIMITS)
    assert caught.value.reason is Reason.REQUEST_TOO_LARGE
    most = STORED_BYTES // 100_100
    sent.resource_spans[0].resource.attributes[0].CopyFrom(text("service.name", "s" * 100_000))
    del sent.resource_spans[0].scope_spans[0].spans[most:]
    assert check(sent.SerializeToString(), LIMITS).accepted == most

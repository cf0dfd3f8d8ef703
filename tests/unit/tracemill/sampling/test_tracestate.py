"""The member `ot` is read and written; what others wrote stays; a trace's values don't depend on its spans' order."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracemill.sampling import read_upstream, write_thresholds
from tracemill.sampling.thresholds import NEVER, decode_threshold, encode_threshold, threshold
from tracemill.sampling.tracestate import read_sampling, write_threshold

HIGH = "f" * 14
TRACE = bytes.fromhex("00112233445566778899aabbccddeeff")
TRACE_RANDOMNESS = 0x99AABBCCDDEEFF
HEX = st.text(st.sampled_from("0123456789abcdef"), min_size=1, max_size=14)
MEMBER = st.sampled_from(
    ["a=1", "t@v=x y", "ot=", "ot=rv:0123456789abcd", "ot=th:8", "ot=p:1;th:c;k:v", "broken", " b=2 ", ""]
)


@pytest.mark.parametrize(
    ("trace_state", "found"),
    [
        ("", (None, None)),
        ("ot=th:8", (None, 8 << 52)),
        ("ot=th:0", (None, 0)),
        ("ot=rv:0123456789abcd;th:c", (0x0123456789ABCD, 0xC << 52)),
        ("vendor=x, ot=th:c ,other=y", (None, 0xC << 52)),
        ("ot=th:c,ot=th:8", (None, 0xC << 52)),
        ("ot=th:C", (None, None)),
        ("ot=rv:123;th:zz", (None, None)),
        ("other=th:c", (None, None)),
        ("ot@tenant=th:c", (None, None)),
        ("ot=th", (None, None)),
        ("ot=k:" + "v" * 260 + ";th:8", (None, None)),
    ],
)
def test_reading(trace_state: str, found: tuple[int | None, int | None]) -> None:
    assert read_sampling(trace_state) == found


@pytest.mark.parametrize(
    ("trace_state", "written"),
    [
        ("", "ot=th:c"),
        ("a=1,b=2", "ot=th:c,a=1,b=2"),
        ("a=1,ot=rv:0123456789abcd;th:8;k:v,b=2", "ot=rv:0123456789abcd;k:v;th:c,a=1,b=2"),
        ("ot=th:zz,ot=th:1", "ot=th:c"),
        (",".join(f"k{i}=v" for i in range(32)), "ot=th:c," + ",".join(f"k{i}=v" for i in range(31))),
        ("ot=k:" + "v" * 250, "ot=k:" + "v" * 250),
    ],
)
def test_writing(trace_state: str, written: str) -> None:
    assert write_threshold(trace_state, 0xC << 52) == written


@pytest.mark.parametrize(
    ("trace_state", "written"), [("ot=th:8", ""), ("a=1,ot=th:8;k:v", "ot=k:v,a=1"), ("a=1,ot=th:8", "a=1")]
)
def test_erasing(trace_state: str, written: str) -> None:
    assert write_threshold(trace_state, None) == written


@settings(deadline=None)
@given(st.lists(MEMBER, max_size=5).map(",".join), st.integers(0, NEVER - 1))
def test_what_is_written_is_read_and_the_rest_stays(trace_state: str, rejected: int) -> None:
    written = write_threshold(trace_state, rejected)
    assert read_sampling(written) == (read_sampling(trace_state)[0], rejected)

    def others(text: str) -> list[str]:
        return [member for member in text.split(",") if member.strip() and not member.strip().startswith("ot=")]

    assert others(written) == others(trace_state)


@settings(deadline=None)
@given(st.text(max_size=40), st.none() | st.integers(0, NEVER - 1))
def test_any_tracestate_can_be_read_and_written(trace_state: str, rejected: int | None) -> None:
    assert read_sampling(write_threshold(trace_state, rejected))[1] in (rejected, read_sampling(trace_state)[1])


def upstream_of(trace_states: list[str]) -> tuple[int, int]:
    found = read_upstream([TRACE], pl.Series(trace_states, dtype=pl.String), np.zeros(len(trace_states), np.int32))
    return int(found.randomness[0]), int(found.threshold[0])


@pytest.mark.parametrize(
    ("trace_states", "found"),
    [
        ([], (TRACE_RANDOMNESS, 0)),
        (["", "a=1"], (TRACE_RANDOMNESS, 0)),
        (["ot=th:8"], (TRACE_RANDOMNESS, 8 << 52)),
        (["ot=th:8", "", "ot=th:4"], (TRACE_RANDOMNESS, 4 << 52)),
        (["ot=th:f"], (TRACE_RANDOMNESS, 0)),
        (["ot=th:f", "ot=th:8"], (TRACE_RANDOMNESS, 8 << 52)),
        (["ot=rv:f0000000000000;th:e"], (0xF0 << 48, 0xE << 52)),
        (["ot=rv:10000000000000;th:8"], (0x10 << 48, 0)),
        (["ot=rv:f0000000000000", "ot=rv:00000000000001"], (1, 0)),
        (["ot=rv:F0000000000000"], (TRACE_RANDOMNESS, 0)),
    ],
)
def test_what_a_traces_spans_tell(trace_states: list[str], found: tuple[int, int]) -> None:
    assert upstream_of(trace_states) == found


@settings(deadline=None)
@given(st.lists(MEMBER | HEX.map(lambda th: f"ot=th:{th}"), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_spans_changes_nothing(trace_states: list[str], shuffle: object) -> None:
    turned = list(trace_states)
    shuffle.shuffle(turned)  # type: ignore[attr-defined]
    assert upstream_of(turned) == upstream_of(trace_states)


def test_traces_dont_mix() -> None:
    ids = [bytes(15) + bytes([i]) for i in range(3)]
    found = read_upstream(ids, pl.Series(["", f"ot=rv:{HIGH};th:8", "ot=th:0"]), np.array([2, 1, 0], np.int32))
    assert found.randomness.tolist() == [0, int(HIGH, 16), 2]
    assert found.threshold.tolist() == [0, 8 << 52, 0]


def test_no_traces() -> None:
    found = read_upstream([], pl.Series([], dtype=pl.String), np.array([], np.int32))
    assert (len(found.randomness), len(found.threshold)) == (0, 0)


TENTH = threshold(0.1)


@pytest.mark.parametrize(
    ("trace_state", "randomness", "rejected", "written"),
    [
        ("", HIGH, 0, ""),
        ("", HIGH, TENTH, "ot=th:e6666666666666"),
        ("a=1", HIGH, TENTH, "ot=th:e6666666666666,a=1"),
        ("ot=th:8", HIGH, TENTH, "ot=th:e6666666666666"),
        ("ot=th:8,a=1", HIGH, 0, "ot=th:8,a=1"),
        ("a=1,ot=th:f;k:v", HIGH, TENTH, "a=1,ot=th:f;k:v"),
        ("a=1", HIGH, 0, "a=1"),
        ("ot=th:f", "e" + "0" * 13, 0, ""),
        ("ot=th:f", "e" + "f" * 13, TENTH, "ot=th:e6666666666666"),
    ],
    ids=[
        "a rule kept it, nothing is known: nothing is said",
        "a share was kept",
        "what others wrote stays",
        "we raised the threshold",
        "a rule kept it: upstream's threshold still holds",
        "upstream was stricter: its threshold holds, untouched",
        "a rule kept it, no threshold before",
        "a threshold that can't be true is erased",
        "a threshold that can't be true is replaced",
    ],
)
def test_th_is_written_only_where_it_is_true(trace_state: str, randomness: str, rejected: int, written: str) -> None:
    states = pl.Series("trace_state", [trace_state])
    words = (np.array([int(randomness, 16)], np.uint64), np.array([rejected], np.uint64))
    found = write_thresholds(states, *words)
    assert (found.to_list(), found.name, found.dtype) == ([written], "trace_state", pl.String)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(MEMBER, st.integers(0, NEVER - 1), st.sampled_from([0, TENTH, 8 << 52])).map(
            lambda span: (span[0], max(span[1], span[2]), span[2])
        ),
        max_size=8,
    )
)
def test_outgoing_thresholds_are_the_highest_that_was_applied(spans: list[tuple[str, int, int]]) -> None:
    states = pl.Series([state for state, _, _ in spans], dtype=pl.String)
    words = [np.array([span[i] for span in spans], np.uint64) for i in (1, 2)]
    for (state, randomness, rejected), written in zip(spans, write_thresholds(states, *words).to_list(), strict=True):
        before = read_sampling(state)[1]
        honest = before if before is not None and before <= randomness else None
        expected = max(honest or 0, rejected)
        assert read_sampling(written)[1] == (expected if expected or honest == 0 else None)


@settings(deadline=None)
@given(HEX)
def test_texts_and_thresholds_agree(text: str) -> None:
    value = decode_threshold(text)
    assert value is not None
    assert encode_threshold(value) == (text.rstrip("0") or "0")

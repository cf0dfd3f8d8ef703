"""What comes out of a compressed body is what went in; everything else is refused, and bombs cost little."""

from __future__ import annotations

import gzip
import sys
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.inflate import ENCODINGS, STEP_BYTES, inflate
from tracemill.errors import Malformed, TooLarge

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def raw_deflate(body: bytes) -> bytes:
    """deflate without zlib's header, as some clients send it."""
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(body) + stream.flush()


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "raw": raw_deflate,
    "zstd": zstd.compress,
}
NAMES = {"raw": "deflate"}


def unpack(name: str, body: bytes, limit: int = 1 << 26) -> bytes:
    """The content of a body packed with `PACK[name]`."""
    steps = list(inflate(body, NAMES.get(name, name), limit))
    assert all(0 < len(step) <= STEP_BYTES for step in steps)
    return b"".join(steps)


def test_every_encoding_is_tested() -> None:
    assert {NAMES.get(name, name) for name in PACK} == set(ENCODINGS)


@pytest.mark.parametrize("name", PACK)
@given(content=st.binary(max_size=2_000), times=st.sampled_from([1, 2_000]))
def test_what_went_in_comes_out(name: str, content: bytes, times: int) -> None:
    assert unpack(name, PACK[name](content * times)) == content * times


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_several_parts_are_one_body_but_not_without_end(name: str) -> None:
    assert unpack(name, PACK[name](b"one") + PACK[name](b"two")) == b"onetwo"
    with pytest.raises(Malformed, match="isn't valid"):
        unpack(name, PACK[name](b"x") * 1_000)


@pytest.mark.parametrize("name", ["gzip", "deflate", "zstd"])
@given(content=st.binary(min_size=1, max_size=300), cut=st.integers(1, 400))
def test_a_body_cut_short_is_refused(name: str, content: bytes, cut: int) -> None:
    packed = PACK[name](content)
    with pytest.raises(Malformed, match="cut short"):
        unpack(name, packed[: max(len(packed) - cut, 0)])


@pytest.mark.parametrize("name", ["gzip", "deflate", "zstd"])
@pytest.mark.parametrize("body", [b"", b"plain text", b"\x00" * 40])
def test_what_is_not_of_the_encoding_is_refused(name: str, body: bytes) -> None:
    with pytest.raises(Malformed, match=f"isn't valid {name}"):
        unpack(name, body)


@pytest.mark.parametrize("name", PACK)
def test_a_body_with_more_behind_its_end_is_refused(name: str) -> None:
    with pytest.raises(Malformed):
        unpack(name, PACK[name](b"content") + b"more")


@pytest.mark.parametrize("name", PACK)
def test_a_bomb_is_refused_before_it_takes_memory(name: str) -> None:
    bomb = PACK[name](bytes(200 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge, match="inflates to more than 4194304 bytes"):
            for _ in inflate(bomb, NAMES.get(name, name), 4 << 20):
                pass
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_the_limit_itself_is_fine() -> None:
    assert len(unpack("gzip", gzip.compress(bytes(4 << 20)), 4 << 20)) == 4 << 20


def test_a_window_that_takes_much_memory_is_refused() -> None:
    options = {zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.enable_long_distance_matching: 1}
    stream = zstd.ZstdCompressor(options=options)
    body = stream.compress(b"x" * 1000) + stream.flush()
    with pytest.raises(Malformed):
        unpack("zstd", body)

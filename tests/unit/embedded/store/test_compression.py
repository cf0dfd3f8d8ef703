"""Bodies come out as they went in, and never larger than allowed; the libraries that wrote them are the oracle."""

import gzip
import zlib

import cramjam
import lz4.frame
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from embedded.store.compression import choose, compress, inflate
from embedded.store.failures import QueryFailed

WRITERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
    "lz4": lz4.frame.compress,
    "br": lambda body: bytes(cramjam.brotli.compress(body)),
}
READERS = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
    "lz4": lz4.frame.decompress,
    "br": lambda body: bytes(cramjam.brotli.decompress(body)),
}
MANY_FRAMES = ("gzip", "zstd", "lz4")


def cut(body: bytes, at: int) -> list[bytes]:
    return [body[: at % (len(body) + 1)], body[at % (len(body) + 1) :]]


@given(st.sampled_from(sorted(WRITERS)), st.binary(max_size=5_000), st.integers(0, 10_000))
def test_a_body_comes_out_as_it_was_wherever_it_was_cut(encoding, body, at):
    assert b"".join(inflate(cut(WRITERS[encoding](body), at), encoding, len(body))) == body


@given(st.sampled_from(MANY_FRAMES), st.lists(st.binary(max_size=500), min_size=1, max_size=5))
def test_frames_in_a_row_are_one_body(encoding, bodies):
    stream = b"".join(WRITERS[encoding](body) for body in bodies)
    assert b"".join(inflate([stream], encoding, 10_000)) == b"".join(bodies)


@pytest.mark.parametrize("encoding", sorted(WRITERS))
def test_a_bomb_is_refused_as_too_large(encoding):
    with pytest.raises(QueryFailed, match=r"more than 100000 bytes|no br stream") as refused:
        inflate([WRITERS[encoding](bytes(5_000_000))], encoding, 100_000)
    assert refused.value.code in (307, 354)


@pytest.mark.parametrize("encoding", sorted(WRITERS))
@pytest.mark.parametrize("damage", ["cut", "garbage"])
def test_a_damaged_stream_is_refused(encoding, damage):
    whole = WRITERS[encoding](bytes(range(256)) * 50)
    with pytest.raises(QueryFailed, match=f"no {encoding} stream") as refused:
        inflate([whole[: len(whole) // 2] if damage == "cut" else b"\xff" * 64], encoding, 1_000_000)
    assert refused.value.code == 354


def test_uncompressed_pieces_are_not_copied():
    pieces = [b"a", b"b"]
    assert inflate(pieces, "identity", 1) is pieces


def test_an_unknown_encoding_is_named():
    with pytest.raises(QueryFailed, match="snappy"):
        inflate([b"x"], "snappy", 10)


@given(st.sampled_from(sorted(READERS)), st.binary(max_size=5_000))
def test_an_answer_is_what_the_client_inflates(encoding, body):
    assert READERS[encoding](bytes(compress(body, encoding))) == body


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [("", None), ("identity", None), ("gzip, deflate", "gzip"), ("zstd;q=0.5, LZ4", "lz4"), ("br", "br")],
)
def test_the_encoding_of_the_answer_is_one_that_the_client_takes(accepted, chosen):
    assert choose(accepted) == chosen
